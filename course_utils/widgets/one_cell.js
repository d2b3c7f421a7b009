// One formula, one cell: the RNN step with every product in sight. One table holds it all: a line for each number that comes in
// (inputs, old states, the 1 of the bias), a column for each unit; a column adds up to the unit's sum, and tanh squashes it.

import { readCell } from "./core.js";
import {
  button,
  bytesOf,
  el,
  HeatMap,
  INK_COLOURS,
  KeptPicture,
  legend,
  show,
  slider,
  spell,
  STATE_COLOURS,
  svg,
  under,
  unpackImages,
  whenQuiet,
} from "./parts.js";

const NAME = "One formula, one cell";
const STAGES = ["The numbers", "Multiply", "Add", "Squash"];
const SAID = [
  "Each number on the left meets the weights in its line.",
  "Multiply: each number on the left times each weight in its line.",
  "Add: all products of a column are one sum.",
  "Squash: the new state is what the function makes of the sum.",
];
const MOST = 12; // products in the sorted list

/**
 * @typedef {Object} Net  one recurrent cell with the sequence it reads
 * @property {number} features
 * @property {number} units
 * @property {number} steps
 * @property {number} lines  features + units + 1
 * @property {"tanh"|"relu"} activation
 * @property {Float64Array} W  W_x, W_h and b below each other: (lines, units)
 * @property {Float64Array} inputs  (steps, features)
 * @property {Float64Array} v  what comes in: x, the old h, and 1: (steps, lines)
 * @property {Float64Array} seen  x W_x, (steps, units), as the three below
 * @property {Float64Array} kept  h before times W_h
 * @property {Float64Array} a  the sum
 * @property {Float64Array} h
 */

/** Room for a cell and all that happens in it. @returns {Net} */
export function makeNet(
  { features, units, steps, activation },
  /** @type {ArrayLike<number>} */ W,
  /** @type {ArrayLike<number>} */ inputs,
) {
  const lines = features + units + 1,
    room = () => new Float64Array(steps * units);
  return {
    features,
    units,
    steps,
    lines,
    activation,
    W: Float64Array.from(W),
    inputs: Float64Array.from(inputs),
    v: new Float64Array(steps * lines),
    seen: room(),
    kept: room(),
    a: room(),
    h: room(),
  };
}

/** All time steps of h = tanh(x W_x + h W_h + b), with the three parts of each sum; h before the first step is 0. */
export function runNet(/** @type {Net} */ net) {
  const { features, units, steps, lines, W, inputs, v, seen, kept, a, h } = net,
    bias = (lines - 1) * units;
  for (let t = 0; t < steps; t++) {
    const at = t * units;
    v.set(inputs.subarray(t * features, (t + 1) * features), t * lines);
    if (t > 0) v.set(h.subarray(at - units, at), t * lines + features);
    v[(t + 1) * lines - 1] = 1;
    addUp(net, t, 0, features, seen);
    addUp(net, t, features, lines - 1, kept);
    for (let j = 0; j < units; j++) a[at + j] = seen[at + j] + kept[at + j] + W[bias + j];
    for (let j = 0; j < units; j++) h[at + j] = squash(net, a[at + j]);
  }
  return net;
}

/** Products of some lines of the table, added up column by column. */
function addUp({ units, lines, W, v }, t, from, to, total) {
  const sums = total.subarray(t * units, (t + 1) * units).fill(0);
  for (let k = from; k < to; k++) {
    const value = v[t * lines + k];
    for (let j = 0; j < units && value !== 0; j++) sums[j] += value * W[k * units + j];
  }
}

export const squash = ({ activation }, a) => (activation === "relu" ? Math.max(0, a) : Math.tanh(a));

/** The same inside a product or a sum: a negative one stands in brackets. */
const factor = (value, places) =>
  value < 0 && spell(value, places) !== "0" ? `(${spell(value, places)})` : spell(value, places);
const letter = (name, below) => el("span", {}, name, el("sub", { text: below }));
const WEIGHTS = [["W", "x"], ["W", "h"], ["b", ""]]; // their letters, by the part of the table
const MOST_TYPED = 9; // a weight, or an input by hand, from -9 to 9

/** What was typed, held between the field's limits; `tell` hears it, and what is to be said. What is no number is not taken. */
function take(input, tell) {
  const value = input.valueAsNumber, low = Number(input.min), high = Number(input.max);
  if (Number.isNaN(value)) return;
  const inside = Math.round(1000 * Math.max(low, Math.min(high, value))) / 1000;
  const beyond = value < low || value > high;
  tell(inside, beyond ? `A number here goes from ${spell(low)} to ${spell(high)}: it is ${spell(inside)} now.` : "");
}

/** A slider and a number field for the same number. */
class Field {
  constructor(name, tell, on) {
    this.title = el("span");
    this.range = el("input", { type: "range", step: "any", "aria-label": `${name}, by slider` });
    this.text = el("input", { type: "number", step: "any", "aria-label": name, class: "oc-number" });
    this.node = el("label", { class: "oc-edit" }, this.title, this.range, this.text);
    for (const input of [this.range, this.text]) on(input, "input", () => this.heard(input, tell));
    on(this.text, "change", () => (this.text.value = String(this.value)));
  }

  /** What is no number is not taken; the field shows the true one when it is left. */
  heard(input, tell) {
    take(input, (value, said) => {
      this.value = value;
      tell(value, said);
    });
  }

  /** The slider ends at `ends`, typing at `limits`. */
  show(title, value, ends, limits, step, fixed = false) {
    this.value = value;
    this.title.textContent = title;
    Object.assign(this.range, { min: ends[0], max: ends[1], disabled: fixed });
    Object.assign(this.text, { min: limits[0], max: limits[1], disabled: fixed });
    this.range.step = step;
    this.text.step = step;
    this.range.value = value;
    setUnlessBusy(this.text, value);
  }
}

/** The curve of tanh with a point for each unit; the chosen one stands on the axis until it is squashed. */
class Curve {
  constructor() {
    this.node = svg("svg", { viewBox: "0 0 280 190", class: "oc-curve", "aria-hidden": "true" });
    this.line = svg("path", { class: "oc-line" });
    this.others = svg("path", { class: "oc-others" });
    this.drops = svg("path", { class: "oc-drops" });
    this.point = svg("circle", { r: 6, class: "oc-point" });
    this.below = svg("text", { y: 184, class: "oc-value", "text-anchor": "middle" });
    this.beside = svg("text", { x: 276, class: "oc-value", "text-anchor": "end" });
    const axes = svg("path", { d: "M10 90H270M140 20V160", class: "oc-axes" });
    const ends = [
      [20, 104, "−4"],
      [256, 104, "4"],
      [146, 28, "1"],
      [146, 160, "−1"],
    ].map(([x, y, text]) => svg("text", { x, y }, text));
    this.node.append(axes, ...ends, this.line, this.others, this.drops, this.point, this.below, this.beside);
  }

  static x = (a) => 140 + 30 * Math.max(-4.3, Math.min(4.3, a));
  static y = (h) => 90 - 66 * Math.max(-1.25, Math.min(1.25, h));

  shape(net) {
    const places = Array.from({ length: 87 }, (_, k) => (k - 43) / 10);
    this.line.setAttribute("d", "M" + places.map((a) => `${Curve.x(a)} ${Curve.y(squash(net, a))}`).join("L"));
  }

  show(net, t, unit, stage, places) {
    const at = t * net.units,
      a = net.a[at + unit],
      h = net.h[at + unit],
      x = Curve.x(a),
      y = stage > 2 ? Curve.y(h) : 90;
    this.point.style.transform = `translate(${x}px, ${y}px)`;
    this.point.style.display = this.below.style.display = stage > 1 ? "" : "none";
    this.drops.setAttribute("d", stage > 2 ? `M${x} 90V${y}H140` : "");
    this.below.setAttribute("x", Math.max(60, Math.min(220, x)));
    this.below.textContent = `sum a = ${spell(a, places)}`;
    this.beside.setAttribute("y", h < 0 ? 130 : 62);
    this.beside.setAttribute("x", a > 0 ? 126 : 276);
    this.beside.textContent = stage > 2 ? `h = ${spell(h, places)}` : "";
    const dot = (j) => `M${Curve.x(net.a[at + j])} ${Curve.y(net.h[at + j])}h0`;
    this.others.setAttribute("d", stage > 2 ? Array.from({ length: net.units }, (_, j) => dot(j)).join("") : "");
  }
}

/** Three units: the table is a table, every number stands in it, and the weights are fields. */
class ToyTable {
  constructor(net, page) {
    Object.assign(this, { net, page });
    this.rows = Array.from({ length: net.lines }, (_, line) => this.buildRow(line));
    this.sums = this.buildTotals("sum a", "oc-sums");
    this.states = this.buildTotals("new state h", "oc-states");
    const heads = Array.from({ length: net.units }, (_, unit) => el("th", { scope: "col" }, this.buildHead(unit)));
    this.heads = heads.map((head) => head.firstChild);
    this.node = el(
      "div",
      { class: "oc-toy" },
      el(
        "table",
        {},
        el("colgroup", {}, el("col", { class: "oc-first-column" }), el("col", { class: "oc-second-column" })),
        el("thead", {}, el("tr", {}, el("th", { scope: "col", colspan: 2, text: "comes in" }), ...heads)),
        el("tbody", {}, ...this.rows.map((row) => row.node)),
        el("tfoot", {}, this.sums.node, this.states.node),
      ),
    );
  }

  buildHead(unit) {
    const head = button(`unit ${unit + 1}`);
    this.page.on(head, "click", () => this.page.choose(this.page.line, unit));
    this.page.on(head, "pointerenter", () => this.page.lookAt(null, unit));
    this.page.on(head, "pointerleave", () => this.page.lookAway());
    return head;
  }

  buildRow(line) {
    const { net, page } = this,
      input = line < net.features ? this.field(page.lineName(line), (value, said) => page.setInput(line, value, said)) : null;
    if (input) page.on(input, "focus", () => page.choose(line, page.unit));
    const value = el("span", { class: "oc-in" }),
      cells = Array.from({ length: net.units }, (_, unit) => this.buildCell(line, unit));
    const head = el(
      "th",
      { scope: "row" },
      [`input ${line + 1} = `, `old state ${line - net.features + 1} = `, "constant = "][page.part(line)],
      input ?? value,
    );
    page.on(head, "pointerenter", () => page.lookAt(line, null));
    page.on(head, "pointerleave", () => page.lookAway());
    const kind = ["oc-x", "oc-h", "oc-b"][page.part(line)],
      first = line === 0 || page.part(line) !== page.part(line - 1);
    const names = first ? [this.buildName(page.part(line), kind)] : [];
    return {
      node: el("tr", { class: `${kind}${first ? " oc-first" : ""}` }, head, ...names, ...cells.map((cell) => cell.node)),
      value,
      input,
      cells,
    };
  }

  /** W_x, W_h or b, beside all the lines that hold it. */
  buildName(part, kind) {
    const { features, units } = this.net;
    return el("th", { scope: "rowgroup", rowspan: [features, units, 1][part], class: `oc-weights ${kind}` }, letter(...WEIGHTS[part]));
  }

  buildCell(line, unit) {
    const { page } = this,
      times = el("span", { class: "oc-times" }),
      product = el("span", { class: "oc-product" });
    const input = this.field(page.weightName(line, unit), (value, said) => page.setWeight(line, unit, value, said));
    page.on(input, "focus", () => page.choose(line, unit));
    const node = el("td", {}, times, input, product);
    page.on(node, "pointerenter", () => page.lookAt(line, unit));
    page.on(node, "pointerleave", () => page.lookAway());
    return { node, times, input, product };
  }

  field(name, tell) {
    const limits = { min: -MOST_TYPED, max: MOST_TYPED };
    const input = el("input", { type: "number", step: "0.1", ...limits, "aria-label": name, class: "oc-number" });
    this.page.on(input, "input", () => take(input, tell));
    this.page.on(input, "blur", () => this.paint());
    return input;
  }

  buildTotals(name, kind) {
    const cells = Array.from({ length: this.net.units }, (_, unit) => {
      const cell = el("td");
      this.page.on(cell, "pointerenter", () => this.page.lookAt(null, unit));
      this.page.on(cell, "pointerleave", () => this.page.lookAway());
      this.page.on(cell, "click", () => this.page.choose(this.page.line, unit));
      return cell;
    });
    return { cells, node: el("tr", { class: kind }, el("th", { scope: "row", colspan: 2, text: name }), ...cells) };
  }

  paint() {
    const { net, page } = this,
      { t, stage } = page,
      at = t * net.units;
    this.rows.forEach(({ value, input, cells }, line) => {
      const v = net.v[t * net.lines + line];
      if (input) setUnlessBusy(input, v);
      else value.textContent = spell(v);
      cells.forEach((cell, unit) => this.paintCell(cell, v, net.W[line * net.units + unit]));
    });
    this.sums.cells.forEach((cell, unit) => (cell.textContent = stage > 1 ? spell(net.a[at + unit]) : ""));
    this.states.cells.forEach((cell, unit) => (cell.textContent = stage > 2 ? spell(net.h[at + unit]) : ""));
  }

  paintCell({ times, input, product }, v, weight) {
    const { stage } = this.page;
    times.textContent = stage > 0 ? "·" : ""; // the number itself stands at the left of the line
    setUnlessBusy(input, weight);
    product.textContent = stage > 0 ? `= ${spell(v * weight)}` : "";
  }

  mark(line, unit) {
    this.rows.forEach(({ node, cells }, k) => {
      node.classList.toggle("oc-on", k === line);
      cells.forEach((cell, j) => cell.node.classList.toggle("oc-on", j === unit));
    });
    for (const { cells } of [this.sums, this.states]) cells.forEach((cell, j) => cell.classList.toggle("oc-on", j === unit));
    this.heads.forEach((head, j) => head.setAttribute("aria-pressed", String(j === this.page.unit)));
  }
}

/** The number in a field, unless somebody is typing there. */
function setUnlessBusy(input, value) {
  if (input.getRootNode().activeElement !== input) input.value = Number(value.toFixed(4));
}

/** The real size: the same table as a map of colours, the products of one unit as bars beside it. */
class RealTable {
  constructor(net, page) {
    Object.assign(this, { net, page, limit: niceLimit(net.W) });
    this.table = new HeatMap(net.lines, net.units, STATE_COLOURS);
    this.come = new HeatMap(net.lines, 1, STATE_COLOURS);
    this.sums = new HeatMap(1, net.units, STATE_COLOURS);
    this.states = new HeatMap(1, net.units, STATE_COLOURS);
    this.shown = new Float64Array(net.lines * net.units);
    this.node = el("div", {
      class: "oc-real",
      style: `--lines: ${net.lines}; --units: ${net.units}; --features: ${net.features}`,
    });
    this.bars = el("canvas", { width: 440, height: 2 * this.height(), "aria-hidden": "true" });
    const ends = [`−${this.limit}`, String(this.limit)],
      key = el(
        "div",
        { class: "oc-key" },
        legend(STATE_COLOURS, ends),
        el("span", { text: "colours: in and h −1…1, a −3…3" }),
      );
    this.node.append(this.buildNames(), this.buildCome(), this.buildTable(), this.buildBars(), ...this.buildTotals(), key);
  }

  /** Pixels of the screen for all lines: at least two a line, six where there is room. */
  height() {
    return Math.max(366, 2.5 * this.net.lines);
  }

  buildNames() {
    const { features, units, lines } = this.net,
      parts = [
        ["oc-x", [`${features} pixels x`, el("br"), "· ", letter("W", "x")], 0, features],
        ["oc-h", [`${units} old states h`, el("br"), "· ", letter("W", "h")], features, units],
        ["oc-b", ["constant 1 · b"], lines - 1, 1],
      ];
    const names = parts.map(([kind, text, from, many]) =>
      el("span", { class: kind, style: `top: ${(100 * from) / lines}%; height: ${(100 * many) / lines}%` }, el("b", {}, ...text)),
    );
    return el("div", { class: "oc-names", "aria-hidden": "true", style: `height: ${this.height()}px` }, ...names);
  }

  buildCome() {
    const field = el(
      "div",
      { class: "u-field oc-come", style: `height: ${this.height()}px` },
      this.come.canvas,
      el("i", { class: "oc-cross-line" }),
    );
    this.page.on(field, "pointermove", (event) => this.page.lookAt(under(event, field, this.net.lines, 1).row, null));
    this.page.on(field, "pointerdown", (event) => this.page.choose(under(event, field, this.net.lines, 1).row, this.page.unit));
    this.page.on(field, "pointerleave", () => this.page.lookAway());
    return el("div", { class: "oc-column" }, el("div", { class: "u-title" }, el("span", { text: "in" })), field);
  }

  buildTable() {
    const { net, page } = this,
      label = `The weights: ${net.lines} numbers that come in, ${net.units} units. Arrow keys choose a weight.`;
    const lines = [net.features, net.lines - 1].map((line) =>
      el("i", { class: "oc-border", style: `top: calc(${(100 * line) / net.lines}% - 1px)` }),
    );
    this.field = el(
      "div",
      {
        class: "u-field oc-table",
        tabindex: "0",
        role: "application",
        "aria-roledescription": "heat map",
        "aria-label": label,
        style: `height: ${this.height()}px`,
      },
      this.table.canvas,
      ...lines,
      el("i", { class: "oc-cross-line" }),
      el("i", { class: "oc-cross-unit" }),
    );
    const place = (event) => under(event, this.field, net.lines, net.units);
    page.on(this.field, "pointermove", (event) => page.lookAt(place(event).row, place(event).column));
    page.on(this.field, "pointerleave", () => page.lookAway());
    page.on(
      this.field,
      "pointerdown",
      (event) => (
        this.field.focus({ preventScroll: true }),
        event.preventDefault(),
        page.choose(place(event).row, place(event).column)
      ),
    );
    page.on(this.field, "keydown", (event) => page.walk(event));
    this.title = el("b");
    return el("div", { class: "oc-column" }, el("div", { class: "u-title" }, this.title), this.field);
  }

  buildBars() {
    this.list = el("ol", { class: "oc-list" });
    this.barField = el(
      "div",
      { class: "u-field oc-bars", style: `height: ${this.height()}px` },
      this.bars,
      el("i", { class: "oc-cross-line" }),
    );
    this.page.on(this.barField, "pointermove", (event) =>
      this.page.lookAt(under(event, this.barField, this.net.lines, 1).row, null),
    );
    this.page.on(this.barField, "pointerleave", () => this.page.lookAway());
    this.page.on(this.barField, "pointerdown", (event) =>
      this.page.choose(under(event, this.barField, this.net.lines, 1).row, this.page.unit),
    );
    this.order = button("sort", {
      "aria-pressed": "false",
      title: "largest first",
      "aria-label": "sort the products, largest first",
    });
    this.page.on(this.order, "click", () => this.page.setOrder(this.page.order === "size" ? "place" : "size"));
    this.barTitle = el("b");
    return el(
      "div",
      { class: "oc-column" },
      el("div", { class: "u-title" }, this.barTitle, this.order),
      this.barField,
      this.list,
    );
  }

  buildTotals() {
    return [
      ["sum a", this.sums, "1"],
      ["new state h", this.states, "2"],
    ].flatMap(([name, map, row]) => {
      const field = el("div", { class: "u-field oc-total" }, map.canvas, el("i", { class: "oc-cross-unit" }));
      this.page.on(field, "pointermove", (event) => this.page.lookAt(null, under(event, field, 1, this.net.units).column));
      this.page.on(field, "pointerleave", () => this.page.lookAway());
      this.page.on(field, "pointerdown", (event) =>
        this.page.choose(this.page.line, under(event, field, 1, this.net.units).column),
      );
      return [el("span", { class: `oc-total-name oc-row-${row}`, text: name }), field];
    });
  }

  paint() {
    const { net, page, shown } = this,
      { t, stage } = page,
      v = net.v.subarray(t * net.lines, (t + 1) * net.lines);
    for (let k = 0, at = 0; k < net.lines; k++)
      for (let j = 0; j < net.units; j++, at++) shown[at] = net.W[at] * (stage > 0 ? v[k] : 1);
    this.table.paint(shown, -this.limit, this.limit);
    this.come.paint(v, -1, 1);
    const blank = new Float64Array(net.units),
      of = (values) => values.subarray(t * net.units, (t + 1) * net.units);
    this.sums.paint(stage > 1 ? of(net.a) : blank, -3, 3);
    this.states.paint(stage > 2 ? of(net.h) : blank, -1, 1);
    this.title.textContent = stage > 0 ? "number · weight" : "the weights";
    this.paintBars();
  }

  paintBars() {
    const { net, page } = this,
      unit = page.seenUnit,
      sorted = page.order === "size" && page.stage > 0;
    this.barTitle.textContent = page.stage > 0 ? `products of unit ${unit + 1}` : `weights of unit ${unit + 1}`;
    this.order.disabled = page.stage === 0;
    this.order.setAttribute("aria-pressed", String(sorted));
    this.barField.hidden = sorted;
    this.list.hidden = !sorted;
    if (sorted) this.paintList(unit);
    else this.paintCanvas(unit);
  }

  paintCanvas(unit) {
    const { net, shown, bars } = this,
      pen = bars.getContext("2d"),
      high = bars.height / net.lines,
      scale = bars.width / 2 / this.limit;
    pen.clearRect(0, 0, bars.width, bars.height);
    for (let k = 0; k < net.lines; k++) {
      const value = shown[k * net.units + unit],
        wide = Math.max(-this.limit, Math.min(this.limit, value)) * scale;
      pen.fillStyle = value > 0 ? "#e08214" : "#8073ac";
      pen.fillRect(bars.width / 2, k * high + 0.1 * high, wide, 0.8 * high);
    }
  }

  /** The dozen that count most, in figures, and what the others come to. */
  paintList(unit) {
    const { net, page, shown } = this,
      value = (k) => shown[k * net.units + unit];
    const order = Array.from({ length: net.lines }, (_, k) => k).sort((a, b) => Math.abs(value(b)) - Math.abs(value(a)));
    const rest = order.slice(MOST).reduce((sum, k) => sum + value(k), 0);
    const name = (k) => [`x ${k + 1}`, `h ${k - net.features + 1}`, "b"][page.part(k)];
    const rows = order.slice(0, MOST).map((k) => this.listed(k, `${name(k)}: ${page.product(k, unit).split(": ")[1]}`, value(k)));
    this.list.replaceChildren(...rows, el("li", { text: `the other ${net.lines - MOST} together ${spell(rest, 3)}` }));
  }

  listed(line, text, value) {
    const width = Math.min(1, Math.abs(value) / this.limit);
    const bar = el("i", {
      style: `width: ${50 * width}%; left: ${value > 0 ? 50 : 50 - 50 * width}%; background: ${value > 0 ? "#e08214" : "#8073ac"}`,
    });
    const node = el("li", {}, el("span", { text }), el("div", { class: "u-track" }, bar));
    node.addEventListener("pointerenter", () => this.page.lookAt(line, null)); // dies with its node
    node.addEventListener("pointerleave", () => this.page.lookAway());
    return node;
  }

  mark(line, unit) {
    this.node.style.setProperty("--line", line ?? -9);
    this.node.style.setProperty("--unit", unit ?? -9);
    if (this.marked !== this.page.seenUnit) this.paintBars();
    this.marked = this.page.seenUnit;
  }
}

/** Where the colours of weights and products end: what 99 of 100 weights stay below, as a round number. */
function niceLimit(W) {
  const sizes = Array.from(W, Math.abs).sort((a, b) => a - b),
    most = sizes[Math.floor(0.99 * (sizes.length - 1))];
  return Math.max(0.1, Math.ceil(10 * most) / 10);
}

class Page extends KeptPicture {
  constructor(model, root, digits, signal) {
    super(model, root, signal, { digits, look: null });
    const { toy } = model.get("spec");
    this.makers = { real: () => this.makeReal(), ...(toy && { toy: () => makeNet(toy, toy.W.flat(), toy.x.flat()) }) };
    this.announceSoon = whenQuiet(() => (this.live.textContent = this.sentence()), 600, signal);
    this.build();
    this.load();
    this.listenToModel();
    signal.addEventListener("abort", () => clearTimeout(this.still));
  }

  makeReal() {
    const { real } = this.model.get("spec"),
      { W_x, W_h, b } = readCell({ kind: "rnn", classes: 0, ...real }, this.model.get("weights"));
    const size = real.steps * real.features,
      images = this.digits.images;
    return makeNet(real, [...W_x, ...W_h, ...b], images.subarray(this.digit * size, (this.digit + 1) * size));
  }

  // ---- words for numbers -------------------------------------------------------------------------------------------

  get places() {
    return this.network === "toy" ? 4 : 3;
  }

  get t() {
    return this.step - 1;
  }

  get seenUnit() {
    return this.look?.unit ?? this.unit;
  }

  /** 0 for a line of x, 1 for one of h, 2 for the bias. */
  part(line) {
    return line < this.net.features ? 0 : line < this.net.lines - 1 ? 1 : 2;
  }

  lineName(line) {
    const { features } = this.net,
      input = this.network === "toy" ? "input" : "pixel";
    return [`${input} ${line + 1}`, `old state ${line - features + 1}`, "the constant 1"][this.part(line)];
  }

  weightName(line, unit) {
    return `${["W_x", "W_h", "b"][this.part(line)]}, from ${this.lineName(line)} to unit ${unit + 1}`;
  }

  /** v · w = p of one place in the table. */
  product(line, unit, t = this.t) {
    const { net, places } = this,
      v = net.v[t * net.lines + line],
      w = net.W[line * net.units + unit];
    return `${this.lineName(line)}: ${spell(v, places)} · ${factor(w, places)} = ${spell(v * w, places)}`;
  }

  /** The present state of affairs in one sentence: the same words as `caption()` in Python. */
  sentence() {
    const { net, unit, step, places } = this,
      at = this.t * net.units + unit,
      n = (value) => spell(value, places);
    const bias = net.W[(net.lines - 1) * net.units + unit];
    return (
      `Step ${step} of ${net.steps}, unit ${unit + 1} of ${net.units}: it sees ${n(net.seen[at])}, remembers ${n(net.kept[at])}, ` +
      `and its bias is ${n(bias)}; ` +
      `together ${n(net.a[at])}. ${net.activation === "relu" ? "ReLU" : "tanh"} makes ${n(net.h[at])} of it.`
    );
  }

  /** Where a weight acts: at every step, on one unit. */
  story(line, unit) {
    const { net } = this,
      steps = Array.from({ length: net.steps }, (_, t) => t);
    const size = (t) => Math.abs(net.v[t * net.lines + line] * net.W[line * net.units + unit]);
    const act = (t) => `step ${t + 1}, ${this.product(line, unit, t)}`;
    const name = this.weightName(line, unit),
      where =
        net.steps < 4
          ? steps.map(act).join("; ")
          : `here, ${act(this.t)}; most at ${act(steps.reduce((best, t) => (size(t) > size(best) ? t : best)))}`;
    return `${name}: the same number at ${net.steps === 2 ? "both" : `all ${net.steps}`} steps (${where}).`;
  }

  // ---- what stands on the page -------------------------------------------------------------------------------------

  build() {
    const lead =
      "One time step, with every number in sight. Press Multiply, then Add, then Squash. " +
      "Then choose a weight in the table, change it with its slider below, and see what follows.";
    const read =
      "How to read this: each line is a number that comes in, each column is a unit. A number meets all the weights in its line; " +
      "a column adds up to one sum. Point at a unit for its sum, at a weight for where it acts.";
    this.place = el("div", { class: "oc-place" });
    this.curve = new Curve();
    this.curveTitle = el("b");
    this.aside = el(
      "div",
      { class: "oc-aside" },
      this.buildDigits(),
      el("div", {}, el("div", { class: "u-title" }, this.curveTitle), this.curve.node),
    );
    this.formula = el("div", { class: "oc-formula" }); // no dl: Lab's own styles for lists are hard to undo
    this.numbers = el("p", { class: "u-numbers oc-story" });
    this.live = el("p", { class: "u-hidden", role: "status", "aria-live": "polite" });
    this.root.append(
      el("p", { class: "u-lead", text: lead }),
      el("p", { class: "u-how", text: read }),
      this.buildTools(),
      this.buildStages(),
      el(
        "div",
        { class: "oc-grid" },
        this.place,
        this.aside,
        this.buildEditor(),
        el("div", { class: "oc-words" }, this.numbers, this.formula),
      ),
      this.live,
      el("p", { class: "u-about", text: this.model.get("about") }),
    );
    this.buildFormula();
  }

  buildTools() {
    this.stepSlider = slider({ name: "Time step", min: 1, max: 2, say: (step) => `${step} of ${this.net.steps}` });
    this.on(this.stepSlider.input, "input", () => this.setStep(this.stepSlider.get()));
    const names = { toy: "three units, by hand", real: this.model.get("spec").real.name };
    const group = `network-${Math.random().toString(36).slice(2)}`; // radios of two pictures on a page stay apart
    this.radios = Object.keys(names)
      .filter((name) => this.makers[name])
      .map((name) => {
        const input = el("input", { type: "radio", name: group, value: name });
        this.on(input, "change", () => this.setNetwork(name));
        return input;
      });
    const choice = el(
      "span",
      { class: "u-choices", role: "group", "aria-label": "Which cell" },
      ...this.radios.map((input) => el("label", { class: "u-choice" }, input, names[input.value])),
    );
    choice.hidden = this.radios.length < 2;
    return el("div", { class: "u-tools oc-tools" }, choice, this.stepSlider.node);
  }

  buildDigits() {
    this.map = new HeatMap(28, 28, INK_COLOURS);
    this.picks = Array.from(this.digits.labels, (label, digit) => {
      const pick = button(String(label), { "aria-label": `read the ${label}` });
      this.on(pick, "click", () => this.setDigit(digit));
      return pick;
    });
    const group = el(
      "span",
      { role: "group", "aria-label": "Pick a digit", class: "oc-picks" },
      ...(this.picks.length > 1 ? this.picks : []),
    );
    this.digitPlace = el(
      "div",
      { class: "oc-digit u-probing", style: "--rows: 28" },
      el("div", { class: "u-field" }, this.map.canvas, el("i", { class: "u-row" })),
      group,
    );
    return this.digitPlace;
  }

  buildStages() {
    this.stages = STAGES.map((name, stage) => {
      const press = button(name, { "aria-pressed": "false" });
      this.on(press, "click", () => this.setStage(stage));
      return press;
    });
    this.said = el("span");
    return el(
      "div",
      { class: "u-tools oc-stages" },
      el("span", { role: "group", "aria-label": "Step through the formula" }, ...this.stages),
      this.said,
    );
  }

  /** Five lines: what it sees, what it remembers, a constant, their sum, the squash. */
  buildFormula() {
    const names = [
      ["oc-x", "what it sees", [letter("x", "t"), " ", letter("W", "x")]],
      ["oc-h", "what it remembers", [letter("h", "t−1"), " ", letter("W", "h")]],
      ["oc-b", "a constant", ["b"]],
      ["", "the sum", ["a"]],
      ["", "the new state", [letter("h", "t")]],
    ];
    this.terms = names.map(([kind, words, letters]) => {
      const terms = el("span", { class: "oc-term" });
      this.formula.append(el("span", { class: `oc-name ${kind}` }, `${words}  `, ...letters), terms);
      return terms;
    });
  }

  buildEditor() {
    this.inputField = new Field("the number that comes in", (value, said) => this.setInput(this.line, value, said), this.on);
    this.weightField = new Field("the weight", (value, said) => this.setWeight(this.line, this.unit, value, said), this.on);
    const back = button("Put all numbers back");
    this.on(back, "click", () => this.putBack());
    this.editor = el("legend");
    this.limits = el("p", { class: "oc-limits", role: "alert" });
    const fields = el("div", { class: "oc-fields" }, this.inputField.node, this.weightField.node, back);
    return el("fieldset", { class: "u-force oc-editor" }, this.editor, fields, this.limits);
  }

  // ---- what the hand does ------------------------------------------------------------------------------------------

  choose(line, unit) {
    Object.assign(this, { line, unit, look: null });
    this.limits.textContent = "";
    this.showChoice();
    this.settled();
  }

  /** Pointing looks, and leaves the choice as it is: null stands for what is chosen. */
  lookAt(line, unit) {
    if (this.look?.line === line && this.look?.unit === unit) return;
    this.look = { line, unit };
    this.showUnit();
  }

  lookAway() {
    this.look = null;
    this.showUnit();
  }

  walk(event) {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [];
    if (down === undefined) return;
    event.preventDefault();
    const inside = (value, size) => Math.max(0, Math.min(size - 1, value));
    this.choose(inside(this.line + down, this.net.lines), inside(this.unit + right, this.net.units));
  }

  setStep(step) {
    this.step = step;
    this.glide(() => this.show());
    this.settled();
  }

  setStage(stage) {
    this.stage = stage;
    this.glide(() => this.show());
    this.settled();
  }

  setOrder(order) {
    this.order = order;
    this.table.paint();
    this.settled();
  }

  setNetwork(network) {
    Object.assign(this, {
      network,
      step: network === "toy" ? 2 : 15,
      line: network === "toy" ? 1 : 13,
      unit: 0,
      edits: [],
    });
    this.open();
    this.settled();
  }

  setDigit(digit) {
    this.digit = digit;
    this.edits = this.edits.filter(([kind]) => kind === "W"); // what was drawn into the other digit goes with it
    this.open();
    this.settled();
  }

  setInput(line, value, said) {
    this.edit(["x", this.step, line + 1, value], said);
  }

  setWeight(line, unit, value, said) {
    this.edit(["W", line + 1, unit + 1, value], said);
  }

  /** `said` tells when another number was typed than is taken. */
  edit(edit, said) {
    this.limits.textContent = said;
    const same = (other) => other[0] === edit[0] && other[1] === edit[1] && other[2] === edit[2];
    this.edits = [...this.edits.filter((other) => !same(other)), edit];
    this.apply(edit);
    runNet(this.net);
    this.show();
    this.settled();
  }

  apply([kind, first, second, value]) {
    const { net } = this;
    if (kind === "W") net.W[(first - 1) * net.units + second - 1] = value;
    else net.inputs[(first - 1) * net.features + second - 1] = value;
  }

  putBack() {
    this.edits = [];
    this.open();
    this.settled();
  }

  settled() {
    this.saveSoon();
    this.announceSoon();
  }

  // ---- from the change to the page ---------------------------------------------------------------------------------

  /** A cell as it was given, with the changes made by hand: a new table. */
  open() {
    this.net = this.makers[this.network]();
    this.edits.forEach((edit) => this.apply(edit));
    this.limits.textContent = "";
    runNet(this.net);
    this.table = new (this.network === "toy" ? ToyTable : RealTable)(this.net, this);
    this.place.replaceChildren(this.table.node);
    this.curve.shape(this.net);
    this.curveTitle.textContent =
      this.net.activation === "relu" ? "ReLU: from the sum to the state" : "tanh: from the sum to the state";
    this.stepSlider.input.max = this.net.steps;
    for (const input of this.radios) input.checked = input.value === this.network;
    this.root.classList.toggle("oc-is-toy", this.network === "toy");
    this.picks.forEach((pick, digit) => pick.setAttribute("aria-pressed", String(digit === this.digit)));
    this.show();
  }

  /** The point moves when another unit, step or stage is shown; it follows a hand that changes a number at once. */
  glide(change) {
    this.root.classList.add("oc-glide");
    change();
    clearTimeout(this.still);
    this.still = setTimeout(() => this.root.classList.remove("oc-glide"), 300);
  }

  show() {
    const { net } = this;
    this.stepSlider.set(this.step);
    this.stages.forEach((press, stage) => press.setAttribute("aria-pressed", String(stage === this.stage)));
    this.said.textContent = SAID[this.stage].replace("the function", net.activation === "relu" ? "ReLU" : "tanh");
    if (this.network === "real") this.map.paint(net.inputs, 0, 1);
    this.digitPlace.style.setProperty("--probe", this.step);
    this.table.paint();
    this.showChoice();
  }

  showChoice() {
    this.showEditor();
    this.showUnit();
  }

  showUnit() {
    const line = this.look ? this.look.line : this.line,
      unit = this.look ? this.look.unit : this.unit;
    this.table.mark(line, unit);
    this.curve.show(this.net, this.t, this.seenUnit, this.stage, this.places);
    this.showTerms(this.seenUnit);
    this.numbers.textContent = line === null ? `Unit ${this.seenUnit + 1}, step ${this.step}.` : this.story(line, this.seenUnit);
  }

  showTerms(unit) {
    const { net, stage } = this,
      at = this.t * net.units + unit,
      n = (value) => spell(value, this.places);
    const bias = net.W[(net.lines - 1) * net.units + unit],
      parts = [net.seen[at], net.kept[at], bias],
      result = (value) => (stage > 1 ? ` = ${n(value)}` : "");
    const sum = parts.map((value) => factor(value, this.places)).join(" + ");
    this.terms[0].textContent = this.products(0, net.features, unit) + result(net.seen[at]);
    this.terms[1].textContent = this.products(net.features, net.lines - 1, unit) + result(net.kept[at]);
    this.terms[2].textContent = n(bias);
    this.terms[3].textContent = stage > 1 ? `${sum} = ${n(net.a[at])}` : "";
    this.terms[4].textContent =
      stage > 2 ? `${net.activation === "relu" ? "max(0, " : "tanh("}${n(net.a[at])}) = ${n(net.h[at])}` : "";
  }

  /** All products where there are few; how many, and the largest, where there are many. */
  products(from, to, unit) {
    const { net, stage, places } = this,
      v = (k) => net.v[this.t * net.lines + k],
      w = (k) => net.W[k * net.units + unit];
    const all = Array.from({ length: to - from }, (_, k) => from + k);
    if (all.length <= 4) {
      const pairs = all.map((k) => `${factor(v(k), places)} · ${factor(w(k), places)}`).join(" + ");
      return pairs + (stage > 0 ? ` = ${all.map((k) => factor(v(k) * w(k), places)).join(" + ")}` : "");
    }
    const largest = all.reduce((best, k) => (Math.abs(v(k) * w(k)) > Math.abs(v(best) * w(best)) ? k : best));
    return (
      `${all.length} products, ${all.filter((k) => v(k) !== 0).length} of them not 0` +
      (stage > 0 ? `; the largest, ${this.product(largest, unit)}` : "") +
      (stage > 1 ? "; the sum" : "")
    );
  }

  showEditor() {
    const { net, line, unit } = this,
      toy = this.network === "toy",
      limit = toy ? 3 : Math.max(1, Math.ceil(2 * (this.table.limit ?? 1)));
    const value = net.v[this.t * net.lines + line],
      weight = net.W[line * net.units + unit],
      own = line < net.features;
    const why = own
      ? ""
      : this.part(line) === 1
        ? this.step === 1
          ? " (0 before the first step)"
          : " (computed in the step before)"
        : " (always)";
    const low = own && !toy ? 0 : Math.min(-limit, Math.floor(value)),
      high = own && !toy ? 1 : Math.max(limit, Math.ceil(value));
    const typed = [-MOST_TYPED, MOST_TYPED];
    const ends = [Math.min(-limit, Math.floor(weight)), Math.max(limit, Math.ceil(weight))];
    this.editor.textContent = `Chosen: ${this.lineName(line)} and its weight to unit ${unit + 1}. Click in the table to choose others.`;
    const name = `${this.lineName(line)} at step ${this.step}${why}`;
    this.inputField.show(name, value, [low, high], own && !toy ? [0, 1] : typed, toy ? 0.1 : 0.01, !own);
    this.weightField.show(this.weightName(line, unit), weight, ends, typed, toy ? 0.1 : 0.01);
  }

  // ---- the exact state, in the notebook ----------------------------------------------------------------------------

  load() {
    const state = this.model.get("state");
    this.saved = JSON.stringify(state);
    const { network, step, unit, line, stage, digit, order, edits } = state;
    Object.assign(this, { network, step, unit: unit - 1, line: line - 1, stage, digit, order, edits, look: null });
    this.open();
  }

  state() {
    const { network, step, unit, line, stage, digit, order, edits } = this;
    return { network, step, unit: unit + 1, line: line + 1, stage, digit, order, edits };
  }
}

async function render({ model, el: place }) {
  return show(place, NAME, async (root, signal) => {
    const images = await unpackImages(model.get("images"));
    new Page(model, root, { images, labels: bytesOf(model.get("labels")) }, signal);
  });
}

export default { render };
