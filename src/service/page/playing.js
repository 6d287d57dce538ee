/** Who is playing now, from the nodes of the graph that have started and not ended. */

import { nameOf, say, saying } from "./language.js";

const PERSON = new Set(["need_input", "approve"]);
/** The nodes in which the person is waited for, and nobody plays. */

export class Playing {
  constructor() {
    this.nodes = new Map();
  }

  /** Add a `node_start` or `node_end` event. */
  add({ type, node, path, run }) {
    if (PERSON.has(node)) return;
    if (type === "node_start") this.nodes.set(run, { node, path });
    else this.nodes.delete(run);
  }

  /** Nobody is: a run has begun, perhaps after one that was killed in the middle. */
  clear() {
    this.nodes.clear();
  }

  /** In words; nothing where nobody is known to play. */
  get words() {
    const all = [...this.nodes.values()];
    const deepest = Math.max(...all.map(({ path }) => path.length));
    const inner = all.filter(({ path }) => path.length === deepest);
    if (!inner.length) return undefined;
    const { node, path } = inner.at(-1);
    const actor = say("timeline.playing", { actor: nameOf(path[0] ?? node) });
    const step = saying(`node.${node}`);
    const times = inner.filter((other) => other.node === node).length;
    if (!step) return actor;
    return say(times > 1 ? "timeline.steps" : "timeline.step", { actor, step, times });
  }
}
