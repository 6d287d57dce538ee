/** The page's language, and what the page says in it. */

import { TEXTS } from "./texts.js";

const STORED = "concertino.language";

/** `en` or `zh`: what the person chose, or else the first of the browser's that is one of them. */
export const language = chosen() ?? preferred();

/** The locale of numbers and dates. */
export const locale = language === "zh" ? "zh-CN" : "en-GB";

const FIELD = /\{(\w+)(?::([^|}]*)\|([^}]*))?\}/g;

/** A text of `texts.js` with its {fields} filled in; {field:one|many} is the word that fits. */
export function say(key, fields = {}) {
  return TEXTS[key][language].replace(FIELD, (_, name, one, many) => {
    if (many === undefined) return fields[name] ?? "";
    return `${fields[name]}` === "1" ? one : many;
  });
}

/** The text where there is one, else undefined: for names that the service may add to. */
export const saying = (key) => TEXTS[key]?.[language];

/** What an agent, a workflow or an action is called. */
export const nameOf = (actor) =>
  saying(`name.${actor}`) ?? saying(`action.${actor}`) ?? actor.replaceAll("_", " ");

const IDENTIFIER = /\b[a-z]+(?:_[a-z]+)+\b/g;

/** A text of a model, which may call agents and workflows by what the program calls them. */
export const named = (text) => text.replace(IDENTIFIER, nameOf);

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
