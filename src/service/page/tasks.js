/** The view of all tasks, newest first. */

import { listTasks } from "./api.js";
import { byId, element } from "./element.js";
import { nameOf, saying } from "./language.js";
import { moment } from "./numbers.js";
import { showProblem } from "./problem.js";

const PAGE = 20;

const MARKS = /^#+ |[*`$]/gm;
/** Signs of Markdown, which are left out of a line. */

let next;

byId("tasks-more").addEventListener("click", () => load(next));

export async function openTasks() {
  byId("tasks-list").replaceChildren();
  await load();
}

async function load(cursor) {
  try {
    const page = await listTasks(PAGE, cursor);
    byId("tasks-list").append(...page.items.map(line));
    byId("tasks-none").hidden = byId("tasks-list").childElementCount > 0;
    next = page.next;
    byId("tasks-more").hidden = !next;
    showProblem(byId("tasks-problem"), null);
  } catch (error) {
    showProblem(byId("tasks-problem"), error);
  }
}

function line({ task_id, question, workflow, status, final_answer, created }) {
  const badge = element("span", { class: `badge ${status}` }, saying(`status.${status}`) ?? status);
  const kind = workflow ? element("span", { class: "note" }, nameOf(workflow)) : null;
  const answer = final_answer?.replace(MARKS, "");
  const time = element("time", { class: "note", datetime: created }, moment(new Date(created)));
  return element(
    "li",
    {},
    element("a", { class: "clamp", href: `#/tasks/${task_id}` }, question),
    answer ? element("p", { class: "clamp note" }, answer) : null,
    element("p", { class: "row" }, badge, kind, time),
  );
}
