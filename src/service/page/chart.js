/** Values over time as lines, drawn as SVG: each line has a colour, a pattern and a mark. */

import { element, shape } from "./element.js";
import { locale, say } from "./language.js";
import { moment, points } from "./numbers.js";

const HEIGHT = 240;
const EDGE = { left: 40, right: 14, top: 34, bottom: 26 };
const STYLES = 7;
/** Lines that `style.css` tells apart by colour and pattern. */

/** Marks at the end of a line, each drawn around 0, 0. */
const MARKS = [
  "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0Z",
  "M-4 -4H4V4H-4Z",
  "M0 -5.5L5 4H-5Z",
  "M0 -5.5L5.5 0L0 5.5L-5.5 0Z",
  "M0 5.5L5 -4H-5Z",
];

const day = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
const dayAndHour = new Intl.DateTimeFormat(locale, {
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});
const hour = new Intl.DateTimeFormat(locale, { timeStyle: "short" });

/**
 * A figure with its lines, a key that tells their values, and a slider for the moment they are
 * told for.
 *
 * @param {{name: string, style: number, points: {time: number, value: number, count: number}[]}[]}
 *     lines of at least one point each, the points in order of time.
 * @param {string} title what the lines are the values of.
 */
export function chart(lines, title) {
  const moments = [...new Set(lines.flatMap(({ points }) => points.map(({ time }) => time)))];
  moments.sort((a, b) => a - b);
  const last = moments.length - 1;
  const slider = element("input", {
    type: "range",
    min: 0,
    max: last,
    value: last,
    "aria-label": say("learning.moment_of", { title }),
  });
  const drawing = new Drawing(lines, moments, (time) => {
    slider.value = nearest(moments, time);
    tell();
  });
  const shown = element("span", { class: "note figures" });
  const figures = lines.map(() => element("span", { class: "figures" }));
  function tell() {
    const time = moments[slider.value];
    const values = lines.map((line) => pointWords(valueAt(line, time)));
    values.forEach((words, index) => (figures[index].textContent = words));
    shown.textContent = moment(time);
    const all = lines.map(({ name }, index) => `${name} ${values[index]}`);
    slider.setAttribute("aria-valuetext", `${moment(time)}: ${all.join("; ")}`);
    drawing.point(time);
  }
  slider.addEventListener("input", tell);
  tell();
  return element(
    "div",
    { class: "chart" },
    drawing.place,
    last ? element("div", { class: "row" }, slider, shown) : shown,
    element("ul", { class: "key" }, ...lines.map((line, index) => keyLine(line, figures[index]))),
  );
}

/** The lines as wide as there is room, with a cursor at one moment. */
class Drawing {
  /** @param {(time: number) => void} onPoint called when somebody points at a time. */
  constructor(lines, moments, onPoint) {
    Object.assign(this, { lines, moments });
    this.svg = shape("svg", { height: HEIGHT, "aria-hidden": "true", class: "lines" });
    this.place = element("div", {}, this.svg);
    this.svg.addEventListener("pointermove", ({ clientX }) =>
      onPoint(this.scale.timeAt(clientX - this.svg.getBoundingClientRect().left)),
    );
    new ResizeObserver(([{ contentRect }]) => this.#draw(contentRect.width)).observe(this.place);
  }

  /** Put the cursor there. */
  point(time) {
    this.time = time;
    if (this.scale) this.svg.lastChild.replaceWith(cursorAt(this.lines, time, this.scale));
  }

  #draw(width) {
    if (!width) return; // the view is not shown
    this.scale = scaleOf(this.lines, this.moments, width);
    this.svg.setAttribute("width", width);
    this.svg.replaceChildren(
      ...axes(this.scale),
      ...this.lines.map((line) => drawn(line, this.scale)),
      cursorAt(this.lines, this.time, this.scale),
    );
  }
}

/** A line of the key: how it is drawn, its name, its value at the moment. */
function keyLine({ name, style }, value) {
  const sample = shape(
    "svg",
    { width: 40, height: 14, "aria-hidden": "true", class: lineClass(style) },
    shape("path", { d: "M1 7H39", class: "line" }),
    mark(style, 20, 7),
  );
  return element("li", {}, sample, element("span", { class: "name" }, name), value);
}

function scaleOf(lines, moments, width) {
  const values = lines.flatMap(({ points }) => points.map(({ value }) => value));
  const low = Math.min(0, Math.floor(Math.min(...values) * 5) / 5);
  const high = Math.max(1, Math.ceil(Math.max(...values) * 5) / 5);
  const [first, end] = [moments[0], moments.at(-1)];
  const inner = width - EDGE.left - EDGE.right;
  const tall = HEIGHT - EDGE.top - EDGE.bottom;
  const span = end - first;
  return {
    first,
    end,
    ticks: [...new Set([low, 0, 0.5, high])],
    right: width - EDGE.right,
    x: (time) => EDGE.left + (span ? (inner * (time - first)) / span : inner / 2),
    y: (value) => EDGE.top + (tall * (high - value)) / (high - low),
    timeAt: (x) => first + ((x - EDGE.left) / inner) * span,
  };
}

function axes({ first, end, ticks, right, y }) {
  const rules = ticks.flatMap((value) => [
    shape("path", { d: `M${EDGE.left} ${y(value)}H${right}`, class: value ? "rule" : "rule zero" }),
    label(EDGE.left - 8, y(value) + 4, "end", points(value)),
  ]);
  const unit = label(0, 14, "start", say("learning.value"));
  return [unit, ...rules, ...times(first, end, right)];
}

/** Day and hour at both ends of the axis; where there is one time only, in the middle. */
function times(first, end, right) {
  const bottom = HEIGHT - 4;
  const middle = (words) => label((EDGE.left + right) / 2, bottom, "middle", words);
  if (first === end) return [middle(moment(end))];
  const sameDay = day.format(first) === day.format(end);
  const words = (sameDay ? hour : dayAndHour).format;
  return [
    label(EDGE.left, bottom, "start", words(first)),
    ...(sameDay ? [middle(day.format(end))] : []),
    label(right, bottom, "end", words(end)),
  ];
}

const label = (x, y, anchor, words) => shape("text", { x, y, "text-anchor": anchor }, words);

/** A value holds until the next one, so a line goes in steps, to the right edge. */
function drawn({ points, style }, { x, y, right, first, end }) {
  const [{ time, value }, ...rest] = points;
  const steps = rest.map((point) => `H${x(point.time)}V${y(point.value)}`).join("");
  const edge = first === end ? x(end) : right;
  const path = `M${x(time)} ${y(value)}${steps}H${edge}`;
  return shape(
    "g",
    { class: lineClass(style) },
    shape("path", { d: path, class: "line" }),
    mark(style, edge, y(points.at(-1).value)),
  );
}

function cursorAt(lines, time, { x, y }) {
  const at = x(time);
  return shape(
    "g",
    {},
    shape("path", { d: `M${at} ${EDGE.top}V${HEIGHT - EDGE.bottom}`, class: "cursor" }),
    ...lines.map((line) => {
      const point = valueAt(line, time);
      return (
        point && shape("g", { class: lineClass(line.style) }, mark(line.style, at, y(point.value)))
      );
    }),
  );
}

const mark = (style, x, y) =>
  shape("path", {
    d: MARKS[style % MARKS.length],
    transform: `translate(${x} ${y})`,
    class: "mark",
  });

const lineClass = (style) => `line-${style % STYLES}`;

/** The line's latest point at that time, if it had begun. */
const valueAt = ({ points }, time) => points.findLast((point) => point.time <= time);

const pointWords = (point) =>
  point ? say("learning.point", { value: points(point.value), count: point.count }) : "–";

function nearest(moments, time) {
  const distance = (index) => Math.abs(moments[index] - time);
  return moments.reduce((best, _, index) => (distance(index) < distance(best) ? index : best), 0);
}
