/** The answer to a task: its text, what it rests on, and what was checked. */

import { checkNames } from "./catalogue.js";
import { byId, element } from "./element.js";
import { language, nameOf, say } from "./language.js";
import { furnish, stacked } from "./lesson.js";
import { formula, render } from "./markdown.js";

const LESSON = "teach_explain";
const NONE = "-";
/** Detail of a check that has nothing more to say. */

let shown;

byId("answer-copy").addEventListener("click", async () => {
  const copied = await copy(shown);
  byId("answer-note").textContent = say(copied ? "answer.copied" : "answer.not_copied");
});
byId("answer-print").addEventListener("click", () => print());

/** Show what a finished task gave, or hide the answer's place where it gave nothing. */
export async function showAnswer(result) {
  const { outputs = {}, workflow } = result;
  const output = outputs[workflow];
  shown = output?.text || result.report || "";
  byId("answer").hidden = !shown;
  byId("answer-note").textContent = "";
  byId("answer-caution").hidden = result.status !== "unverified";
  byId("answer-caution").textContent = say("task.unverified");
  byId("answer-text").classList.toggle("lesson", output?.workflow === LESSON);
  byId("answer-text").replaceChildren(...boxed(result.answer), prose(shown, output));
  byId("answer-also").replaceChildren(
    ...Object.values(outputs ?? {})
      .filter((other) => other.workflow !== workflow && other.text)
      .map((other) => also(other)),
  );
  showSources(output?.sources ?? []);
  await showChecks(workflow, output?.checks ?? []);
}

/** A calculation's answer, by itself. */
function boxed(answer) {
  if (!answer) return [];
  const value = formula(answer.latex);
  const decimal = answer.decimal ? ` ≈ ${answer.decimal}` : "";
  return [element("p", { class: "result" }, value, decimal)];
}

function prose(markdown, output) {
  const lesson = output?.workflow === LESSON;
  const fragment = render(markdown, lesson ? stacked : undefined);
  if (lesson) furnish(fragment, output.language ?? language);
  cite(fragment, new Set((output?.sources ?? []).map(({ number }) => number)));
  return fragment;
}

function also(output) {
  const name = say("answer.also", { name: nameOf(output.workflow) });
  const text = element("div", { class: "prose" });
  text.append(render(output.text));
  return element("details", {}, element("summary", {}, name), text);
}

/** Make each [n] that names a source lead to it. */
function cite(fragment, numbers) {
  const walker = document.createTreeWalker(fragment, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  for (const text of texts) {
    if (text.parentElement?.closest("code, pre, a, .math")) continue;
    const parts = text.data.split(/\[(\d{1,3})\]/);
    if (parts.length < 2) continue;
    text.replaceWith(
      ...parts.map((part, index) => {
        if (index % 2 === 0) return part;
        return numbers.has(Number(part)) ? citation(Number(part)) : `[${part}]`;
      }),
    );
  }
}

function citation(number) {
  const go = () => {
    const source = byId(`source-${number}`);
    source.open = true;
    source.querySelector("summary").focus();
    source.scrollIntoView({ block: "nearest" });
  };
  const label = say("answer.source", { number });
  return element(
    "button",
    { type: "button", class: "cite", "aria-label": label, onclick: go },
    `[${number}]`,
  );
}

function showSources(sources) {
  byId("sources").hidden = sources.length === 0;
  byId("sources-list").replaceChildren(
    ...sources.map(({ number, title, location, text }) => {
      const words = title && title !== location ? `${title} (${location})` : location;
      return element(
        "li",
        { value: number },
        element(
          "details",
          { id: `source-${number}` },
          element("summary", {}, words),
          element("blockquote", {}, text),
          webLink(location),
        ),
      );
    }),
  );
}

function webLink(location) {
  if (!/^https?:\/\//i.test(location)) return null;
  const away = { href: location, target: "_blank", rel: "noopener noreferrer" };
  return element("p", {}, element("a", away, say("answer.open")));
}

async function showChecks(workflow, checks) {
  byId("checks").hidden = true;
  const called = await checkNames(workflow);
  byId("checks-list").replaceChildren(
    ...checks.map(({ name, passed, detail }) =>
      element(
        "li",
        { class: passed ? "passed" : "not-passed" },
        element(
          "span",
          { class: "unseen" },
          `${say(passed ? "answer.passed" : "answer.not_passed")}: `,
        ),
        called(name),
        detail && detail !== NONE ? element("span", { class: "note" }, ` ${detail}`) : null,
      ),
    ),
  );
  byId("checks").hidden = checks.length === 0;
}

/** Copy a text. Pages that do not come over https or from this machine have no clipboard. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = element("textarea", { class: "unseen", readonly: true });
    field.value = text;
    byId("answer").append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    byId("answer-copy").focus();
    return copied;
  }
}
