/** Files to work on: a folder of the person's own, new or from before, and files dropped into it. */

import { deleteFile, deleteWorkspace, getWorkspace, listWorkspaces, makeWorkspace, putFile } from "./api.js";
import { visible } from "./diff.js";
import { byId, element } from "./element.js";
import { downloadButton, fileSize } from "./files.js";
import { say } from "./language.js";
import { moment } from "./numbers.js";
import { showProblem, wordsOf } from "./problem.js";

const STORED = "concertino.workspace";
const NEW = "new";

let underway = 0;
let making;

const problem = byId("work-problem");

byId("work").addEventListener("toggle", () => byId("work").open && refresh());
byId("work-folder").addEventListener("change", choose);
byId("work-files").addEventListener("change", ({ target }) => {
  take([...target.files]);
  target.value = "";
});
byId("work-delete").addEventListener("click", removeFolder);
acceptDrops(byId("work"));

/** Whether a file is still being sent. */
export const putting = () => underway > 0;

/** The id of the workspace that the next task works on, or none. */
export const chosenWorkspace = () => sessionStorage.getItem(STORED) ?? undefined;

/** The same; one is made where none was chosen. */
export async function needWorkspace() {
  if (!chosenWorkspace()) {
    making ??= makeWorkspace().finally(() => (making = undefined));
    sessionStorage.setItem(STORED, (await making).workspace);
  }
  return chosenWorkspace();
}

/** The next task works on this one; none where there is none. */
export function chooseWorkspace(id) {
  if (id) sessionStorage.setItem(STORED, id);
}

/** The task has the files; the next one begins without. */
export function leaveWorkspace() {
  sessionStorage.removeItem(STORED);
  byId("work-uploads").replaceChildren();
  byId("work").open = false;
}

/** Show the panel, opened where a folder was chosen before. */
export function openWork() {
  byId("work").open = chosenWorkspace() !== undefined;
}

async function refresh() {
  try {
    const { items } = await listWorkspaces();
    if (!items.some(({ workspace }) => workspace === chosenWorkspace()))
      sessionStorage.removeItem(STORED);
    byId("work-folder").replaceChildren(
      element("option", { value: "" }, say("work.none")),
      element("option", { value: NEW }, say("work.new")),
      ...items.map((item) => element("option", { value: item.workspace }, titleOf(item))),
    );
    byId("work-folder").value = chosenWorkspace() ?? "";
    await listFiles();
  } catch (error) {
    showProblem(problem, error);
  }
}

function titleOf({ files, changed }) {
  const names = files.length ? files.map(visible).join(", ") : say("work.empty");
  return `${names} · ${moment(new Date(changed))}`;
}

async function choose({ target }) {
  sessionStorage.removeItem(STORED);
  if (target.value === NEW) await needWorkspace().catch((error) => showProblem(problem, error));
  else if (target.value) sessionStorage.setItem(STORED, target.value);
  byId("work-uploads").replaceChildren();
  await refresh();
}

async function listFiles() {
  const id = chosenWorkspace();
  const { files } = id ? await getWorkspace(id) : { files: [] };
  byId("work-list").replaceChildren(...files.map((file) => line(id, file)));
  byId("work-delete").hidden = !id;
  showProblem(problem, null);
}

function line(id, { path, size }) {
  const label = say("documents.delete_label", { title: visible(path) });
  const onclick = () => remove(id, path);
  return element(
    "li",
    { class: "row" },
    element("span", { class: "grow" }, visible(path)),
    element("span", { class: "note figures" }, fileSize(size)),
    downloadButton(id, path, problem),
    element("button", { type: "button", class: "quiet", "aria-label": label, onclick }, say("documents.delete")),
  );
}

async function remove(id, path) {
  if (!confirm(say("work.delete_sure", { path: visible(path) }))) return;
  try {
    await deleteFile(id, path);
    await listFiles();
    byId("work-folder").focus();
  } catch (error) {
    showProblem(problem, error);
  }
}

async function removeFolder() {
  if (!confirm(say("work.delete_folder_sure"))) return;
  try {
    await deleteWorkspace(chosenWorkspace());
    sessionStorage.removeItem(STORED);
    byId("work-folder").focus();
    await refresh();
  } catch (error) {
    showProblem(problem, error);
  }
}

async function take(files) {
  if (!files.length) return;
  underway += files.length;
  byId("work").open = true;
  let id;
  try {
    id = await needWorkspace();
  } catch (error) {
    underway -= files.length;
    return showProblem(problem, error);
  }
  for (const file of files) {
    await send(id, file);
    underway -= 1;
  }
  await refresh();
}

async function send(id, file) {
  const bar = element("progress", { max: 1, value: 0, "aria-label": file.name });
  const words = element("span", { class: "note" }, say("upload.sending"));
  byId("work-uploads").append(
    element("li", {}, element("span", { class: "name" }, visible(file.name)), bar, words),
  );
  try {
    await putFile(id, file.name, file, (share) => (bar.value = share));
    words.parentElement.remove(); // it is in the list of files
  } catch (error) {
    words.textContent = say("upload.failed", { reason: wordsOf(error) });
    words.classList.add("bad");
  }
  bar.remove();
}

/** Files dropped here are to be worked on; around it they go to the knowledge base. */
function acceptDrops(zone) {
  zone.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    event.stopPropagation();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    zone.classList.remove("over");
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    event.stopPropagation();
    take([...event.dataTransfer.files]);
  });
}
