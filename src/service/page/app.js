/** Starts the page: its language, and a view for each address after the `#`. */

import { openAsk } from "./ask.js";
import { openDocuments } from "./documents.js";
import { byId } from "./element.js";
import { forgetKey, hasKey } from "./key.js";
import { switchLanguage, translate } from "./language.js";
import { openLearning } from "./learning.js";
import { openTask } from "./task.js";
import { openTasks } from "./tasks.js";

const VIEWS = [
  { address: /^#\/tasks\/([^/]+)$/, id: "task", open: openTask },
  { address: /^#\/tasks$/, id: "tasks", open: openTasks },
  { address: /^#\/documents$/, id: "documents", open: openDocuments },
  { address: /^#\/learning$/, id: "learning", open: openLearning },
  { address: /^/, id: "ask", open: openAsk },
];

let leave;

/** Show the view that the address names; `focus` moves the reader to its heading. */
function show(focus) {
  leave?.abort();
  leave = new AbortController();
  const view = VIEWS.find(({ address }) => address.test(location.hash));
  for (const { id } of VIEWS) byId(id).hidden = id !== view.id;
  for (const link of document.querySelectorAll("nav a"))
    if (link.hash === (location.hash || "#/")) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  document.title = "Concertino";
  scrollTo(0, 0);
  if (focus) byId(view.id).querySelector("h1").focus({ preventScroll: true });
  const [, id] = view.address.exec(location.hash);
  view.open({ signal: leave.signal, id });
  byId("forget-key").hidden = !hasKey();
}

translate(document);
byId("other-language").addEventListener("click", switchLanguage);
byId("forget-key").addEventListener("click", forgetKey);
byId("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address after the # is the view's
  byId("main").focus();
});
addEventListener("hashchange", () => show(true));
show(false);
