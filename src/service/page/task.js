/** The view of one task: followed while it runs, read when it has ended. */

import { showAnswer } from "./answer.js";
import { askApproval, closeApproval } from "./approval.js";
import {
  cancelTask,
  createTask,
  getTask,
  listTasks,
  openTaskEvents,
  rateTask,
  resumeTask,
  serverTime,
} from "./api.js";
import { fillIn } from "./ask.js";
import { Calls } from "./calls.js";
import { catalogue } from "./catalogue.js";
import { showChanges } from "./changes.js";
import { Draft } from "./draft.js";
import { byId, element } from "./element.js";
import { WAITING, follow } from "./events.js";
import { say, saying } from "./language.js";
import { formulaFonts } from "./markdown.js";
import { duration, whole } from "./numbers.js";
import { Problem, showProblem } from "./problem.js";
import { showReward } from "./reward.js";
import { Timeline, tokensOf } from "./timeline.js";
import { chooseWorkspace } from "./workspace.js";

const ENDED = new Set([
  "verified",
  "unverified",
  "no_answer",
  "failed",
  "interrupted",
  "cancelled",
]);
const CALLS = new Set(["action", "result"]);
const FOLLOWED = new Set(["started", "model", "node_start", "node_end"]);
const STOPPED = new Set(["interrupted", "cancelled"]);
const ID = /^[0-9a-z]{1,32}$/;
const TITLE = 160;
const THREAD = 50;
/** Tasks among which the earlier ones of a thread are looked for. */

/** What is shown: {id, question, threadId, timeline, started, wake, signal}. */
let task;

byId("task-stop").addEventListener("click", stop);
byId("task-again").addEventListener("click", () => {
  const { question, workspace } = task;
  chooseWorkspace(workspace);
  location.hash = "#/";
  fillIn(question);
});
byId("task-go-on").addEventListener("click", goOn);
byId("asked-form").addEventListener("submit", giveAnswer);
byId("task-jump").addEventListener("click", jump);
byId("follow-form").addEventListener("submit", followUp);
byId("rating").addEventListener("click", rate);

/** @param {{id: string, signal: AbortSignal}} view */
export async function openTask({ id, signal }) {
  task = { id, signal, wake: new EventTarget(), started: serverTime() };
  clear();
  const needed = [catalogue(), formulaFonts()].map((each) => each.catch(() => {}));
  try {
    if (!ID.test(id)) throw new Problem(404);
    const known = await getTask(id);
    if (signal.aborted) return;
    begin(known);
    // What comes later would move what is there.
    await Promise.all([showThread(), ...needed]);
    if (signal.aborted) return;
    place(!ENDED.has(known.status));
    byId("task").classList.remove("unread");
    if (ENDED.has(known.status)) return await end(known);
    setStatus(known.status);
    byId("task-stop").hidden = false;
    showCost();
    const clock = setInterval(() => showCost(), 1000);
    signal.addEventListener("abort", () => clearInterval(clock));
    task.clock = clock;
    const onLost = () => setStatus("lost");
    const open = (...from) => openTaskEvents(id, ...from);
    const last = await follow(open, { onEvent, onLost, signal, wake: task.wake });
    if (signal.aborted) return;
    // Of a workspace the result itself does not know.
    const whole = !last || known.workspace ? await getTask(id) : last.result;
    if (!signal.aborted) await end({ updated: new Date(serverTime()), ...whole });
  } catch (error) {
    if (signal.aborted) return;
    byId("task").classList.remove("unread");
    task.timeline?.rest();
    task.draft?.clear();
    clearInterval(task.clock);
    showProblem(byId("task-problem"), error);
  }
}

function clear() {
  for (const id of [
    "asked-form",
    "approval",
    "answer",
    "changes",
    "calls",
    "draft",
    "after",
    "thread",
    "task-whole",
    "task-stop",
    "task-jump",
    "task-again",
    "task-go-on",
    "pending",
  ])
    byId(id).hidden = true;
  for (const id of ["task-question", "task-status", "task-cost", "rating-note"])
    byId(id).textContent = "";
  for (const id of ["task-problem", "rating-problem", "follow-problem"])
    showProblem(byId(id), null);
  showRating(null);
  byId("timeline").replaceChildren();
  byId("task").className = "unread";
  byId("task-status").className = "badge";
}

function begin(known) {
  task.question = known.question ?? "";
  task.threadId = known.thread_id ?? task.id;
  task.started = Date.parse(known.created) || task.started;
  task.timeline = new Timeline(byId("timeline"), byId("pending"));
  task.draft = new Draft();
  task.calls = new Calls();
  task.workspace = known.workspace ?? undefined;
  const title = task.question.replace(/\s+/g, " ").trim();
  const long = title.length > TITLE || task.question.trim().includes("\n");
  byId("task-question").textContent = long ? `${title.slice(0, TITLE)}…` : title;
  byId("task-whole").hidden = !long;
  byId("task-whole-text").textContent = task.question;
  document.title = `${title.slice(0, 60)} – Concertino`;
}

/**
 * Lay the view out. Of a task that is followed, what comes last stands last, so that nothing that
 * is being read moves; of one that has ended, the answer comes first.
 */
function place(live) {
  const [first, last] = live ? ["task-timeline", "task-main"] : ["task-main", "task-timeline"];
  byId("task-body").replaceChildren(byId(first), byId("task-jump"), byId(last));
  if (live) byId("task-main").prepend(byId("calls"));
  else byId("changes").after(byId("calls"));
  byId("task").classList.toggle("live", live);
}

function onEvent(event) {
  if (event.type === "needs_input") return ask(event.question ?? event.input_request);
  if (event.type === "needs_approval") return askToApprove(event.approvals);
  if (event.type === "done") {
    const { status, input_request, approvals } = event.result;
    if (status === "needs_input") ask(input_request);
    if (status === "needs_approval") askToApprove(approvals);
    return;
  }
  goesOn();
  if (event.type === "token") return write(event);
  if (CALLS.has(event.type)) return task.calls.add(event);
  if (FOLLOWED.has(event.type)) return task.timeline.follow(event);
  if (event.type === "decision") task.draft.end();
  task.timeline.add(event);
}

/** Show what a model writes, where the answer will be. */
const write = (token) => task.draft.write(token);

/** Nothing is asked any more. */
function goesOn() {
  byId("asked-form").hidden = true;
  closeApproval();
  byId("task-jump").hidden = true;
  setStatus("running");
}

function ask(question) {
  if (!byId("asked-form").hidden) return;
  byId("asked-question").textContent = question ?? "";
  byId("asked-answer").value = "";
  byId("asked-form").hidden = false;
  waits("needs_input", "asked-form");
}

function askToApprove(approvals) {
  if (!byId("approval").hidden) return;
  const { id, signal } = task;
  task.calls.wait(approvals);
  askApproval(id, approvals, (error) => {
    if (id !== task.id) return;
    byId("task-question").focus({ preventScroll: true });
    if (error) return openTask({ id, signal }).then(() => showProblem(byId("task-problem"), error));
    goesOn();
    task.wake.dispatchEvent(new Event("wake"));
  });
  waits("needs_approval", "approval");
}

/** The task waits for the person, who may have to scroll to what is asked. */
function waits(status, place) {
  task.timeline.rest();
  task.draft.clear();
  offerJump("task.jump.asked", place);
  setStatus(status);
}

function offerJump(words, target) {
  byId("task-jump").textContent = say(words);
  byId("task-jump").hidden = false;
  arrived.disconnect();
  arrived.observe(byId(target));
}

/** There is no need to go where one is. */
const arrived = new IntersectionObserver(
  ([{ isIntersecting }]) => {
    if (isIntersecting) byId("task-jump").hidden = true;
  },
  { rootMargin: "0px 0px -25% 0px" },
);

/** Go to what is asked, or else to the answer. */
function jump() {
  const asked = ["approval-title", "asked-answer"].find((id) => byId(id).checkVisibility());
  const target = byId(asked ?? "answer-title");
  target.focus({ preventScroll: true });
  target.scrollIntoView({ block: asked ? "center" : "start" });
}

async function end(result) {
  clearInterval(task.clock);
  // A task that is opened after its end has its history; one that was followed has its timeline.
  if (!byId("timeline").childElementCount) {
    if (result.routing) task.timeline.add({ type: "routing", ...result.routing });
    (result.iteration_history ?? []).forEach((line) => task.timeline.add(line));
  }
  task.timeline.rest();
  task.draft.clear();
  for (const id of ["asked-form", "approval", "task-stop", "task-jump"]) byId(id).hidden = true;
  const { signal } = task;
  task.calls.showAll(result.call_results ?? []);
  showChanges({ task_id: task.id, ...result });
  await Promise.all([showAnswer(result), showReward(result.reward, result.workflow)]);
  if (signal.aborted) return;
  setStatus(result.status);
  showCost(Date.parse(result.updated), tokensOf(result.usage));
  const answered = !byId("answer").hidden;
  byId("task").classList.add("ended");
  if (answered && byId("task").classList.contains("live")) offerJump("task.jump.answer", "answer");
  byId("after").hidden = !answered;
  showRating(result.rating ?? null);
  byId("task-again").hidden = answered;
  const stopped = STOPPED.has(result.status);
  byId("task-go-on").hidden = !stopped && result.status !== "failed";
  showProblem(byId("task-problem"), null);
  if (answered && !result.error) return;
  byId("task-problem").textContent = result.error ?? say(stopped ? "task.stopped" : "task.failed");
  byId("task-problem").hidden = false;
}

function setStatus(status) {
  const badge = byId("task-status"),
    words = saying(`status.${status}`) ?? status;
  if (badge.textContent !== words) badge.textContent = words; // said aloud when it changes
  badge.className = `badge ${status}`;
}

/** The time since the task was asked, until now or until it ended, and its tokens. */
function showCost(until = serverTime(), tokens = task.timeline.usage.tokens) {
  const time = duration(Math.max(0, Math.round((until - task.started) / 1000)));
  byId("task-cost").textContent = say("task.cost", { time, tokens: whole(tokens) });
}

/** The tasks that this one follows, oldest first. */
async function showThread() {
  const { id, threadId, signal } = task;
  if (threadId === id) return;
  const { items } = await listTasks(THREAD).catch(() => ({ items: [] }));
  const thread = items.filter((one) => one.thread_id === threadId).reverse();
  const earlier = thread.slice(
    0,
    thread.findIndex((one) => one.task_id === id),
  );
  if (signal.aborted || !earlier.length) return;
  byId("thread-tasks").replaceChildren(
    ...earlier.map((one) =>
      element(
        "li",
        {},
        element("a", { href: `#/tasks/${one.task_id}` }, one.question.slice(0, TITLE)),
      ),
    ),
  );
  byId("thread").hidden = false;
}

async function stop() {
  const button = byId("task-stop");
  await attempt(button, byId("task-problem"), () => cancelTask(task.id), "task.stopping");
}

/** Take up a task that was stopped or failed, where it was. */
async function goOn() {
  const { id, signal } = task;
  if (await attempt(byId("task-go-on"), byId("task-problem"), () => resumeTask(id, null)))
    openTask({ id, signal });
}

async function giveAnswer(event) {
  event.preventDefault();
  const field = byId("asked-answer");
  if (!field.value.trim()) return field.focus();
  const sent = await attempt(byId("asked-send"), byId("task-problem"), () =>
    resumeTask(task.id, field.value),
  );
  if (!sent) return;
  byId("asked-form").hidden = true;
  byId("task-question").focus({ preventScroll: true });
  byId("task-jump").hidden = true;
  setStatus("running");
  task.wake.dispatchEvent(new Event("wake"));
}

async function followUp(event) {
  event.preventDefault();
  const field = byId("follow-question");
  if (!field.value.trim()) return field.focus();
  const sent = await attempt(byId("follow-send"), byId("follow-problem"), () =>
    createTask({ question: field.value, thread_id: task.threadId, workspace: task.workspace }),
  );
  if (!sent) return;
  field.value = "";
  location.hash = `#/tasks/${sent.task_id}`;
}

async function rate({ target }) {
  if (target.tagName !== "BUTTON") return;
  const { id } = task;
  const rated = await attempt(target, byId("rating-problem"), () =>
    rateTask(id, Number(target.value)),
  );
  if (!rated || id !== task.id) return;
  showRating(rated.rating);
  showReward(rated.reward, rated.workflow);
  byId("rating-note").textContent = say("answer.rated");
}

function showRating(rating) {
  for (const button of byId("rating").querySelectorAll("button"))
    button.setAttribute("aria-pressed", String(Number(button.value) === rating));
}

/** Send something once; the button rests meanwhile. Gives the response, or nothing if it failed. */
async function attempt(button, place, send, busy) {
  const { textContent } = button;
  button.disabled = true;
  if (busy) button.textContent = say(busy);
  showProblem(place, null);
  try {
    return (await send()) ?? {};
  } catch (error) {
    showProblem(place, error);
    return undefined;
  } finally {
    button.disabled = false;
    button.textContent = textContent;
  }
}
