/** Numbers and times as the page writes them. */

import { locale, say } from "./language.js";

const percent = new Intl.NumberFormat(locale, { style: "percent" });
const when = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });

/** A whole number. */
export const whole = (number) => number.toLocaleString(locale, { maximumFractionDigits: 0 });

/** A part of one as points of a hundred; negative zero is zero. */
export const points = (part) => whole(Math.round(100 * part) || 0);

/** Seconds in words: tenths where they are few, minutes and hours where they are many. */
export function duration(seconds, digits = 0) {
  if (seconds < 60) {
    const shown = seconds.toLocaleString(locale, { maximumFractionDigits: digits });
    return say("time.seconds", { seconds: shown });
  }
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60)
    return say("time.minutes", { minutes, seconds: Math.floor(seconds - 60 * minutes) });
  return say("time.hours", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
}

/** A part of one, in percent. */
export const share = (part) => percent.format(part);

/** A day and a time. */
export const moment = (time) => when.format(time);
