/** Numbers and times as the page writes them. */

import { locale } from "./language.js";

const two = new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const percent = new Intl.NumberFormat(locale, { style: "percent" });
const when = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });

/** A number with two digits after its point. */
export const decimal = (number) => two.format(number);

/** A part of one, in percent. */
export const share = (part) => percent.format(part);

/** A day and a time. */
export const moment = (time) => when.format(time);
