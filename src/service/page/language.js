/** The page's language, and what the page says in it. */

import { TEXTS } from "./texts.js";

const STORED = "concertino.language";

/** `en` or `zh`: what the person chose, or else the first of the browser's that is one of them. */
export const language = chosen() ?? preferred();

/** The locale of numbers and dates. */
export const locale = language === "zh" ? "zh-CN" : "en-GB";

/** A text of `texts.js` with its {fields} filled in. */
export function say(key, fields = {}) {
  return TEXTS[key][language].replace(/\{(\w+)\}/g, (_, name) => fields[name] ?? "");
}

/** The text where there is one, else undefined: for names that the service may add to. */
export const saying = (key) => TEXTS[key]?.[language];

/** What an agent, an action or a workflow is called. */
export const nameOf = (actor) => saying(`name.${actor}`) ?? actor.replaceAll("_", " ");

/** Fill in every element that names a text: as content, label, placeholder. */
export function translate(root) {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const [attribute, set] of [
    ["data-say", (node, text) => (node.textContent = text)],
    ["data-label", (node, text) => node.setAttribute("aria-label", text)],
    ["data-placeholder", (node, text) => (node.placeholder = text)],
  ])
    for (const node of root.querySelectorAll(`[${attribute}]`))
      set(node, say(node.getAttribute(attribute)));
}

/** Go on in the other language. The page starts again; a running task is picked up. */
export function switchLanguage() {
  localStorage.setItem(STORED, language === "zh" ? "en" : "zh");
  location.reload();
}

function chosen() {
  const stored = localStorage.getItem(STORED);
  return stored in { en: 1, zh: 1 } ? stored : undefined;
}

function preferred() {
  const known = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase());
  return known.find((tag) => tag === "zh" || tag === "en") ?? "en";
}
