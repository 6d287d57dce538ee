/** The API key: asked for when the service wants one, kept until the tab is closed. */

import { byId } from "./element.js";
import { say } from "./language.js";
import { Problem } from "./problem.js";

const STORED = "concertino.key";
let asking;

/** The headers that every request bears. */
export function authorization() {
  const key = sessionStorage.getItem(STORED);
  return key ? { Authorization: `Bearer ${key}` } : {};
}

/** Whether there is a key to forget. */
export const hasKey = () => sessionStorage.getItem(STORED) !== null;

/** Forget the key and start again. */
export function forgetKey() {
  sessionStorage.removeItem(STORED);
  location.reload();
}

/**
 * Send a request with the key, and ask for another key as long as it is refused. Requests that are
 * refused at the same time ask once.
 *
 * @param {() => Promise<{status: number}>} send
 * @throws {Problem} 401, when the person gives none.
 */
export async function withKey(send) {
  for (;;) {
    const used = sessionStorage.getItem(STORED);
    const response = await send();
    if (response.status !== 401) return response;
    if (sessionStorage.getItem(STORED) !== used) continue; // another request has asked already
    asking ??= ask(used !== null).finally(() => (asking = undefined));
    await asking;
  }
}

/** Ask for the key. A header can only bear ASCII, so nothing else can be a key. */
function ask(refused) {
  const dialog = byId("key"),
    field = byId("key-field"),
    note = byId("key-note");
  note.textContent = say(refused ? "key.refused" : "key.needed");
  field.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done, failed) => {
    dialog.addEventListener(
      "close",
      () => {
        const key = field.value.trim().replace(/[^\x21-\x7e]/g, "");
        if (dialog.returnValue !== "use" || !key) return failed(new Problem(401));
        sessionStorage.setItem(STORED, key);
        done();
      },
      { once: true },
    );
  });
}
