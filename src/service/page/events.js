/** Follows a task's server-sent events. `EventSource` cannot bear a key, so this reads the stream. */

import { openEvents } from "./api.js";
import { Problem } from "./problem.js";

const SHORTEST_WAIT = 1000;
const LONGEST_WAIT = 15000;

/**
 * Call `onEvent` with each event's data until the task has ended, which is when the stream closes
 * after `done`. One that breaks off is taken up again after its last event.
 *
 * @param {string} taskId
 * @param {(event: object) => void} onEvent
 * @param {object} options
 * @param {AbortSignal} options.signal ends the following.
 * @param {EventTarget} options.wake its `wake` event takes a waiting stream up again at once.
 * @param {() => void} options.onLost called when the service cannot be reached for now.
 * @returns {Promise<object|undefined>} the task's result; nothing where `signal` ended it.
 * @throws {Problem} the task or its events are not there.
 */
export async function follow(taskId, onEvent, { signal, wake, onLost }) {
  let last, result, wait = SHORTEST_WAIT;
  while (!signal.aborted) {
    try {
      const response = await openEvents(taskId, last, signal);
      for await (const { id, data } of messages(response.body, signal)) {
        last = id ?? last;
        wait = SHORTEST_WAIT;
        const event = JSON.parse(data);
        result = ending(event);
        onEvent(event);
      }
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!(error instanceof Problem && passes(error.status))) throw error;
      onLost();
    }
    if (result) return result;
    await pause(wait, signal, wake);
    wait = Math.min(wait * 2, LONGEST_WAIT);
  }
  return undefined;
}

/** The result in an event that may be the last: a task that waits for an answer goes on. */
const ending = ({ type, result }) =>
  type === "done" && result.status !== "needs_input" ? result : undefined;

const passes = (status) => status === 0 || status === 429 || status >= 500;

/** The messages of an event stream as {id, data}; comments and empty ones are left out. A stream
 * that breaks off is a `Problem` without a status. */
async function* messages(body, signal) {
  let rest = "";
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error) => {
        throw signal.aborted ? error : new Problem(0);
      });
      if (done) return;
      const blocks = (rest + value).split(/\r?\n\r?\n/);
      rest = blocks.pop();
      yield* blocks.map(message).filter(({ data }) => data);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function message(block) {
  const lines = block.split(/\r?\n/);
  const of = (field) =>
    lines.filter((line) => line.startsWith(`${field}:`)).map((line) => line.slice(field.length + 1).replace(/^ /, ""));
  return { id: of("id").at(-1), data: of("data").join("\n") };
}

function pause(milliseconds, signal, wake) {
  return new Promise((done) => {
    setTimeout(done, milliseconds);
    signal.addEventListener("abort", done, { once: true });
    wake.addEventListener("wake", done, { once: true });
  });
}
