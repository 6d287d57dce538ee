/** Follows server-sent events. `EventSource` cannot bear a key, so this reads the stream. */

import { Problem } from "./problem.js";

const SHORTEST_WAIT = 1000;
const LONGEST_WAIT = 15000;

/**
 * Call `onEvent` with each event's data until the stream closes after `done`. One that breaks off
 * is taken up again after its last event.
 *
 * @param {(lastEventId: string|undefined, signal: AbortSignal) => Promise<Response>} open
 * @param {object} options
 * @param {(event: object) => void} options.onEvent
 * @param {() => void} [options.onLost] called when the service cannot be reached for now.
 * @param {AbortSignal} [options.signal] ends the following.
 * @param {EventTarget} [options.wake] its `wake` event takes a waiting stream up again at once.
 * @returns {Promise<object|undefined>} the last event; nothing where `signal` ended it, or where
 *     all of it was read before.
 * @throws {Problem} there is nothing to follow.
 */
export async function follow(
  open,
  { onEvent, onLost, signal = never(), wake = new EventTarget() },
) {
  let last,
    end,
    wait = SHORTEST_WAIT;
  while (!signal.aborted) {
    try {
      const response = await open(last, signal);
      if (response.status === 204) return undefined;
      for await (const { id, data } of messages(response.body, signal)) {
        if (signal.aborted) return undefined;
        last = id ?? last;
        wait = SHORTEST_WAIT;
        const event = JSON.parse(data);
        end = isEnd(event) ? event : undefined;
        onEvent(event);
      }
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!(error instanceof Problem && passes(error.status))) throw error;
      onLost?.();
    }
    if (end) return end;
    await pause(wait, signal, wake);
    wait = Math.min(wait * 2, LONGEST_WAIT);
  }
  return undefined;
}

/** Statuses of a task that waits for its person. */
export const WAITING = new Set(["needs_input", "needs_approval"]);

/** Whether an event may be the last: a task that waits for its person goes on. */
const isEnd = ({ type, result }) => type === "done" && !WAITING.has(result?.status);

const passes = (status) => status === 0 || status === 429 || status >= 500;

const never = () => new AbortController().signal;

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
  const values = { id: [], data: [] };
  for (const line of block.split(/\r?\n/)) {
    const [, field, value] = /^(\w+):? ?(.*)$/.exec(line) ?? [];
    values[field]?.push(value);
  }
  return { id: values.id.at(-1), data: values.data.join("\n") };
}

function pause(milliseconds, signal, wake) {
  return new Promise((done) => {
    setTimeout(done, milliseconds);
    signal.addEventListener("abort", done, { once: true });
    wake.addEventListener("wake", done, { once: true });
  });
}
