/** The view that asks: a task, its kind, that kind's inputs, and documents. */

import { createTask } from "./api.js";
import { catalogue } from "./catalogue.js";
import { byId, element } from "./element.js";
import { inputFields } from "./inputs.js";
import { language, nameOf, say } from "./language.js";
import { showProblem } from "./problem.js";
import { acceptFiles, uploading } from "./uploads.js";
import { chosenWorkspace, leaveWorkspace, needWorkspace, openWork, putting } from "./workspace.js";

const DRAFT = "concertino.draft";
const ACT = "act";
/** The workflow that works on files, and so needs a workspace. */
const FOR_ANY = ["grade"];
/** Inputs that are offered where the Coordinator chooses the workflow. */

const question = byId("question");
let flows = [];
let readInputs = () => ({});

question.value = sessionStorage.getItem(DRAFT) ?? "";
question.addEventListener("input", keepDraft);
question.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) byId("ask-form").requestSubmit();
});
byId("workflow").addEventListener("change", showInputs);
byId("ask-form").addEventListener("submit", send);
byId("examples").addEventListener("click", ({ target }) => {
  if (target.tagName === "BUTTON") fillIn(target.textContent);
});
acceptFiles(
  { chooser: byId("ask-files"), zone: byId("ask-form"), list: byId("ask-uploads") },
  () => {
    byId("ask-attach-note").hidden = false;
    if (!uploading()) showProblem(byId("ask-problem"), null);
  },
);

const TYPING = matchMedia("(hover: hover)");
/** There is a keyboard: one on the screen would cover what the page says. */

export async function openAsk() {
  if (TYPING.matches) question.focus({ preventScroll: true });
  showProblem(byId("ask-problem"), null);
  openWork();
  if (flows.length) return;
  try {
    flows = await catalogue();
    byId("workflow").replaceChildren(
      element("option", { value: "" }, say("ask.any")),
      ...flows.map(({ name }) => element("option", { value: name }, nameOf(name))),
    );
    showInputs();
  } catch (error) {
    showProblem(byId("ask-problem"), error);
  }
}

/** Put a text into the box, to be sent or changed. */
export function fillIn(text) {
  question.value = text;
  keepDraft();
  question.focus();
}

function showInputs() {
  const flow = flows.find(({ name }) => name === byId("workflow").value);
  const { fields, read } = inputFields(flow ? flow.inputs : { properties: common() });
  byId("inputs").replaceChildren(...fields);
  byId("workflow-note").textContent = flow ? flow.description[language] : "";
  readInputs = read;
  if (flow?.name === ACT) byId("work").open = true;
}

function common() {
  const all = Object.assign({}, ...flows.map(({ inputs }) => inputs.properties));
  return Object.fromEntries(FOR_ANY.filter((name) => name in all).map((name) => [name, all[name]]));
}

async function send(event) {
  event.preventDefault();
  const words = !question.value.trim() ? "ask.empty" : uploading() || putting() ? "ask.uploading" : "";
  const wrong = byId("inputs").querySelector(":invalid");
  if (words) return refuse(say(words), question);
  if (wrong) return refuse(`${wrong.labels[0].textContent}: ${wrong.validationMessage}`, wrong);
  const button = byId("ask-send");
  button.disabled = true;
  button.textContent = say("ask.sending");
  try {
    const workflow = byId("workflow").value || undefined;
    const { task_id } = await createTask({
      question: question.value,
      workflow,
      inputs: readInputs(),
      workspace: workflow === ACT ? await needWorkspace() : chosenWorkspace(),
    });
    leaveWorkspace();
    showProblem(byId("ask-problem"), null);
    question.value = "";
    byId("ask-uploads").replaceChildren();
    keepDraft();
    location.hash = `#/tasks/${task_id}`;
  } catch (error) {
    showProblem(byId("ask-problem"), error);
  } finally {
    button.disabled = false;
    button.textContent = say("ask.send");
  }
}

function refuse(words, control) {
  const place = byId("ask-problem");
  place.textContent = words;
  place.hidden = false;
  control.focus();
}

function keepDraft() {
  sessionStorage.setItem(DRAFT, question.value);
}
