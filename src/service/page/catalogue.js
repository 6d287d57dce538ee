/** The workflows, fetched once. */

import { workflows } from "./api.js";
import { language, nameOf, saying } from "./language.js";

let fetched;

/** @returns {Promise<{name: string, description: object, inputs: object, checks: object}[]>} */
export function catalogue() {
  fetched ??= workflows().catch((error) => {
    fetched = undefined;
    throw error;
  });
  return fetched;
}

/** @returns {Promise<(name: string) => string>} what a check of that workflow is called. */
export async function checkNames(workflow) {
  const flows = await catalogue().catch(() => []);
  const known = flows.find(({ name }) => name === workflow)?.checks ?? {};
  return (name) => known[name]?.[language] ?? saying(`check.${name}`) ?? nameOf(name);
}
