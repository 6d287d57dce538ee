/** What happened, as it arrives: decisions with their reasons, and the agents' work. */

import { advice } from "./advice.js";
import { element } from "./element.js";
import { locale, nameOf, say } from "./language.js";
import { Playing } from "./playing.js";

const SHORT = 220;
const ASIDE = new Set(["complete", "need_input"]);

/** A list of steps that grows with each event. */
export class Timeline {
  /**
   * @param {HTMLOListElement} list
   * @param {HTMLElement} pending says who is at work.
   */
  constructor(list, pending) {
    this.list = list;
    this.pending = pending;
    this.usage = { tokens: 0, seconds: 0 };
    this.work = null;
    this.routing = null;
    this.playing = new Playing();
    list.replaceChildren();
    this.#wait(say("timeline.starting"));
  }

  /** Add a `routing`, `decision`, `progress` or `turn` event, or a line of a result's history. */
  add(event) {
    const type = event.type ?? (event.decision ? "decision" : "turn");
    const entry = { ...event, ...event.decision };
    if (type === "routing") this.routing = event;
    if (type === "decision") this.#decision(entry);
    else if (type === "progress") this.#piece(entry);
    else if (type === "turn") this.#turn(entry);
    if (type === "progress" || !entry.usage) return;
    this.usage.tokens += tokensOf(entry.usage);
    this.usage.seconds += entry.seconds;
  }

  /** Tell who is at work, from a `started`, `node_start` or `node_end` event. */
  follow(event) {
    if (event.type === "started") this.playing.clear();
    else this.playing.add(event);
    if (this.playing.words) this.#wait(this.playing.words);
  }

  /** Nobody is at work any more. */
  rest() {
    this.playing.clear();
    this.pending.hidden = true;
  }

  #decision(entry) {
    this.#close();
    const source = entry.source === "model" ? null : say(`timeline.${entry.source}`);
    this.list.append(
      element(
        "li",
        { class: "decision" },
        element(
          "p",
          { class: "who" },
          nameOf("coordinator"),
          element("span", { class: "arrow", "aria-hidden": "true" }, "→"),
          element("strong", {}, nameOf(entry.next_action)),
          source && element("span", { class: "tag" }, source),
        ),
        element("p", { class: "reason" }, entry.reasoning),
        entry.instructions && entry.source === "model" && !ASIDE.has(entry.next_action)
          ? element("p", { class: "instructions" }, entry.instructions)
          : null,
        entry.legal.length > 1
          ? element(
              "p",
              { class: "note" },
              say("timeline.chosen", { actions: listed(entry.legal.map(nameOf)) }),
            )
          : null,
        this.routing && advice(this.routing),
        cost(entry),
      ),
    );
    this.routing = null; // it was for the first decision
    if (ASIDE.has(entry.next_action)) return this.rest();
    this.#wait(say("timeline.playing", { actor: nameOf(entry.next_action) }));
    this.work = this.#open(entry.next_action);
  }

  #piece(entry) {
    this.work ??= this.#open(entry.actor);
    this.work.pieces.append(element("li", {}, shortened(entry.summary)));
  }

  #turn(entry) {
    const { node, who, pieces } = this.work ?? this.#open(entry.actor);
    who.textContent = nameOf(entry.actor);
    if (entry.failed) {
      node.classList.add("failed");
      node.firstChild.append(element("span", { class: "tag bad" }, say("timeline.failed")));
    }
    pieces.before(element("p", { class: "summary" }, shortened(entry.summary)));
    const spent = cost(entry);
    if (spent) node.append(spent);
    this.work = null;
    this.#wait(say("timeline.playing", { actor: nameOf("coordinator") }));
  }

  /** A step that is being played. */
  #open(actor) {
    const who = element("strong", {}, nameOf(actor));
    const pieces = element("ul", { class: "pieces" });
    const node = element("li", { class: "turn" }, element("p", { class: "who" }, who), pieces);
    this.list.append(node);
    return { node, who, pieces };
  }

  /** A step that came to nothing, because the task was stopped in it, is not shown. */
  #close() {
    if (this.work && !this.work.pieces.childElementCount) this.work.node.remove();
    this.work = null;
  }

  #wait(words) {
    this.pending.textContent = words;
    this.pending.hidden = false;
  }
}

/** Model tokens, read and written. */
export const tokensOf = (usage) => (usage?.prompt_tokens ?? 0) + (usage?.output_tokens ?? 0);

/** Seconds and tokens in words. */
export function spentWords(key, seconds, tokens) {
  const number = (value, digits) => value.toLocaleString(locale, { maximumFractionDigits: digits });
  return say(key, { seconds: number(seconds, seconds < 10 ? 1 : 0), tokens: number(tokens, 0) });
}

function cost({ seconds, usage }) {
  if (!usage?.calls && !(seconds >= 0.1)) return null;
  const tokens = tokensOf(usage);
  const key = tokens ? "timeline.cost" : "task.seconds";
  return element("p", { class: "note figures" }, spentWords(key, seconds, tokens));
}

function listed(names) {
  return new Intl.ListFormat(locale, { type: "disjunction" }).format(names);
}

/** A text, or its beginning and the rest on request. */
function shortened(text) {
  if (text.length <= SHORT) return text;
  return element(
    "details",
    {},
    element(
      "summary",
      {},
      `${text.slice(0, SHORT).trim()}… `,
      element("span", { class: "more" }, say("timeline.more")),
    ),
    element("span", { class: "whole" }, text),
  );
}
