/** The view of the knowledge base: add, search, list, delete. */

import { deleteDocument, listDocuments, searchDocuments } from "./api.js";
import { byId, element } from "./element.js";
import { say } from "./language.js";
import { showProblem } from "./problem.js";
import { acceptFiles } from "./uploads.js";

let next;

byId("documents-more").addEventListener("click", () => load(next));
byId("search-form").addEventListener("submit", search);
acceptFiles(
  { chooser: byId("documents-files"), zone: byId("drop"), list: byId("documents-uploads") },
  () => load(),
);

export async function openDocuments() {
  byId("documents-uploads").replaceChildren();
  await load();
}

async function load(cursor) {
  try {
    const page = await listDocuments(cursor);
    const list = byId("documents-list");
    if (!cursor) list.replaceChildren();
    list.append(...page.items.map(line));
    byId("documents-none").hidden = list.childElementCount > 0;
    next = page.next;
    byId("documents-more").hidden = !next;
    showProblem(byId("documents-problem"), null);
  } catch (error) {
    showProblem(byId("documents-problem"), error);
  }
}

function line({ doc_id, title, name, chunks }) {
  const shown = title || name;
  const label = say("documents.delete_label", { title: shown });
  const onclick = () => remove(doc_id, shown);
  return element(
    "li",
    { class: "row spread" },
    element(
      "div",
      { class: "grow" },
      element("p", { class: "name" }, shown),
      element(
        "p",
        { class: "note" },
        name === shown ? "" : `${name} · `,
        say("documents.chunks", { chunks }),
      ),
    ),
    element(
      "button",
      { type: "button", class: "quiet", "aria-label": label, onclick },
      say("documents.delete"),
    ),
  );
}

async function remove(id, title) {
  if (!confirm(say("documents.sure", { title }))) return;
  try {
    await deleteDocument(id);
    await load();
    byId("documents-title").focus();
  } catch (error) {
    showProblem(byId("documents-problem"), error);
  }
}

async function search(event) {
  event.preventDefault();
  const words = byId("search").value.trim();
  if (!words) return byId("search").focus();
  try {
    const { items } = await searchDocuments(words);
    byId("hits").replaceChildren(...items.map(hit));
    byId("search-note").textContent = items.length
      ? say("documents.found", { count: items.length })
      : say("documents.not_found");
    showProblem(byId("documents-problem"), null);
  } catch (error) {
    showProblem(byId("documents-problem"), error);
  }
}

function hit({ title, source, heading, text }) {
  const where = [title || source, heading].filter(Boolean).join(" › ");
  return element("li", {}, element("p", { class: "name" }, where), element("blockquote", {}, text));
}
