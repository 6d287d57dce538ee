/** What went wrong, in words that say what to do. */

import { say, saying } from "./language.js";

/** A request that did not succeed. */
export class Problem extends Error {
  /**
   * @param {number} status of the response; 0 where none came.
   * @param {string} detail the service's own words (RFC 9457), or none.
   * @param {number} [wait] seconds after which to try again.
   */
  constructor(status, detail = "", wait = undefined) {
    super(`${status} ${detail}`);
    this.status = status;
    this.detail = detail;
    this.wait = wait;
  }

  /** For people. */
  get text() {
    const known = this.status >= 500 ? "problem.500" : `problem.${this.status}`;
    const advice = saying(known) ? say(known, { wait: this.wait ?? 5 }) : "";
    return (
      [advice, this.detail].filter(Boolean).join(" ") ||
      say("problem.other", { status: this.status })
    );
  }
}

/** The problem that a response tells of. */
export async function problemOf(response) {
  const wait = Number(response.headers.get("Retry-After")) || undefined;
  return new Problem(response.status, detailIn(await response.text().catch(() => "")), wait);
}

/** The `detail` of a problem document, or else its `title`. */
export function detailIn(body) {
  try {
    const { detail, title } = JSON.parse(body);
    return [detail, title].find((text) => typeof text === "string" && text) ?? "";
  } catch {
    return "";
  }
}

/** Show what went wrong in an element with `role=alert`; null clears it. */
export function showProblem(place, error) {
  place.textContent = error ? wordsOf(error) : "";
  place.hidden = !error;
}

/** An error as words; one of the page's own making is also shown to whoever mends it. */
export function wordsOf(error) {
  if (error instanceof Problem) return error.text;
  console.error(error);
  return say("problem.page");
}
