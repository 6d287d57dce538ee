/** Files on their way into the knowledge base, each a line with its progress. */

import { cancelUpload, openUploadEvents, uploadDocument } from "./api.js";
import { element } from "./element.js";
import { follow } from "./events.js";
import { say } from "./language.js";
import { wordsOf } from "./problem.js";

/** Files sent and read at a time: a small one does not wait for a large one. */
const AT_ONCE = 3;

let underway = 0;

/** Whether a file is still being sent or read. */
export const uploading = () => underway > 0;

addEventListener("beforeunload", (event) => uploading() && event.preventDefault());

/**
 * Take files that are chosen or dropped, a few at a time.
 *
 * @param {object} places
 * @param {HTMLInputElement} places.chooser where they are chosen.
 * @param {HTMLElement} places.zone where they may be dropped.
 * @param {HTMLElement} places.list where their lines go.
 * @param {() => void} onDone called when a file has been dealt with.
 */
export function acceptFiles({ chooser, zone, list }, onDone) {
  const take = async (files) => {
    const lines = [...files].map((file) => ({ file, line: addLine(list, file) }));
    underway += lines.length;
    const waiting = lines.values();
    const work = async () => {
      for (const { file, line } of waiting) {
        await upload(file, line);
        underway -= 1;
        onDone();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  };
  chooser.addEventListener("change", () => {
    take(chooser.files);
    chooser.value = "";
  });
  zone.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    zone.classList.remove("over");
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    take(event.dataTransfer.files);
  });
}

function addLine(list, file) {
  const bar = element("progress", { max: 1, value: 0, "aria-label": file.name });
  const words = element("span", { class: "note" }, say("upload.sending"));
  const label = say("upload.cancel_label", { name: file.name });
  const button = element(
    "button",
    { type: "button", class: "quiet", "aria-label": label, hidden: true },
    say("upload.cancel"),
  );
  list.append(element("li", {}, element("span", { class: "name" }, file.name), bar, words, button));
  return { bar, words, button };
}

async function upload(file, { bar, words, button }) {
  const fail = (error) => {
    words.textContent = say("upload.failed", { reason: wordsOf(error) });
    words.classList.add("bad");
  };
  try {
    const { upload_id } = await uploadDocument(file, (share) => (bar.value = share));
    words.textContent = say("upload.queued");
    button.onclick = () => cancelUpload(upload_id).catch(fail);
    button.hidden = false;
    const { upload } = await follow((...from) => openUploadEvents(upload_id, ...from), {
      onEvent: (event) => {
        bar.value = event.upload.progress;
        if (event.type === "progress") words.textContent = tellRest(event.upload);
      },
    });
    words.textContent = tellOutcome(upload);
    words.classList.toggle("bad", Boolean(upload.message));
  } catch (error) {
    fail(error);
  }
  button.remove();
  bar.remove();
}

/** What is left to do, in words. */
function tellRest({ status, seconds_left: left }) {
  if (status !== "running" || left == null) return say(`upload.${status}`);
  return left < 90
    ? say("upload.left_seconds", { count: left })
    : say("upload.left_minutes", { count: Math.round(left / 60) });
}

function tellOutcome({ status, message, encoding }) {
  if (message) return say("upload.failed", { reason: message });
  const outcome = say(`upload.${status}`);
  return encoding && encoding !== "utf-8"
    ? say("upload.encoding", { outcome, encoding })
    : outcome;
}
