/** What a task has changed: each file with its changes, to download and to undo. */

import { getWorkspace, undoTask } from "./api.js";
import { diffView, visible } from "./diff.js";
import { byId, element } from "./element.js";
import { downloadButton, fileSize } from "./files.js";
import { say } from "./language.js";
import { showProblem } from "./problem.js";

/** {id, workspace} of the task shown. */
let shown;

byId("undo").addEventListener("click", undo);
byId("folder").addEventListener("toggle", () => byId("folder").open && listFolder());

/** @param {object} task with its `effects`, `call_results`, `workspace` and `undone`. */
export function showChanges({ task_id, effects = [], call_results = [], workspace, undone }) {
  shown = { id: task_id, workspace };
  const all = call_results.flatMap((call) => call.effects);
  byId("changes").hidden = !effects.length && !workspace;
  byId("changes-none").hidden = effects.length > 0;
  byId("changes-list").replaceChildren(
    ...effects.map((effect) => line(effect, all.filter(({ path }) => path === effect.path), workspace)),
  );
  byId("undo").hidden = undone || !effects.length;
  byId("undo-note").textContent = undone ? say("changes.undone") : "";
  byId("folder").hidden = !workspace;
  byId("folder").open = false;
  showProblem(byId("changes-problem"), null);
}

function line({ path, before, after }, steps, workspace) {
  const kind = after === null ? "deleted" : before === null ? "created" : "changed";
  return element(
    "li",
    {},
    element(
      "p",
      { class: "row" },
      element("span", { class: "name grow" }, visible(path)),
      element("span", { class: "tag" }, say(`effect.${kind}`)),
      workspace && after !== null ? downloadButton(workspace, path, byId("changes-problem")) : null,
    ),
    element(
      "details",
      {},
      element("summary", {}, say("changes.diff")),
      ...steps.map(({ diff }) => diffView(diff, false)),
    ),
  );
}

async function undo() {
  if (!confirm(say("changes.sure"))) return;
  const { id } = shown;
  const button = byId("undo");
  button.disabled = true;
  showProblem(byId("changes-problem"), null);
  try {
    const { restored, left } = await undoTask(id);
    if (id !== shown.id) return;
    const told = [
      restored.length && say("changes.restored", { paths: restored.map(visible).join(", ") }),
      left.length && say("changes.left", { paths: left.map(visible).join(", ") }),
    ];
    byId("undo-note").textContent = told.filter(Boolean).join(" ") || say("changes.nothing");
    button.hidden = !left.length;
    byId("changes-title").focus({ preventScroll: true });
    if (byId("folder").open) await listFolder();
  } catch (error) {
    showProblem(byId("changes-problem"), error);
  } finally {
    button.disabled = false;
  }
}

async function listFolder() {
  const workspace = shown?.workspace;
  if (!workspace) return;
  try {
    const { files } = await getWorkspace(workspace);
    byId("folder-none").hidden = files.length > 0;
    byId("folder-list").replaceChildren(
      ...files.map(({ path, size }) =>
        element(
          "li",
          { class: "row" },
          element("span", { class: "grow" }, visible(path)),
          element("span", { class: "note figures" }, fileSize(size)),
          downloadButton(workspace, path, byId("changes-problem")),
        ),
      ),
    );
  } catch (error) {
    showProblem(byId("changes-problem"), error);
  }
}
