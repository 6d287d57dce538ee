/** What stood before the Coordinator when it chose a workflow. */

import { element } from "./element.js";
import { nameOf, say } from "./language.js";
import { points, share } from "./numbers.js";

const LIKELY = 0.05;
/** Candidates that are less probable are not shown, unless something was learned of them. */

/**
 * The router's candidates, with what they have earned so far.
 *
 * @param {{candidates: object[], values: object[], suggestion: string|null}} routing
 * @returns {HTMLElement|null} nothing where there was no advice.
 */
export function advice({ candidates, values, suggestion }) {
  const rows = candidates
    .map(({ workflow, p }) => ({ workflow, p, earned: earnedBy(workflow, values) }))
    .filter(({ workflow, p, earned }) => p >= LIKELY || earned || workflow === suggestion);
  if (!rows.length) return null;
  const head = ["advice.workflow", "advice.router", "advice.earned"].map((key) =>
    element("th", { scope: "col" }, say(key)),
  );
  return element(
    "table",
    { class: "data advice" },
    element("caption", {}, say("advice.title")),
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...rows.map((row) => line(row, row.workflow === suggestion))),
  );
}

const earnedBy = (workflow, values) =>
  values.find((value) => value.workflow === workflow && value.count);

function line({ workflow, p, earned }, suggested) {
  const tag = suggested && element("span", { class: "tag" }, say("advice.suggested"));
  const value = earned && say("learning.point", { ...earned, value: points(earned.value) });
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, nameOf(workflow), tag ? " " : null, tag || null),
    element("td", { class: "figures" }, share(p)),
    element("td", { class: "figures" }, value ?? "–"),
  );
}
