/** The view of all tasks, newest first: search, rename, delete. */

import { deleteTask, listTasks, renameTask } from "./api.js";
import { byId, element } from "./element.js";
import { nameOf, say, saying } from "./language.js";
import { moment } from "./numbers.js";
import { showProblem } from "./problem.js";

const PAGE = 20;

const MARKS = /^#+ |[*`$]/gm;
/** Signs of Markdown, which are left out of a line. */

let next;

byId("tasks-more").addEventListener("click", () => load(next));
byId("tasks-search-form").addEventListener("submit", (event) => {
  event.preventDefault();
  load();
});

export async function openTasks() {
  byId("tasks-search").value = "";
  await load();
}

async function load(cursor) {
  const list = byId("tasks-list"),
    none = byId("tasks-none"),
    words = byId("tasks-search").value.trim();
  try {
    const page = await listTasks(PAGE, cursor, words);
    if (!cursor) list.replaceChildren();
    list.append(...page.items.map(line));
    none.textContent = say(words ? "tasks.not_found" : "tasks.none");
    none.hidden = list.childElementCount > 0;
    next = page.next;
    byId("tasks-more").hidden = !next;
    showProblem(byId("tasks-problem"), null);
  } catch (error) {
    showProblem(byId("tasks-problem"), error);
  }
}

function line({ task_id, name, question, workflow, status, final_answer, created }) {
  const title = name ?? question;
  const badge = element("span", { class: `badge ${status}` }, saying(`status.${status}`) ?? status);
  const kind = workflow ? element("span", { class: "note" }, nameOf(workflow)) : null;
  const answer = final_answer?.replace(MARKS, "");
  const time = element("time", { class: "note", datetime: created }, moment(new Date(created)));
  return element(
    "li",
    {},
    element("a", { class: "clamp", href: `#/tasks/${task_id}` }, title),
    answer ? element("p", { class: "clamp note" }, answer) : null,
    element(
      "p",
      { class: "row" },
      badge,
      kind,
      time,
      button("rename", title, () => rename(task_id, name)),
      button("delete", title, () => remove(task_id, title)),
    ),
  );
}

function button(what, title, onclick) {
  const label = say(`tasks.${what}_label`, { title: shorten(title) });
  const attributes = { type: "button", class: "quiet", "aria-label": label, onclick };
  return element("button", attributes, say(`tasks.${what}`));
}

const rename = (id, name) => {
  const given = prompt(say("tasks.rename_ask"), name ?? "");
  if (given !== null) change(() => renameTask(id, given));
};

const remove = (id, title) => {
  if (confirm(say("tasks.delete_sure", { title: shorten(title) }))) change(() => deleteTask(id));
};

async function change(request) {
  try {
    await request();
    await load();
    byId("tasks-title").focus();
  } catch (error) {
    showProblem(byId("tasks-problem"), error);
  }
}

const shorten = (text) => (text.length > 80 ? `${[...text].slice(0, 80).join("")}…` : text);
