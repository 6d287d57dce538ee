/** The calls of actions: what is done to the files, as it arrives. */

import { diffView, visible } from "./diff.js";
import { byId, element } from "./element.js";
import { nameOf, say, saying } from "./language.js";

const TARGETS = ["path", "template", "paths", "command", "sql", "id"];
/** Parameters that say best what a call is about, the best first. */
const SHORT = 80;
const LONG = 300;
const MARKS = { running: "…", waiting: "?", done: "✓", failed: "✗", skipped: "–", denied: "✗" };

/** The list of calls, each a line that opens. */
export class Calls {
  constructor() {
    this.lines = new Map();
    byId("calls-list").replaceChildren();
    byId("calls").hidden = true;
  }

  /** Add an `action` event, with which a call begins, or a `result` event, with which it ends. */
  add(event) {
    if (event.type === "action") this.#show({ ...event, id: event.call, status: "running" });
    else this.#show(event);
  }

  /** The calls of these approvals wait for the person. */
  wait(approvals) {
    for (const { call, action, params } of approvals)
      this.#show({ id: call, action, params, status: "waiting" });
  }

  /** Show the calls of a result, all that there were. */
  showAll(results) {
    for (const result of results) this.#show(result);
  }

  #show(call) {
    const line = this.lines.get(call.id) ?? this.#open(call.id);
    line.node.className = call.status;
    line.summary.replaceChildren(...summaryOf(call));
    line.rest.replaceChildren(...detailsOf(call));
    byId("calls").hidden = false;
  }

  #open(id) {
    const summary = element("summary");
    const rest = element("div", { class: "rest" });
    const node = element("li", {}, element("details", {}, summary, rest));
    byId("calls-list").append(node);
    this.lines.set(id, { node, summary, rest });
    return this.lines.get(id);
  }
}

function summaryOf({ action, status, params = {} }) {
  const target = targetOf(params);
  return [
    element("span", { class: "mark", "aria-hidden": "true" }, MARKS[status]),
    element("span", {}, nameOf(action)),
    target ? element("code", {}, visible(target)) : null,
    element("span", { class: status === "done" ? "unseen" : "tag" }, say(`call.${status}`)),
  ].filter(Boolean);
}

function detailsOf({ params = {}, preview = "", effects = [], status }) {
  const diffs = effects.map(({ diff }) => diffView(diff));
  const told = preview && !(status === "done" && diffs.length);
  const result = told ? [element("p", { class: "note" }, say("call.result")), block(preview)] : [];
  return [paramsOf(params), ...result, ...diffs];
}

/** What a call is about, in a few words. */
export function targetOf(params) {
  const name = TARGETS.find((each) => params[each]?.length);
  const text = name ? [params[name]].flat().join(", ").replace(/\s+/g, " ") : "";
  return text.length > SHORT ? `${text.slice(0, SHORT)}…` : text;
}

/** All parameters of a call by name, as they are. */
export function paramsOf(params) {
  const given = Object.entries(params).filter(([, value]) => value !== null && value !== "");
  const rows = given.flatMap(([name, value]) => [
    element("dt", {}, saying(`param.${name}`) ?? name),
    element("dd", {}, valueOf(value)),
  ]);
  return element("dl", { class: "params" }, ...rows);
}

function valueOf(value) {
  if (typeof value === "boolean") return say(value ? "input.option.yes" : "input.option.no");
  if (typeof value === "number") return `${value}`;
  return block(typeof value === "string" ? value : JSON.stringify(value, null, 1));
}

/** A text as it is; a long one is scrolled by itself, with the keyboard too. */
function block(text) {
  const long = text.length > LONG || text.split("\n").length > 8;
  return element("pre", { class: "value", tabindex: long ? 0 : null }, visible(text));
}
