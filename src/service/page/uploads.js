/** Files on their way into the knowledge base, each a line with its progress. */

import { openUploadEvents, uploadDocument } from "./api.js";
import { element } from "./element.js";
import { follow } from "./events.js";
import { say } from "./language.js";
import { wordsOf } from "./problem.js";

let underway = 0;

/** Whether a file is still being sent or read. */
export const uploading = () => underway > 0;

addEventListener("beforeunload", (event) => uploading() && event.preventDefault());

/**
 * Take files that are chosen or dropped, one after the other.
 *
 * @param {object} places
 * @param {HTMLInputElement} places.chooser where they are chosen.
 * @param {HTMLElement} places.zone where they may be dropped.
 * @param {HTMLElement} places.list where their lines go.
 * @param {() => void} onDone called when a file has been dealt with.
 */
export function acceptFiles({ chooser, zone, list }, onDone) {
  const take = async (files) => {
    const waiting = [...files].map((file) => ({ file, line: addLine(list, file) }));
    underway += waiting.length;
    for (const { file, line } of waiting) {
      await upload(file, line);
      underway -= 1;
      onDone();
    }
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
  list.append(element("li", {}, element("span", { class: "name" }, file.name), bar, words));
  return { bar, words };
}

async function upload(file, { bar, words }) {
  try {
    const { upload_id } = await uploadDocument(file, (share) => (bar.value = share));
    words.textContent = say("upload.reading");
    const { upload } = await follow((...from) => openUploadEvents(upload_id, ...from), {
      onEvent: (event) => (bar.value = event.upload.progress),
    });
    const { status, message } = upload;
    words.textContent = message
      ? say("upload.failed", { reason: message })
      : say(`upload.${status}`);
    words.classList.toggle("bad", Boolean(message));
  } catch (error) {
    words.textContent = say("upload.failed", { reason: wordsOf(error) });
    words.classList.add("bad");
  }
  bar.remove();
}
