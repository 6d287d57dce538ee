/** What a finished task has earned, and what that is made of. */

import { checkNames } from "./catalogue.js";
import { byId, element } from "./element.js";
import { say, saying } from "./language.js";
import { points, share } from "./numbers.js";

/** @param {{quality: number, cost: number, reward: number, quality_terms: object[], cost_terms:
 *     object[]}|null} reward of the task; null hides its place.
 *  @param {string} workflow whose checks may be among the terms. */
export async function showReward(reward, workflow) {
  byId("reward").hidden = !reward;
  if (!reward) return;
  byId("reward-value").textContent = say("reward.value", { reward: points(reward.reward) });
  byId("reward-parts").textContent = say("reward.parts", {
    quality: points(reward.quality),
    cost: points(reward.cost),
  });
  const called = await checkNames(workflow);
  const named = (name) => saying(`term.${name}`) ?? called(name);
  byId("reward-terms").replaceChildren(
    terms("reward.quality", reward.quality_terms, named),
    terms("reward.cost", reward.cost_terms, named),
  );
}

function terms(title, all, named) {
  const whole = all.reduce((sum, { weight }) => sum + weight, 0);
  const rows = all.map(({ name, value, weight }) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, named(name)),
      element("td", { class: "figures" }, points(value)),
      element("td", { class: "figures" }, share(weight / whole)),
    ),
  );
  const head = [title, "reward.term", "reward.share"].map((key) =>
    element("th", { scope: "col" }, say(key)),
  );
  return element(
    "table",
    { class: "data" },
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...rows),
  );
}
