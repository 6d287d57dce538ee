/** Calls that wait for the person: what would be done, and the answer to it. */

import { getTask, resumeTask } from "./api.js";
import { paramsOf, targetOf } from "./calls.js";
import { diffView, visible } from "./diff.js";
import { byId, element } from "./element.js";
import { locale, nameOf, say } from "./language.js";
import { showProblem } from "./problem.js";

const STATUS_OF_ANSWERED = 409;

/** {taskId, digests, onAnswered} of what is shown. */
let asked;

byId("approval").addEventListener("submit", (event) => {
  event.preventDefault();
  answer(event.submitter?.value ?? "deny");
});
for (const id of ["approval-yes", "approval-all"])
  byId(id).addEventListener("click", ({ currentTarget }) => answer(currentTarget.value));

/**
 * Ask whether these calls may be carried out.
 *
 * @param {string} taskId
 * @param {object[]} approvals
 * @param {() => void} onAnswered called when the answer was taken, or was given elsewhere.
 */
export function askApproval(taskId, approvals, onAnswered) {
  asked = { taskId, digests: approvals.map(({ digest }) => digest), onAnswered };
  byId("approval-calls").replaceChildren(...approvals.map(callOf));
  const kinds = [...new Set(approvals.map(({ action }) => nameOf(action)))];
  const actions = new Intl.ListFormat(locale).format(kinds.map((kind) => say("approval.kind", { kind })));
  byId("approval-all").textContent = say("approval.all", { actions });
  byId("approval-reason").value = "";
  showProblem(byId("approval-problem"), null);
  byId("approval").hidden = false;
}

/** Take the question away. */
export function closeApproval() {
  byId("approval").hidden = true;
}

function callOf({ action, params, reason, diff }) {
  const target = targetOf(params);
  return element(
    "li",
    {},
    element(
      "p",
      { class: "who" },
      element("strong", {}, nameOf(action)),
      target ? element("code", {}, visible(target)) : null,
    ),
    element("p", { class: "note" }, visible(reason)),
    diff ? diffView(diff) : null,
    element(
      "details",
      { open: !diff },
      element("summary", {}, say("approval.params")),
      paramsOf(params),
    ),
  );
}

async function answer(kind) {
  const { taskId, digests, onAnswered } = asked;
  const reason = byId("approval-reason").value.trim();
  const words = kind === "deny" && reason ? `deny: ${reason}` : kind;
  setBusy(true);
  try {
    await resumeTask(taskId, words, digests);
    closeApproval();
    onAnswered();
  } catch (error) {
    await explain(error);
  } finally {
    setBusy(false);
  }
}

/** Say what went wrong. What was answered elsewhere gives way to what waits now, if anything does. */
async function explain(error) {
  const { taskId, digests, onAnswered } = asked;
  if (error.status === STATUS_OF_ANSWERED) {
    const now = await getTask(taskId).catch(() => ({}));
    const waiting = now.approvals ?? [];
    if (now.status && now.status !== "needs_approval") {
      closeApproval();
      onAnswered(error);
      return;
    }
    if (waiting.length && String(waiting.map(({ digest }) => digest)) !== String(digests))
      askApproval(taskId, waiting, onAnswered);
  }
  showProblem(byId("approval-problem"), error);
}

function setBusy(busy) {
  for (const button of byId("approval").querySelectorAll("button")) button.disabled = busy;
}
