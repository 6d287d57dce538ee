/** A lesson as a worksheet: fractions one above the other, and on paper room for name and answers. */

import { element } from "./element.js";
import { formula } from "./markdown.js";

const HEADINGS = {
  practice: new Set(["Practice", "练习"]),
  key: new Set(["Answer key", "参考答案"]),
};
const BLANKS = { en: ["Name:", "Date:"], zh: ["姓名：", "日期："] };
/** They are in the lesson's language, not the page's. */

const FRACTION = /(?<![\w./])(\d{1,4})\/(\d{1,4})(?![\w/]|\.\d)/;

/** Fractions in LaTeX that are written with a slash, one above the other. */
export const stacked = (latex) =>
  latex.replace(new RegExp(FRACTION, "g"), (_, over, under) => `\\dfrac{${over}}{${under}}`);

/**
 * Furnish a rendered lesson.
 *
 * @param {DocumentFragment} lesson
 * @param {"en"|"zh"} language of the lesson.
 */
export function furnish(lesson, language) {
  for (const heading of lesson.querySelectorAll("h3, h4, h5, h6")) {
    const words = heading.textContent.trim();
    if (HEADINGS.key.has(words)) heading.classList.add("sheet");
    if (HEADINGS.practice.has(words)) exercisesAfter(heading)?.classList.add("exercises");
  }
  const blanks = BLANKS[language].map((words) => element("span", {}, words));
  lesson.querySelector(".title")?.after(element("p", { class: "blanks" }, ...blanks));
  stackFractions(lesson);
}

/** The last list before the next heading: an earlier one tells how to work. */
function exercisesAfter(heading) {
  let found = null;
  for (let next = heading.nextElementSibling; next; next = next.nextElementSibling) {
    if (/^H\d$/.test(next.tagName)) break;
    if (next.tagName === "OL") found = next;
  }
  return found;
}

function stackFractions(lesson) {
  const walker = document.createTreeWalker(lesson, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  for (const text of texts) {
    if (text.parentElement?.closest("code, pre, a, .math")) continue;
    const parts = text.data.split(FRACTION);
    const [first, ...rest] = parts;
    const nodes = [first];
    for (let n = 0; n < rest.length; n += 3)
      nodes.push(formula(`\\dfrac{${rest[n]}}{${rest[n + 1]}}`), rest[n + 2]);
    if (rest.length) text.replaceWith(...nodes);
  }
}
