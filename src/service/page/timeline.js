/** What happened, as it arrives: decisions with their reasons, and the agents' work. */

import { advice } from "./advice.js";
import { element } from "./element.js";
import { locale, nameOf, named, say } from "./language.js";
import { duration, whole } from "./numbers.js";
import { Playing } from "./playing.js";

const SHORT = 220;
const ASIDE = new Set(["complete", "need_input", "approve"]);

/** A list of steps that grows with each event. */
export class Timeline {
  /**
   * @param {HTMLOListElement} list
   * @param {HTMLElement} pending says who is at work.
   */
  constructor(list, pending) {
    this.list = list;
    this.pending = pending;
    this.usage = { tokens: 0 };
    this.model = undefined;
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
  }

  /** Tell who is at work, from a `started`, `model`, `node_start` or `node_end` event. */
  follow(event) {
    if (event.type === "started") this.playing.clear();
    else if (event.type === "model") this.model = modelWords(event);
    else this.playing.add(event);
    const words = this.model ?? this.playing.words;
    if (words) this.#wait(words);
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
        element("p", { class: "reason" }, reasonOf(entry)),
        entry.instructions && entry.source === "model" && !ASIDE.has(entry.next_action)
          ? element("p", { class: "instructions" }, named(entry.instructions))
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
    this.work.pieces.append(element("li", {}, shortened(named(entry.summary))));
  }

  #turn(entry) {
    const { node, who, pieces } = this.work ?? this.#open(entry.actor);
    who.textContent = nameOf(entry.actor);
    if (entry.failed) {
      node.classList.add("failed");
      node.firstChild.append(element("span", { class: "tag bad" }, say("timeline.failed")));
    }
    const summary = entry.note || named(entry.summary);
    pieces.before(element("p", { class: "summary" }, shortened(summary)));
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

  /** A new element each time: the old one would jump down the page as the list grows. */
  #wait(words) {
    const told = this.pending.cloneNode();
    told.textContent = words;
    told.hidden = false;
    this.pending.replaceWith(told);
    this.pending = told;
  }
}

/** Model tokens, read and written. */
export const tokensOf = (usage) => (usage?.prompt_tokens ?? 0) + (usage?.output_tokens ?? 0);

/** A step's own time, and its tokens where there are any. */
function cost({ seconds, usage }) {
  if (!usage?.calls && !(seconds >= 0.1)) return null;
  const time = duration(seconds, seconds < 10 ? 1 : 0);
  const tokens = tokensOf(usage);
  const words = tokens ? say("task.cost", { time, tokens: whole(tokens) }) : time;
  return element("p", { class: "note figures" }, words);
}

/** Why the Coordinator decided so: its own reasons, or what the rules say. */
function reasonOf({ source, reasoning, next_action }) {
  if (source === "model") return named(reasoning);
  return say(`timeline.because.${source}`, { action: nameOf(next_action) });
}

/** What the task waits for while its model is got ready; nothing once it is. */
function modelWords({ state, share }) {
  if (state === "ready") return undefined;
  return say(`model.${state}`, { percent: Math.floor(100 * (share ?? 0)) });
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
