/** Changes of files as a person reads them: what goes, what comes, by sign, word and colour. */

import { element } from "./element.js";
import { say } from "./language.js";

const HUNK = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;
const KINDS = { "+": "added", "-": "removed" };

const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu;

/** A text with what cannot be seen, or turns the order of letters around, written out: what is
 * approved has to be what is read. */
export const visible = (text) =>
  text.replace(/\r\n/g, "\n").replace(UNSEEN, (sign) => `⟨U+${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);

/**
 * A unified diff, of one file or of several, as an element.
 *
 * Lines are told apart by the counts in the diff, since a removed line may itself begin like a head.
 *
 * @param {string} text
 * @param {boolean} [named] whether to name each file.
 */
export function diffView(text, named = true) {
  const view = element("div", { class: "diff" });
  let before = 0;
  let after = 0;
  for (const line of text.split("\n")) {
    const hunk = before + after ? null : HUNK.exec(line);
    if (hunk) {
      [before, after] = [Number(hunk[2] ?? 1), Number(hunk[4] ?? 1)];
      view.append(element("p", { class: "note" }, say("diff.line", { line: hunk[3] })));
    } else if (line === "…") view.append(element("p", { class: "note" }, say("diff.cut")));
    else if (before + after) {
      view.append(changedLine(line));
      if (line[0] !== "+") before -= 1;
      if (line[0] !== "-") after -= 1;
    } else if (line && !isHead(line)) view.append(element("p", {}, visible(line)));
    else if (named && line.startsWith("+++ ")) view.append(fileName(line, view.oldName));
    else if (line.startsWith("--- ")) view.oldName = line;
  }
  return view;
}

const isHead = (line) => line.startsWith("--- ") || line.startsWith("+++ ");

function fileName(line, old = "") {
  const path = line.slice(4) === "/dev/null" ? old.slice(4) : line.slice(4);
  return element("p", { class: "name" }, visible(path));
}

function changedLine(line) {
  const kind = KINDS[line[0]];
  const text = visible(line.slice(1)) || " ";
  if (!kind) return element("div", { class: "diff-line" }, element("span", {}, text));
  return element(
    "div",
    { class: `diff-line ${kind}` },
    element("span", { class: "sign", "aria-hidden": "true" }, kind === "added" ? "+" : "−"),
    element("span", { class: "unseen" }, `${say(`diff.${kind}`)} `),
    element(kind === "added" ? "ins" : "del", {}, text),
  );
}
