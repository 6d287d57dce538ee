/** The text that is being written: tokens as they arrive, until the finished answer is there. */

import { byId, element } from "./element.js";
import { render } from "./markdown.js";

const CUT = "… ";
/** Stands where a reader who came late has missed something. */

/** What models write while they play; each message is a text of its own. */
export class Draft {
  constructor() {
    this.texts = new Map();
    this.past = new Set();
    this.clear();
  }

  /** Add a `token` event. Its offset counts characters, not what JavaScript takes for them. */
  write({ message, offset, text }) {
    if (this.past.has(message)) return; // told again, since the stream was taken up again
    if (this.over) this.clear();
    if (!this.texts.has(message)) this.texts.set(message, { characters: [], place: this.#place() });
    const written = this.texts.get(message);
    written.characters = [...upTo(offset, written.characters), ...text];
    written.drawing ??= requestAnimationFrame(() => {
      written.drawing = undefined;
      written.place.replaceChildren(render(written.characters.join("")));
    });
  }

  /** Whoever wrote this has played: what comes next is another draft. */
  end() {
    this.over = true;
    for (const message of this.texts.keys()) this.past.add(message);
  }

  /** Take it away. */
  clear() {
    this.over = false;
    this.texts.clear();
    byId("draft-text").replaceChildren();
    byId("draft").hidden = true;
  }

  #place() {
    const place = element("div", { class: "prose" });
    byId("draft-text").append(place);
    byId("draft").hidden = false;
    return place;
  }
}

/** So many characters; where some are missing, a mark and nothing for the others. */
function upTo(number, characters) {
  const missing = number - characters.length;
  if (missing <= 0) return characters.slice(0, number);
  return [...characters, CUT, ...Array(missing - 1).fill("")];
}
