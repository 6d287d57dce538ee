/** A markdown-it plugin: formulas between `$`, `$$`, `\(` and `\)`, `\[` and `\]`. */

/**
 * A single `$` opens a formula only where no space follows, and closes one only where no space
 * stands before it and no digit follows: "$3 each, $36 in all" is money.
 */
const INLINE = [
  { form: /^\$\$([^$]+?)\$\$/, display: true },
  { form: /^\\\[([^]+?)\\\]/, display: true },
  { form: /^\\\(([^]+?)\\\)/, display: false },
  { form: /^\$(?!\s)((?:\\.|[^$\\`])*?(?:\\.|[^\s$\\`]))\$(?!\d)/, display: false },
];

const OPENS_BLOCK = /^(\$\$|\\\[)/;
const CLOSING = { $$: "$$", "\\[": "\\]" };

export function formulas(md) {
  md.inline.ruler.before("escape", "formula", inline);
  md.block.ruler.before("fence", "formula", block, {
    alt: ["paragraph", "reference", "blockquote", "list"],
  });
  md.renderer.rules.formula = (tokens, index) => {
    const { content, meta } = tokens[index];
    return `<span class="formula${meta.display ? " display" : ""}">${md.utils.escapeHtml(content)}</span>`;
  };
}

function inline(state, silent) {
  if (!"$\\".includes(state.src[state.pos])) return false;
  const rest = state.src.slice(state.pos, state.posMax);
  for (const { form, display } of INLINE) {
    const found = form.exec(rest);
    if (!found?.[1].trim()) continue;
    if (!silent) add(state, found[1], display);
    state.pos += found[0].length;
    return true;
  }
  return false;
}

/** A formula on lines of its own, in which a line that starts with `-` or `=` is no list and no
 * heading. What is not closed is no formula. */
function block(state, start, end, silent) {
  const lineOf = (n) => state.src.slice(state.bMarks[n] + state.tShift[n], state.eMarks[n]);
  const first = lineOf(start);
  const opening = OPENS_BLOCK.exec(first)?.[1];
  if (!opening) return false;
  const closing = CLOSING[opening],
    lines = [];
  for (let n = start; n < end && (n === start || state.sCount[n] >= state.blkIndent); n++) {
    const line = n === start ? first.slice(opening.length) : lineOf(n);
    lines.push(line);
    const at = line.indexOf(closing);
    if (at < 0) continue;
    if (line.slice(at + closing.length).trim()) return false; // text follows: an inline formula
    if (silent) return true;
    lines.push(lines.pop().slice(0, at));
    add(state, lines.join("\n"), true).map = [start, n + 1];
    state.line = n + 1;
    return true;
  }
  return false;
}

function add(state, latex, display) {
  const token = state.push("formula", "span", 0);
  return Object.assign(token, { content: latex.trim(), meta: { display } });
}
