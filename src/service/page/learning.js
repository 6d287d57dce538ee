/** The view of what tasks have taught: what each workflow has earned, for each kind of task. */

import { banditTable } from "./api.js";
import { catalogue } from "./catalogue.js";
import { chart } from "./chart.js";
import { byId, element } from "./element.js";
import { nameOf, say } from "./language.js";
import { moment, points } from "./numbers.js";
import { showProblem } from "./problem.js";

const ROUNDED = 100;
/** Milliseconds to which the times in a history are rounded. */

/** @param {{signal: AbortSignal}} view */
export async function openLearning({ signal }) {
  try {
    const [{ arms }, flows] = await Promise.all([banditTable(), catalogue()]);
    if (signal.aborted) return;
    const names = flows.map(({ name }) => name);
    byId("learning-charts").replaceChildren(...kinds(arms).map((kind) => figure(kind, names)));
    byId("learning-none").hidden = arms.length > 0;
    showProblem(byId("learning-problem"), null);
  } catch (error) {
    showProblem(byId("learning-problem"), error);
  }
}

/** The arms of each kind of task, the kind with the most rewards first. */
function kinds(arms) {
  const types = [...new Set(arms.map(({ task_type }) => task_type))];
  const total = ([, own]) => own.reduce((sum, { count }) => sum + count, 0);
  return types
    .map((type) => [type, arms.filter(({ task_type }) => task_type === type)])
    .sort((one, other) => total(other) - total(one));
}

/** @param {string[]} names of all workflows; each has the same line in every chart. */
function figure([type, arms], names) {
  const title = type === "open" ? say("learning.open") : nameOf(type);
  const lines = arms.map((arm) => ({
    name: nameOf(arm.workflow),
    style: names.includes(arm.workflow) ? names.indexOf(arm.workflow) : names.length,
    points: pointsOf(arm),
  }));
  const heading = element("h2", {}, say("learning.kind", { title }));
  return element("section", { class: "card" }, heading, chart(lines, title), table(lines, title));
}

/** The arm's history, which is thinned out and has rounded times, and where it stands now. */
function pointsOf({ history, updated, count, value }) {
  const points = history.map((point) => ({ ...point, time: Date.parse(point.time) }));
  const now = { time: Date.parse(updated), count, value };
  return [...points.filter(({ time }) => time < now.time - ROUNDED), now];
}

function table(lines, title) {
  const rows = lines
    .flatMap(({ name, points }) => points.map((point) => ({ name, ...point })))
    .sort((one, other) => other.time - one.time);
  const head = ["when", "workflow", "value", "count"].map((name) =>
    element("th", { scope: "col" }, say(`learning.${name}`)),
  );
  const body = rows.map(({ time, name, value, count }) =>
    element(
      "tr",
      {},
      element("td", {}, moment(time)),
      element("th", { scope: "row" }, name),
      element("td", { class: "figures" }, points(value)),
      element("td", { class: "figures" }, `${count}`),
    ),
  );
  return element(
    "details",
    {},
    element("summary", {}, say("learning.as_table")),
    element(
      "div",
      { class: "framed", tabindex: 0, role: "group", "aria-label": title },
      element(
        "table",
        { class: "data" },
        element("thead", {}, element("tr", {}, ...head)),
        element("tbody", {}, ...body),
      ),
    ),
  );
}
