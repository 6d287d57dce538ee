/**
 * Make an element. Children that are strings become text, never markup.
 *
 * @param {string} tag
 * @param {Object<string, any>} attributes a name that starts with `on` is a listener; `true` sets
 *     an attribute without a value; `false`, `null` and `undefined` leave it out.
 * @param {...(Node|string|null|undefined)} children
 */
export const element = (tag, attributes = {}, ...children) =>
  furnished(document.createElement(tag), attributes, children);

/** The same for a part of a drawing. */
export const shape = (tag, attributes = {}, ...children) =>
  furnished(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

/** The element of this id. */
export const byId = (id) => document.getElementById(id);

function furnished(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}
