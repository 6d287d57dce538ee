/** The workflows, fetched once. */

import { workflows } from "./api.js";

let fetched;

/** @returns {Promise<{name: string, description: object, inputs: object, checks: object}[]>} */
export function catalogue() {
  fetched ??= workflows().catch((error) => {
    fetched = undefined;
    throw error;
  });
  return fetched;
}
