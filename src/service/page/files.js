/** Files of a workspace as lines: their size, and a button that downloads one. */

import { readFile } from "./api.js";
import { visible } from "./diff.js";
import { element } from "./element.js";
import { locale, say } from "./language.js";
import { showProblem } from "./problem.js";

const UNITS = ["byte", "kilobyte", "megabyte"];

/** A number of bytes as a person reads it. */
export function fileSize(bytes) {
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), UNITS.length - 1);
  const style = { style: "unit", unit: UNITS[power], unitDisplay: "short", maximumFractionDigits: 1 };
  return (bytes / 1000 ** power).toLocaleString(locale, style);
}

/** A button that downloads a file; `place` tells what goes wrong. */
export function downloadButton(workspace, path, place) {
  const label = say("files.download_label", { path: visible(path) });
  const onclick = async () => {
    try {
      showProblem(place, null);
      save(await readFile(workspace, path), path.split("/").at(-1));
    } catch (error) {
      showProblem(place, error);
    }
  };
  return element("button", { type: "button", class: "quiet", "aria-label": label, onclick }, say("files.download"));
}

/** Requests bear a key, which a link cannot: so what was read is saved from here. */
function save(content, name) {
  const address = URL.createObjectURL(content);
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
