/**
 * Make an element. Children that are strings become text, never markup.
 *
 * @param {string} tag
 * @param {Object<string, any>} attributes a name that starts with `on` is a listener; `true` sets
 *     an attribute without a value; `false`, `null` and `undefined` leave it out.
 * @param {...(Node|string|null|undefined)} children
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

/** The element of this id. */
export const byId = (id) => document.getElementById(id);
