/** The page's views, each with the addresses after the `#` that show it. */

import { byId } from "./element.js";

const VIEWS = [
  { address: /^#\/tasks\/([^/]+)$/, id: "task" },
  { address: /^#\/tasks$/, id: "tasks" },
  { address: /^#\/documents$/, id: "documents" },
  { address: /^#\/learning$/, id: "learning" },
  { address: /^/, id: "ask" },
];

/**
 * Show the view that the address names, and mark its link.
 *
 * @returns {{name: string, id: string|undefined}} the view's name, and what the address names in it.
 */
export function showView() {
  const { address, id: name } = VIEWS.find((view) => view.address.test(location.hash));
  for (const { id } of VIEWS) byId(id).hidden = id !== name;
  for (const link of document.querySelectorAll("nav a"))
    if (link.hash === (location.hash || "#/")) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  return { name, id: address.exec(location.hash)[1] };
}
