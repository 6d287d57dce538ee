/**
 * Markdown with formulas, as nodes. What a model wrote is data: HTML in it is shown as text,
 * pictures are only linked to, links lead to the web or nowhere, and formulas neither link nor load.
 */

import { formulas } from "./formulas.js";

const { markdownit, DOMPurify, katex } = globalThis;

const ALLOWED = {
  ALLOWED_TAGS: [
    ..."p br hr h1 h2 h3 h4 h5 h6 ul ol li blockquote pre code em strong s a".split(" "),
    ..."table thead tbody tr th td span".split(" "),
  ],
  ALLOWED_ATTR: ["href", "class", "start"],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

const KATEX = {
  trust: false,
  strict: "ignore",
  maxSize: 20,
  maxExpand: 200,
  // These two alone would write `style` attributes, which the content security policy forbids.
  macros: { "\\pmb": "\\boldsymbol{#1}", "\\fcolorbox": "\\fbox{#3}" },
};

const FONTS = ["1em KaTeX_Main", "italic 1em KaTeX_Math"];

/** Level of a text's highest headings: the page has the first two. */
const TOP_HEADING = 3;

const reader = markdownit({ html: false })
  .disable("image")
  .use(formulas)
  .use(aligned)
  .use(outlined);

/** What does not fit is scrolled by itself, with the keyboard too. */
const widths = new ResizeObserver((changed) => {
  for (const { target } of changed)
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
});

/** Load the fonts of most formulas, which would otherwise change their size when they come. */
export const formulaFonts = () =>
  Promise.all(FONTS.map((font) => document.fonts.load(font)));

/** Markdown as a fragment to append; `written` may write its formulas' LaTeX in another way. */
export function render(markdown, written = (latex) => latex) {
  const fragment = DOMPurify.sanitize(reader.render(markdown), ALLOWED);
  for (const link of fragment.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
  }
  for (const place of fragment.querySelectorAll(".formula"))
    place.replaceWith(formula(written(place.textContent), place.classList.contains("display")));
  for (const table of fragment.querySelectorAll("table")) frame(table);
  for (const head of fragment.querySelectorAll("th")) nameHead(head);
  for (const wide of fragment.querySelectorAll("pre, .framed, .math.display")) widths.observe(wide);
  return fragment;
}

/** A LaTeX formula as an element, or as it was written where it cannot be read. */
export function formula(latex, display = false) {
  const drawn = document.createElement("span");
  drawn.className = display ? "math display" : "math";
  try {
    katex.render(latex, drawn, { ...KATEX, displayMode: display, macros: { ...KATEX.macros } });
  } catch {
    const raw = document.createElement("code");
    raw.textContent = latex;
    drawn.replaceChildren(raw);
  }
  return drawn;
}

/** A head is read out with each of its cells, for which formulas are no text; an empty one is none. */
function nameHead(head) {
  const formulas = [...head.querySelectorAll(".math")];
  const words = head.cloneNode(true);
  for (const formula of words.querySelectorAll(".math")) formula.remove();
  if (words.textContent.trim()) return;
  if (!formulas.length) return head.replaceWith(cellLike(head));
  for (const formula of formulas) {
    const text = document.createElement("span");
    text.className = "unseen";
    text.textContent = formula.querySelector("annotation, code")?.textContent ?? "";
    formula.setAttribute("aria-hidden", "true");
    formula.before(text);
  }
}

function cellLike(head) {
  const cell = document.createElement("td");
  cell.className = head.className;
  return cell;
}

function frame(table) {
  const framed = document.createElement("div");
  framed.className = "framed";
  table.replaceWith(framed);
  framed.append(table);
}

/** A markdown-it plugin: the text's headings go below the page's own. The title of a text is marked. */
function outlined(md) {
  md.core.ruler.push("outlined", ({ tokens }) => {
    const headings = tokens.filter(({ type }) => type.startsWith("heading_"));
    const levels = headings.map(({ tag }) => Number(tag[1]));
    const top = Math.min(...levels);
    headings.forEach((heading, index) => {
      if (levels[index] === 1) heading.attrJoin("class", "title");
      heading.tag = `h${Math.min(levels[index] - top + TOP_HEADING, 6)}`;
    });
  });
}

/** A markdown-it plugin: columns are aligned by class, as `style` attributes are not allowed. */
function aligned(md) {
  md.core.ruler.push("aligned", ({ tokens }) => {
    for (const token of tokens) {
      const style = token.attrGet("style");
      if (style === null) continue;
      token.attrs = token.attrs.filter(([name]) => name !== "style");
      token.attrJoin("class", style.replace("text-align:", "align-"));
    }
  });
}
