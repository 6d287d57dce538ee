/** Files on their way into the knowledge base, each a line with its progress. */

import { uploadDocument } from "./api.js";
import { element } from "./element.js";
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
    const report = await uploadDocument(file, (share) => {
      bar.value = share;
      if (share < 1) return;
      bar.removeAttribute("value"); // the service reads it now; there is no telling how long
      words.textContent = say("upload.reading");
    });
    const [skipped] = report.skipped ?? [];
    words.textContent = skipped
      ? say("upload.failed", { reason: skipped.message })
      : say(`upload.${report.documents[0].outcome}`);
    words.classList.toggle("bad", Boolean(skipped));
  } catch (error) {
    words.textContent = say("upload.failed", { reason: wordsOf(error) });
    words.classList.add("bad");
  }
  bar.remove();
}
