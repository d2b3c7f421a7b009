// Predict first: a guess is made before the result shows, and stays drawn over what came out. It never blocks a cell.

import { button, el, KeptPicture, show, svg, under } from "./parts.js";

const NAME = "Predict first";

// ---- numbers ---------------------------------------------------------------------------------------------------------

/** Two digits that count; with an exponent where the number is very small or very large. predict.py says numbers the same way. */
export function short(/** @type {number} */ value) {
  const rounded = Number(value.toExponential(1)), size = Math.abs(rounded);
  if (rounded === 0 || (size >= 0.001 && size < 100000)) return fixed(rounded, Math.max(0, 1 - Math.floor(Math.log10(size || 1))));
  return rounded.toExponential(1).replace(/e([+-])(\d)$/, "e$10$2");
}

const fixed = (value, decimals) => value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
/** What to know of a logarithmic axis before a hand guesses on it; nothing of another. */
function ofLog({ log, ticks }, step, before) {
  return log && ticks.length > 1 ? ` The axis is logarithmic: each ${step} is ${fixed(Math.round(ticks[1][0] / ticks[0][0]), 0)} times the one ${before}.` : "";
}

/** A difference of shares is in points: "3% more" would be another thing. */
const points = (unit) => (unit === "%" ? "points" : unit);

export const withUnit = (number, unit) => number + (unit === "" || unit === "%" ? unit : ` ${unit}`);

/**
 * An axis: where a number stands on it, from 0 at its low end to 1 at its high one, and back.
 * @param {{low: number, high: number, log: boolean}} spec
 */
export function axis({ low, high, log }) {
  const way = log ? Math.log : (value) => value, back = log ? Math.exp : (value) => value;
  const inside = (value) => Math.max(low, Math.min(high, value));
  return {
    place: (value) => (way(inside(value)) - way(low)) / (way(high) - way(low)),
    value: (place) => inside(back(way(low) + place * (way(high) - way(low)))),
  };
}

/** A curve from the places that were drawn, from 0 to 1: straight lines between them, level before and after; null without any. */
export function filled(/** @type {(number|null)[]} */ points) {
  const drawn = points.flatMap((place, k) => (place === null ? [] : [k]));
  if (drawn.length === 0) return null;
  return points.map((_, k) => {
    const before = drawn.findLast((at) => at <= k) ?? drawn[0], after = drawn.find((at) => at >= k) ?? drawn.at(-1);
    const share = after === before ? 0 : (k - before) / (after - before);
    return points[before] + share * (points[after] - points[before]);
  });
}

/** What a curve of places from 0 to 1 does from its left to its right end. */
export function trend(/** @type {number[]} */ places) {
  const change = places.at(-1) - places[0];
  return Math.abs(change) < 0.1 ? "stays level" : change > 0 ? "rises" : "falls";
}

/**
 * How many pairs a ranking has right, among those that the runs can tell apart: their ranges do not overlap.
 * @param {string[]} guess  the one with the most first
 * @param {{item: string, low: number, high: number}[]} rows
 */
export function pairs(guess, rows) {
  const found = { right: 0, all: 0 };
  for (const above of rows) {
    for (const below of rows) {
      if (above.low <= below.high) continue;
      found.all++;
      if (guess.indexOf(above.item) < guess.indexOf(below.item)) found.right++;
    }
  }
  return found;
}

/** Which places a row of a ranking may have: it shares them with those whose runs overlap its own. Its still counts them in the same way. */
export function places(/** @type {{low: number, high: number}} */ row, /** @type {{low: number, high: number}[]} */ rows) {
  const first = 1 + rows.filter(({ low }) => low > row.high).length, last = rows.length - rows.filter(({ high }) => high < row.low).length;
  return first === last ? `${first}.` : `${first}–${last}.`;
}

/** What a note is made of: text, `code`, and [links](#to-a-heading). @returns {{text: string, code?: boolean, heading?: string}[]} */
export function noteParts(/** @type {string} */ note) {
  const parts = [];
  let end = 0;
  for (const found of note.matchAll(/`([^`]+)`|\[([^\]]+)\]\(#([^)\s]+)\)/g)) {
    if (found.index > end) parts.push({ text: note.slice(end, found.index) });
    parts.push(found[1] ? { text: found[1], code: true } : { text: found[2], heading: found[3] });
    end = found.index + found[0].length;
  }
  if (end < note.length) parts.push({ text: note.slice(end) });
  return parts;
}

/** A heading's name as all makers of pages agree on it: Jupyter, Sphinx and GitHub each make another anchor of the same words. */
export const slug = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "");

// ---- the four kinds ----------------------------------------------------------------------------------------------------
// Each has: node; how, what the hand does first; read(guess), how to read the answer; touched, whether a hand was on it;
// value(), the guess as it stands there or null; set(guess); lock(bool); reveal(guess, truth) and hide(guess); say(guess);
// hint, what to know before (a sentence after a space); judge(guess, truth), a sentence; note(guess, truth), what is wrong about it, or undefined; others(guess, truth), [what, note].

/** One of a few answers. */
class Choice {
  constructor(spec, how) {
    Object.assign(this, { spec, touched: false });
    this.how = "choose one";
    this.read = () => "◆ marks your guess, ● what came out.";
    const group = `predict-${Math.random().toString(36).slice(2)}`; // radios of two pictures on a page stay apart
    this.rows = spec.choices.map((name) => {
      const input = el("input", { type: "radio", name: group, value: name }), mark = el("span", { class: "pf-mark" });
      how.on(input, "change", () => this.touch(how));
      return { name, input, mark, node: el("label", { class: "u-choice" }, input, el("span", { text: name }), mark) };
    });
    this.node = el("div", { class: "pf-choices", role: "radiogroup", "aria-label": how.question }, ...this.rows.map((row) => row.node));
  }

  touch(how) {
    this.touched = true;
    how.changed();
  }

  value() {
    return this.rows.find((row) => row.input.checked)?.name ?? null;
  }

  set(guess) {
    for (const row of this.rows) row.input.checked = row.name === guess;
  }

  lock(locked) {
    for (const row of this.rows) row.input.disabled = locked;
  }

  reveal(guess, { value }) {
    this.mark(guess, value);
  }

  mark(guess, value) {
    for (const { name, mark, node } of this.rows) {
      const sign = (shown, text, kind, words) => (shown ? [el("i", { class: `pf-sign-${kind}`, text }), words] : []);
      mark.replaceChildren(...sign(name === guess, "◆", "guess", " your guess  "), ...sign(name === value, "●", "truth", " what came out"));
      node.classList.toggle("pf-out", name === value);
      node.classList.toggle("pf-guessed", name === guess);
    }
  }

  hide(guess) {
    this.mark(guess, null);
  }

  say(guess) {
    return `“${guess}”`;
  }

  judge(guess, { value }) {
    return guess === value ? `Right: ${this.say(value)}.` : `You said ${this.say(guess)}. What came out: ${this.say(value)}.`;
  }

  note(guess, { value, notes }) {
    return guess === value ? undefined : notes[guess];
  }

  others(guess, { value, notes }) {
    const names = this.spec.choices.filter((name) => name !== guess && name !== value && notes[name]);
    return names.map((name) => [this.say(name), notes[name]]);
  }
}

/** A number on an axis: a slider that shows no number before it was touched. */
class NumberLine {
  constructor(spec, how) {
    Object.assign(this, { spec, touched: false, guess: null, locked: false, axis: axis(spec), changed: how.changed });
    this.how = "press on the line, or use the arrow keys";
    this.hint = ofLog(spec, "mark", "before it");
    this.read = (guess) => (guess === null ? "" : "◆ is your guess, the dashed bar how far it is off; ") + "● is what came out.";
    const marker = (name, sign) => el("span", { class: `pf-marker ${name}`, hidden: true }, el("i", { text: sign }), el("span"));
    this.markers = { guess: marker("pf-guess", "◆"), truth: marker("pf-truth", "●") };
    this.gap = el("i", { class: "pf-gap", hidden: true });
    const left = (value) => `left: ${100 * this.axis.place(value)}%`;
    const sign = spec.unit === "%" ? "%" : ""; // another unit stands below the line, once
    const ticks = spec.ticks.map(([value, text]) => el("span", { class: "pf-tick", style: left(value), text: text + sign }));
    const spoken = { "aria-label": how.question, "aria-valuemin": spec.low, "aria-valuemax": spec.high };
    this.line = el("div", { class: "pf-line", role: "slider", tabindex: "0", ...spoken }, el("i", { class: "pf-rail" }), this.gap, ...ticks,
      ...Object.values(this.markers));
    this.node = el("div", { class: "pf-number" }, this.line, ...(sign || !spec.unit ? [] : [el("p", { class: "u-note pf-unit", text: spec.unit })]));
    how.on(this.line, "pointerdown", (event) => this.press(event));
    how.on(this.line, "pointermove", (event) => event.buttons === 1 && this.take(event));
    how.on(this.line, "keydown", (event) => this.key(event));
    this.set(null);
  }

  press(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.line.focus({ preventScroll: true });
    this.line.setPointerCapture(event.pointerId);
    this.take(event);
  }

  take(event) {
    this.move(this.axis.value(under(event, this.line, 1, 1).x));
  }

  /** To the next step of the axis; on a logarithmic one to two digits that count. */
  move(value) {
    if (this.locked) return;
    const { low, high, step, log } = this.spec;
    const stepped = log ? Number(value.toExponential(1)) : Number((low + Math.round((value - low) / step) * step).toFixed(9));
    this.touched = true;
    this.set(Math.max(low, Math.min(high, stepped)));
    this.changed();
  }

  key(event) {
    const { low, high, step, log } = this.spec, tenth = log ? 0.1 : Math.max(step, (high - low) / 10);
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
    const ends = { Home: low, End: high };
    if (by === undefined && !(event.key in ends)) return;
    event.preventDefault();
    if (event.key in ends) return this.move(ends[event.key]);
    const from = this.guess ?? this.axis.value(0.5), way = Math.sign(by), far = Math.abs(by) === 10;
    if (!log) return this.move(from + way * (far ? tenth : step));
    const next = this.axis.value(this.axis.place(from) + way * (far ? tenth : 0.01)); // on a short axis a digit may be more than this
    this.move(Number(next.toExponential(1)) === from ? from + (way * 10 ** Math.floor(Math.log10(from))) / 10 : next);
  }

  value() {
    return this.guess;
  }

  set(guess) {
    this.guess = guess;
    this.put("guess", guess, guess === null ? "" : this.say(guess));
    this.line.setAttribute("aria-valuenow", guess ?? this.axis.value(0.5));
    this.line.setAttribute("aria-valuetext", guess === null ? "no guess yet" : this.say(guess));
  }

  put(name, value, text) {
    const marker = this.markers[name];
    marker.hidden = value === null;
    if (value === null) return;
    const place = this.axis.place(value);
    marker.style.left = `${100 * place}%`;
    marker.classList.toggle("pf-flip", place > 0.5);
    marker.lastChild.textContent = `${name === "guess" ? "your guess" : "what came out"}: ${text}`;
  }

  lock(locked) {
    this.locked = locked;
    this.line.setAttribute("aria-disabled", String(locked));
  }

  reveal(guess, { value, text }) {
    this.put("truth", value, text + (value < this.spec.low || value > this.spec.high ? " (beyond the line)" : ""));
    this.gap.hidden = guess === null;
    if (guess === null) return;
    const ends = [this.axis.place(guess), this.axis.place(value)].sort((a, b) => a - b);
    this.gap.style.left = `${100 * ends[0]}%`;
    this.gap.style.width = `${100 * (ends[1] - ends[0])}%`;
  }

  hide() {
    this.put("truth", null, "");
    this.gap.hidden = true;
  }

  say(guess, finer = 0) {
    const { log, decimals, unit } = this.spec;
    return withUnit(log ? short(guess) : fixed(guess, decimals + finer), unit);
  }

  apart(difference) {
    const { decimals, unit } = this.spec;
    return withUnit(fixed(difference, decimals + 1), points(unit));
  }

  /** Close: within a twentieth of the axis. */
  close(guess, { value }) {
    return Math.abs(this.axis.place(guess) - this.axis.place(value)) <= 0.05;
  }

  judge(guess, truth) {
    const { value, text } = truth, above = guess > value ? "too high" : "too low";
    if (this.say(guess) === this.say(value)) return `Right: ${text}.`;
    const off = this.spec.log ? `${short(Math.max(guess / value, value / guess))} times ` : `${this.apart(Math.abs(guess - value))} `;
    return `${this.close(guess, truth) ? "Close: you" : "You"} said ${this.say(guess)}. What came out: ${text}. That is ${off}${above}.`;
  }

  note(guess, truth) {
    return this.close(guess, truth) ? undefined : truth.notes.find(([low, high]) => guess >= low && guess <= high)?.[2];
  }

  others(guess, { notes }) {
    const range = (low, high) => (low === high ? this.say(low) : `${this.say(low)} to ${this.say(high)}`);
    return notes.filter(([low, high]) => !(guess >= low && guess <= high)).map(([low, high, text]) => [range(low, high), text]);
  }
}

/** A few things in their order: buttons, or arrow keys on them, move a row. */
class Ranking {
  constructor(spec, how) {
    Object.assign(this, { spec, touched: false, order: [...spec.items], on: how.on, changed: how.changed });
    this.how = "bring the rows into your order with ▲ and ▼";
    this.read = (guess) => {
      const lines = "a line leads from each place in your order to the place that came out, a full one where they agree; ";
      const runs = "beside each stands the range of its runs; where two ranges overlap, the runs cannot tell these two apart.";
      return (guess === null ? "" : lines) + (this.several ? runs : "beside each stands its number.");
    };
    this.list = el("ol", { class: "pf-items", "aria-label": how.question });
    this.rows = new Map(spec.items.map((item) => [item, this.row(item)]));
    this.result = el("div", { class: "pf-slopes", hidden: true });
    const ends = (text) => el("p", { class: "u-note", text });
    this.asked = el("div", {}, ends(`▲ ${spec.most}`), this.list, ends(`▼ ${spec.least}`));
    const longest = Math.max(...spec.items.map((item) => item.length));
    this.node = el("div", { class: "pf-ranking", style: `--longest: ${longest}ch` }, this.asked, this.result);
    this.set(null);
  }

  row(item) {
    const up = button("▲", { "aria-label": `${item}: up` }), down = button("▼", { "aria-label": `${item}: down` });
    for (const [node, by] of [[up, -1], [down, 1]]) {
      this.on(node, "click", () => this.move(item, by, node));
      this.on(node, "keydown", (event) => this.key(event, item));
    }
    return { up, down, node: el("li", {}, el("span", { text: item }), up, down) };
  }

  key(event, item) {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    this.move(item, by, event.currentTarget);
  }

  move(item, by, pressed) {
    const from = this.order.indexOf(item), to = from + by;
    if (to < 0 || to >= this.order.length || pressed.getAttribute("aria-disabled") === "true") return;
    [this.order[from], this.order[to]] = [this.order[to], this.order[from]];
    this.touched = true;
    this.place();
    pressed.focus({ preventScroll: true }); // a row that moves in the page loses it
    this.changed(`${item} is number ${to + 1} now`);
  }

  place() {
    const nodes = this.order.map((item) => this.rows.get(item));
    this.list.replaceChildren(...nodes.map((row) => row.node));
  }

  value() {
    return [...this.order];
  }

  set(guess) {
    this.order = [...(guess ?? this.spec.items)];
    this.place();
  }

  lock(locked) {
    for (const { up, down } of this.rows.values()) for (const node of [up, down]) node.setAttribute("aria-disabled", String(locked));
    this.list.classList.toggle("pf-locked", locked);
  }

  /** Two columns with a line from each thing's place in the guess to its place in what came out. */
  reveal(guess, { value: rows }) {
    this.asked.hidden = true;
    this.result.hidden = false;
    this.several = rows.some((row) => row.low < row.high);
    const order = rows.map((row) => row.item);
    const low = Math.min(...rows.map((row) => row.low)), high = Math.max(...rows.map((row) => row.high));
    const column = (heading, nodes) => el("div", {}, el("b", { text: heading }), el("ol", { class: "pf-items" }, ...nodes));
    const line = (row) => [el("span", { text: row.item }), this.range(row, low, high), el("span", { class: "pf-runs", text: row.text })];
    const came = rows.map((row) => el("li", { "data-places": places(row, rows) }, ...line(row)));
    this.result.replaceChildren(column("● what came out", came));
    this.result.classList.toggle("pf-both", guess !== null);
    if (guess === null) return;
    const said = guess.map((item) => el("li", {}, el("span", { text: item })));
    this.result.prepend(column("◆ your guess", said), this.slopes(guess, order));
  }

  range(row, low, high) {
    const share = (value) => (high === low ? 50 : (100 * (value - low)) / (high - low));
    const bar = el("i", { style: `left: ${share(row.low)}%; width: ${share(row.high) - share(row.low)}%` });
    return el("span", { class: "pf-track", "aria-hidden": "true" }, bar);
  }

  slopes(guess, order) {
    const lines = guess.map((item, k) => {
      const to = order.indexOf(item);
      return svg("line", { x1: 0, x2: 100, y1: k + 0.5, y2: to + 0.5, class: to === k ? "pf-level" : "pf-slope" });
    });
    return svg("svg", { ...stretched(100, guess.length), style: `--rows: ${guess.length}` }, ...lines);
  }

  hide() {
    this.asked.hidden = false;
    this.result.hidden = true;
  }

  say(guess) {
    return guess.join(", ");
  }

  judge(guess, { value, text }) {
    const { right, all } = pairs(guess, value);
    const came = `What came out: ${text}.`;
    if (all === 0) return `${came} The runs overlap everywhere: nobody can rank these, and any order is as good as yours.`;
    const told = all === 1 ? "one pair" : `${all} pairs`;
    const count = `Of the ${told} that can be told apart, you have ${right === all ? "all" : right} right.`;
    return `${right === all ? "Right. " : ""}${came} ${count}`;
  }

  note(guess, truth) {
    const [first] = guess, note = this.beaten(truth).includes(first) ? truth.notes[first] : undefined;
    return note && `You put “${first}” first. ${note}`;
  }

  others(guess, truth) {
    const items = this.beaten(truth).filter((item) => item !== guess?.[0] && truth.notes[item]);
    return items.map((item) => [`“${item}” first`, truth.notes[item]]);
  }

  /** What cannot be the first: another lies above it in all runs. */
  beaten({ value }) {
    return value.filter(({ high }) => value.some(({ low }) => low > high)).map(({ item }) => item);
  }
}

/** A curve drawn by hand: pointer, or arrow keys. Places run from 0 to 1; only what is saved is in the axis' own numbers. */
class Curve {
  constructor(spec, how) {
    const size = spec.x.length;
    Object.assign(this, { spec, size, touched: false, locked: false, axis: axis(spec), changed: how.changed, tell: how.tell });
    this.how = "draw on the field, in either direction (keys: ← → choose a place, ↑ ↓ set the height)";
    this.hint = ofLog(spec, "grid line", "below it").replace("The axis", "The upright axis");
    this.read = (guess) => `${guess === null ? "" : "the dashed line is your guess, "}the full line is what came out.${this.hint}`;
    this.across = axis({ low: spec.x[0], high: spec.x.at(-1), log: false });
    this.points = new Array(size).fill(null);
    this.cursor = 0;
    this.field = this.build(how);
    how.on(this.field, "pointerdown", (event) => this.press(event));
    how.on(this.field, "pointermove", (event) => this.drag(event));
    for (const name of ["pointerup", "pointercancel"]) how.on(this.field, name, () => (this.last = null));
    how.on(this.field, "keydown", (event) => this.key(event));
  }

  build(how) {
    const { ticks, xticks, xlabel, ylabel, unit } = this.spec;
    this.lines = { guess: svg("polyline", { class: "pf-guess-line" }), truth: svg("polyline", { class: "pf-truth-line" }) };
    const level = (y) => svg("line", { x1: 0, x2: 1000, y1: y, y2: y, class: "pf-grid" });
    const grid = ticks.map(([value]) => level(1000 * (1 - this.axis.place(value))));
    this.mark = el("i", { class: "pf-cursor", hidden: true });
    const field = el("div", { class: "pf-area", tabindex: "0", role: "application", "aria-roledescription": "curve to draw",
      "aria-label": `${how.question} ${ylabel} over ${xlabel}. Left and right choose a place, up and down set the height.` },
      svg("svg", stretched(1000, 1000), ...grid, this.lines.guess, this.lines.truth), this.mark);
    const left = ticks.map(([value, text]) => el("span", { class: "pf-ytick", style: `bottom: ${100 * this.axis.place(value)}%`, text }));
    const across = (value) => `left: ${100 * this.across.place(value)}%`;
    const below = xticks.map(([value, text]) => el("span", { class: "pf-xtick", style: across(value), text }));
    const key = (name, text) => el("span", {}, el("i", { class: `pf-key ${name}` }), text);
    this.truthKey = key("pf-truth-key", "what came out");
    this.readout = el("p", { class: "u-note pf-readout" });
    const keys = el("span", { class: "pf-keys" }, key("pf-guess-key", "your guess"), this.truthKey);
    const numbers = (name, texts) => el("div", { class: name, "aria-hidden": "true" }, ...texts); // the readout says them
    this.node = el("div", {}, el("p", { class: "u-note pf-head" }, el("span", { text: ylabel + (unit ? ` (${unit})` : "") }), keys),
      el("div", { class: "pf-plot" }, numbers("pf-left", left), field, numbers("pf-below", below)),
      el("p", { class: "u-note pf-xlabel", text: xlabel }), this.readout);
    return field;
  }

  press(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.field.focus({ preventScroll: true });
    if (this.locked) return;
    this.field.setPointerCapture(event.pointerId);
    this.last = null;
    this.stroke(event);
  }

  drag(event) {
    if (event.buttons === 1 && !this.locked) return this.stroke(event);
    this.cursor = this.column(under(event, this.field, 1, 1).x);
    this.point();
  }

  column(x) {
    const at = this.across.value(Math.max(0, Math.min(1, x)));
    return this.spec.x.reduce((best, value, k) => (Math.abs(value - at) < Math.abs(this.spec.x[best] - at) ? k : best), 0);
  }

  /** The hand's line since the last event, at each place that it passed. */
  stroke(event) {
    const { x, y } = under(event, this.field, 1, 1), now = { k: this.column(x), place: Math.max(0, Math.min(1, 1 - y)) };
    const from = this.last ?? now, steps = Math.abs(now.k - from.k);
    for (let s = 0; s <= steps; s++) {
      const share = steps === 0 ? 1 : s / steps;
      this.points[from.k + Math.sign(now.k - from.k) * s] = from.place + share * (now.place - from.place);
    }
    Object.assign(this, { last: now, cursor: now.k, touched: true });
    this.paint();
    this.changed();
  }

  key(event) {
    const right = { ArrowLeft: -1, ArrowRight: 1, Home: -this.size, End: this.size }[event.key];
    const up = { ArrowUp: 0.02, ArrowDown: -0.02, PageUp: 0.1, PageDown: -0.1 }[event.key];
    if (right === undefined && up === undefined) return;
    event.preventDefault();
    if (right !== undefined) this.cursor = Math.max(0, Math.min(this.size - 1, this.cursor + right));
    else if (!this.locked) this.lift(up);
    this.point();
    this.tell(this.readout.textContent);
  }

  lift(by) {
    const now = filled(this.points)?.[this.cursor] ?? 0.5;
    this.points[this.cursor] = Math.max(0, Math.min(1, now + by));
    this.touched = true;
    this.paint();
    this.changed();
  }

  paint() {
    this.drawLine("guess", filled(this.points));
    this.point();
  }

  drawLine(name, places) {
    const at = (place, k) => `${(1000 * this.across.place(this.spec.x[k])).toFixed(1)},${(1000 * (1 - place)).toFixed(1)}`;
    this.lines[name].setAttribute("points", (places ?? []).map(at).join(" "));
  }

  /** The literal numbers at one place: of the guess, and of what came out. */
  point() {
    const places = filled(this.points), k = this.cursor, { x, xlabel, place = xlabel, unit } = this.spec;
    const number = (value) => withUnit(short(value), unit);
    this.mark.hidden = false;
    this.mark.style.left = `${100 * this.across.place(x[k])}%`;
    const said = places ? `your guess ${number(this.axis.value(places[k]))}` : "nothing drawn yet";
    this.readout.textContent = `${place} ${x[k]}:   ${said}` + (this.truth ? `   what came out ${number(this.truth[k])}` : "");
  }

  value() {
    return filled(this.points)?.map((place) => this.axis.value(Math.round(1e4 * place) / 1e4)) ?? null;
  }

  set(guess) {
    this.points = guess === null ? new Array(this.size).fill(null) : guess.map((value) => this.axis.place(value));
    this.drawLine("guess", guess && this.points);
    this.readout.textContent = "Point at the field: the numbers at one place appear here.";
    this.mark.hidden = true;
  }

  lock(locked) {
    this.locked = locked;
    this.field.classList.toggle("pf-locked", locked);
  }

  reveal(guess, { value }) {
    this.truth = value;
    this.truthKey.hidden = false;
    this.drawLine("truth", value.map((number) => this.axis.place(number)));
    if (!this.mark.hidden) this.point();
  }

  hide() {
    this.truth = null;
    this.truthKey.hidden = true;
    this.drawLine("truth", null);
  }

  say(guess) {
    const { x, xlabel, place = xlabel, unit } = this.spec, at = (k) => `${withUnit(short(guess.at(k)), unit)} at ${place} ${x.at(k)}`;
    return `from ${at(0)} to ${at(-1)}`;
  }

  /** The mean distance on the axis, from 0 to 1. */
  off(guess, { value }) {
    return guess.reduce((sum, number, k) => sum + Math.abs(this.axis.place(number) - this.axis.place(value[k])), 0) / guess.length;
  }

  judge(guess, truth) {
    const { low, high, log, unit } = this.spec, off = this.off(guess, truth);
    const way = log ? `a factor of ${short((high / low) ** off)}` : withUnit(short(off * (high - low)), points(unit));
    const said = `${off <= 0.05 ? "Close: your" : "Your"} curve goes ${this.say(guess)}.`;
    return `${said} What came out goes ${truth.text}. On average they are ${way} apart.`;
  }

  /** What is wrong about a curve: it goes another way, or it goes the same way and lies a tenth of the axis too high or too low. */
  wrong(guess, { value }) {
    const own = guess.map((number) => this.axis.place(number)), theirs = value.map((number) => this.axis.place(number));
    if (trend(own) !== trend(theirs)) return trend(own);
    const above = own.reduce((sum, place, k) => sum + place - theirs[k], 0) / own.length;
    return Math.abs(above) < 0.1 ? null : above > 0 ? "too high" : "too low";
  }

  note(guess, truth) {
    return truth.notes[this.wrong(guess, truth)];
  }

  others(guess, truth) {
    const own = guess && this.wrong(guess, truth), does = (what) => (what.startsWith("too") ? `lies ${what}` : what);
    return Object.entries(truth.notes).filter(([what]) => what !== own).map(([what, text]) => [`a curve that ${does(what)}`, text]);
  }
}

const KINDS = { choice: Choice, number: NumberLine, ranking: Ranking, curve: Curve };

/** A drawing that is stretched to its place, with so many units across and down. */
const stretched = (wide, high) => ({ viewBox: `0 0 ${wide} ${high}`, preserveAspectRatio: "none", "aria-hidden": "true" });

// ---- the picture -------------------------------------------------------------------------------------------------------

class Prediction extends KeptPicture {
  constructor(model, root, signal) {
    super(model, root, signal);
    const [kind, question] = ["kind", "question"].map((name) => model.get(name));
    if (!(kind in KINDS)) throw new Error(`It knows ${Object.keys(KINDS).join(", ")}; it was asked for “${kind}”.`);
    const on = (...about) => this.on(...about), changed = (aloud) => this.changed(aloud), tell = (text) => this.tell(text);
    this.field = new KINDS[kind](model.get("spec"), { question, on, changed, tell });
    this.build();
    this.load();
    this.listenToModel();
    this.hear("change:truth", () => this.arrived());
  }

  build() {
    const press = (text, task) => {
      const node = button(text);
      this.on(node, "click", () => task());
      return node;
    };
    this.buttons = { commit: press("This is my guess", () => this.commit()), change: press("Change it", () => this.save({ guess: null })),
      reveal: press("Show me", () => this.save({ shown: true })), again: press("Start over", () => this.startOver()) };
    this.buttons.commit.classList.add("pf-commit");
    const first = `${this.field.how[0].toUpperCase()}${this.field.how.slice(1)}`;
    this.first = `${first}, then press “This is my guess”.${this.field.hint ?? ""} You may skip this; the cells run anyway.`;
    this.lead = el("p", { class: "u-how" });
    this.status = el("p", { class: "pf-status", role: "status", "aria-live": "polite" });
    this.live = el("p", { class: "u-hidden", "aria-live": "polite" });
    this.remark = el("p", { class: "pf-note" });
    this.others = el("details", { class: "pf-others" }, el("summary", { text: "What other guesses get wrong" }), el("ul"));
    this.root.classList.add("pf-box");
    const asked = [el("span", { class: "pf-tag", text: "Your guess" }), el("b", { text: this.model.get("question") })];
    const tools = el("div", { class: "u-tools" }, ...Object.values(this.buttons));
    const said = [this.status, this.remark, this.others];
    this.root.append(el("p", { class: "u-lead" }, ...asked), this.lead, this.field.node, ...said, tools, this.live);
  }

  tell(text) {
    this.live.textContent = text;
  }

  // ---- what the hand does ----

  changed(aloud) {
    this.buttons.commit.disabled = this.field.value() === null;
    if (aloud) this.tell(aloud);
  }

  commit() {
    this.save({ guess: this.field.value() });
    (this.buttons.change.hidden ? this.buttons.again : this.buttons.change).focus({ preventScroll: true });
  }

  startOver() {
    this.field.touched = false;
    this.field.set(null);
    this.save({ guess: null, shown: false });
  }

  // ---- from the state to the page ----

  show() {
    const { guess, shown } = this.state, truth = this.model.get("truth");
    const known = "value" in truth, open = known && (guess !== null || shown);
    this.field.lock(guess !== null || open);
    if (open) this.field.reveal(guess, truth);
    else this.field.hide(guess);
    this.root.classList.toggle("pf-open", open);
    const { commit, change, reveal, again } = this.buttons;
    const wanted = new Set(open ? [again] : guess !== null ? [change] : known ? [commit, reveal] : [commit]);
    for (const node of Object.values(this.buttons)) node.hidden = !wanted.has(node);
    this.lead.hidden = guess !== null && !open;
    this.lead.textContent = open ? `How to read this: ${this.field.read(guess)}` : this.first;
    commit.disabled = this.field.value() === null;
    this.status.textContent = open ? this.verdict(guess, truth) : guess === null ? "" : this.kept(guess);
    this.explain(open, guess, truth);
  }

  kept(guess) {
    return `Kept: ${this.field.say(guess)}. Now run on: what comes out will be drawn here.`;
  }

  verdict(guess, truth) {
    return guess === null ? `No guess this time, no harm done. What came out: ${truth.text}.` : this.field.judge(guess, truth);
  }

  /** What is wrong about this guess, in sight; about others, folded away. */
  explain(open, guess, truth) {
    const note = open && guess !== null ? this.field.note(guess, truth) : undefined, others = open ? this.field.others(guess, truth) : [];
    this.remark.hidden = note === undefined;
    this.remark.replaceChildren(...(note ? this.noteNodes(note) : []));
    this.others.hidden = others.length === 0;
    const line = ([name, text]) => el("li", {}, el("b", { text: `${name}: ` }), ...this.noteNodes(text));
    this.others.lastChild.replaceChildren(...others.map(line));
  }

  noteNodes(note) {
    return noteParts(note).map(({ text, code, heading }) => {
      if (code) return el("code", { text });
      if (!heading) return document.createTextNode(text);
      const link = el("a", { href: `#${heading}`, text });
      this.on(link, "click", (event) => this.follow(event, heading));
      return link;
    });
  }

  /** To the heading, whatever the page made of its name; where there is none, the link does what links do. */
  follow(event, heading) {
    const wanted = slug(decodeURIComponent(heading)), name = (node) => slug(node.textContent.replace(/[¶#]\s*$/, ""));
    const found = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].find((node) => name(node) === wanted);
    if (!found) return;
    event.preventDefault();
    const slide = found.closest(".reveal .slides section");
    if (slide && window.Reveal?.getIndices) {
      const { h, v } = window.Reveal.getIndices(slide);
      window.Reveal.slide(h, v);
    }
    found.scrollIntoView({ block: "start" });
  }

  // ---- the state, in the notebook ----

  load() {
    this.state = this.model.get("state");
    this.saved = JSON.stringify(this.state);
    if (this.state.guess !== null || !this.field.touched) this.field.set(this.state.guess);
    this.show();
  }

  save(change) {
    this.state = { ...this.state, ...change };
    super.save(this.state);
    this.show();
  }

  /** What came out arrives while somebody looks: what stands there counts as the guess, and without one it is simply shown. */
  arrived() {
    if (!("value" in this.model.get("truth"))) return this.show();
    if (this.state.guess === null && this.field.touched && this.field.value() !== null) return this.save({ guess: this.field.value() });
    if (this.state.guess === null) return this.save({ shown: true });
    this.show();
  }
}

async function render({ model, el: place }) {
  return show(place, NAME, async (root, signal) => void new Prediction(model, root, signal));
}

export default { render };
