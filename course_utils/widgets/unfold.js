// Fold and unfold: one handle from the loop to the chain of copies; time steps and units apart; one weight with a thread to every
// copy, and one gradient, the sum of what the copies say.

import { argmax, makeTrace, readCell, run } from "./core.js";
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

const NAME = "Fold and unfold";
const MOST_UNITS = 128;
const ROWS = 28;
// The picture from top to bottom, in pixels: shares, states, rows, then room for the threads.
const SHARE = { top: 0, high: 72 },
  STATE = { top: 92, high: 96 },
  INPUT = { top: 220, high: 96 },
  THREADS = { top: 338, high: 62 };
const HANDLE = 30; // how wide it is; it stands beside the last copy
const LEADS = {
  loop: "A recurrent cell is a loop. Pull the handle to the right and it unfolds: one copy of the cell for each row of the digit.",
  chain: "The loop, unfolded: one copy of the cell for each row of the digit. Push the handle back to the left and it is a loop again.",
  sum: "Each bar is one copy's share of the gradient of one weight. The shares add up to the gradient, below the picture.",
};
const QUESTIONS = { same: "Is the weight another one at each step?", sizes: "Units or time steps?", sum: "Why one gradient?" };

/** Numbers from -1 to 1 that look like chance and are the same everywhere: mulberry32 (T. Ettinger), a counter stirred. */
export function chance(/** @type {number} */ seed, /** @type {number} */ count) {
  return new Float64Array(count).map((_, k) => {
    const a = (seed + Math.imul(k + 1, 0x6d2b79f5)) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2147483648 - 1;
  });
}

/** A cell that nobody trained: sizes of Glorot and Bengio (2010); W_h keeps a state about as long as it is. */
export function randomCell({ features, classes, activation }, /** @type {number} */ units) {
  const numbers = chance(units, features * units + units * units + units * classes);
  const cut = (from, size, scale) => new Float32Array(numbers.subarray(from, from + size).map((number) => scale * number));
  const x = features * units,
    h = x + units * units,
    glorot = (a, b) => Math.sqrt(6 / (a + b));
  return {
    kind: "rnn",
    features,
    units,
    classes,
    activation,
    b: new Float32Array(units),
    b_y: new Float32Array(classes),
    W_x: cut(0, x, glorot(features, units)),
    W_h: cut(x, units * units, Math.sqrt(3 / units)),
    W_y: cut(h, units * classes, glorot(units, classes)),
  };
}

/**
 * How the loss after the last copy feels a push on each copy's sum: dL/da, (steps, units), by backpropagation through time.
 * A weight's share in a copy is what it meets there times this number; its gradient is the sum of the shares.
 */
export function backThroughTime(cell, trace, /** @type {number} */ label) {
  const { units, classes, W_h, W_y } = cell,
    { steps, h, p } = trace,
    da = new Float64Array(steps * units),
    dh = new Float64Array(units);
  for (let k = 0; k < classes; k++) {
    const dz = p[(steps - 1) * classes + k] - (k === label ? 1 : 0);
    for (let u = 0; u < units; u++) dh[u] += dz * W_y[u * classes + k];
  }
  for (let t = steps - 1; t >= 0; t--) {
    const now = da.subarray(t * units, (t + 1) * units);
    for (let u = 0; u < units; u++) now[u] = dh[u] * slope(cell, h[t * units + u]);
    for (let u = 0; u < units; u++) dh[u] = dot(now, W_h, u * units);
  }
  return da;
}

const slope = ({ activation }, h) => (activation === "relu" ? (h > 0 ? 1 : 0) : 1 - h * h);
const dot = (a, b, from) => a.reduce((sum, value, k) => sum + value * b[from + k], 0);

const rowsRead = (steps) => (Number(steps) === ROWS ? `all ${ROWS} rows` : `${steps} ${Number(steps) === 1 ? "row" : "rows"}, from the middle`);

/** A small number as 2.9 · 10⁻⁵, others with four places. */
const written = (value) => {
  if (value === 0 || Math.abs(value) >= 0.001) return spell(value, 4);
  const [digits, power] = value.toExponential(1).split("e-");
  return `${digits.replace("-", "−")} · 10⁻${[...power].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("")}`;
};
const bracket = (value) => (value < 0 ? `(${written(value)})` : written(value));
/** The place of the largest number, whatever its sign, between two places. */
const largest = (values, from, to) => from + argmax(values.slice(from, to).map(Math.abs));
const whole = (value) => value.toLocaleString("en-US");

class Chain extends KeptPicture {
  constructor(model, root, digits, signal) {
    super(model, root, signal, { digits, wide: 600, look: null });
    this.given = readCell(model.get("spec"), model.get("weights"));
    this.announceSoon = whenQuiet(() => (this.live.textContent = `${this.sentence()} ${this.answer.textContent}`), 600, signal);
    this.build();
    this.watchWidth();
    this.load();
    this.listenToModel();
  }

  // ---- what stands on the page -------------------------------------------------------------------------------------

  build() {
    const read =
      "How to read this: below each copy stands the row it reads (blue frame). Each row stands on end, " +
      "so the digit lies on its side. In the copy stands its state, one box for each unit (ochre frame). The weights are drawn once, at the bottom; threads lead from the chosen weight " +
      "to every place where it is used. Press on the weights to choose another.";
    this.answer = el("p", { class: "uf-answer" });
    this.live = el("p", { class: "u-hidden", role: "status", "aria-live": "polite" });
    this.root.append(
      (this.lead = el("p", { class: "u-lead" })),
      el("p", { class: "u-how", text: read }),
      this.buildTools(),
      el("div", { class: "uf-scene" }, this.buildDigit(), this.buildChain()),
      (this.said = el("p", { class: "uf-said" })),
      this.buildCounts(),
      this.buildQuestions(),
      this.answer,
      this.live,
      el("p", { class: "u-about", text: this.model.get("about") }),
    );
  }

  buildTools() {
    this.fold = slider({
      name: "Loop … chain",
      min: 0,
      max: 1,
      step: 0.01,
      say: (fold) => (Number(fold) === 0 ? "folded" : Number(fold) === 1 ? "unfolded" : "between"),
    });
    this.stepSlider = slider({ name: "Time steps", min: 1, max: ROWS, say: rowsRead });
    this.unitSlider = slider({ name: "Units", min: 1, max: MOST_UNITS });
    this.on(this.fold.input, "input", () => this.setFold(this.fold.get()));
    this.on(this.stepSlider.input, "input", () => this.setSteps(this.stepSlider.get()));
    this.on(this.unitSlider.input, "input", () => this.setUnits(this.unitSlider.get()));
    this.turn = button("Unfold");
    this.on(this.turn, "click", () => this.glide(this.foldAt < 0.5 ? 1 : 0));
    return el(
      "div",
      { class: "uf-tools" },
      el("div", { class: "uf-fold" }, this.fold.node, this.turn),
      this.stepSlider.node,
      this.unitSlider.node,
      (this.total = el("b", { class: "uf-total" })),
    );
  }

  buildDigit() {
    this.map = new HeatMap(ROWS, this.given.features, INK_COLOURS);
    const field = el(
      "div",
      { class: "u-field uf-digit", style: `--rows: ${ROWS}` },
      this.map.canvas,
      el("i", { class: "u-veil" }),
      el("i", { class: "u-veil uf-above" }),
      el("i", { class: "u-row" }),
    );
    this.digitField = field;
    this.on(field, "pointermove", (event) =>
      this.lookAt(Math.max(1, Math.min(this.steps, under(event, field, ROWS, 1).row + 1 - this.above))),
    );
    this.on(field, "pointerleave", () => this.lookAt(null));
    this.picks = Array.from(this.digits.labels, (label, digit) => {
      const pick = button(String(label), { "aria-label": `read the ${label}` });
      this.on(pick, "click", () => this.setDigit(digit));
      return pick;
    });
    const group = el(
      "div",
      { role: "group", "aria-label": "Pick a digit", class: "uf-picks" },
      ...(this.picks.length > 1 ? this.picks : []),
    );
    return el("div", { class: "uf-left" }, el("div", { class: "u-title" }, el("b", { text: "digit" })), field, group);
  }

  buildChain() {
    this.copies = Array.from({ length: ROWS }, (_, t) => this.buildCopy(t));
    this.lines = svg("svg", { class: "uf-lines", "aria-hidden": "true" });
    for (const name of ["arrows", "loop", "links", "threads", "bright"])
      this.lines.append((this[name] = svg("path", { class: `uf-${name}` })));
    this.names = [
      ["h", STATE.top + 38],
      ["x", INPUT.top + 38],
    ].map(([name, top]) => el("span", { class: "uf-letter", style: `top: ${top}px` }, name, el("sub", { text: "t" })));
    const beside = (text, top) => el("span", { class: "uf-beside", style: `top: ${top}px` }, text);
    this.zero = beside("0", SHARE.top);
    this.zero.classList.add("uf-zero");
    this.handle = el("div", { class: "uf-handle", "aria-hidden": "true", text: "↔" }); // the slider above does the same for keys
    this.chain = el(
      "div",
      {
        class: "uf-chain",
        tabindex: "0",
        role: "application",
        "aria-roledescription": "chain of copies",
        "aria-label": "The copies of the cell. Arrow keys choose a copy.",
      },
      ...this.copies.map((copy) => copy.node),
      ...this.names,
      this.zero,
      beside("row", INPUT.top + INPUT.high),
      this.lines,
      this.handle,
    );
    this.on(this.handle, "pointerdown", (event) => this.grasp(event));
    this.on(this.handle, "pointermove", (event) => this.pull(event));
    for (const name of ["pointerup", "pointercancel"]) this.on(this.handle, name, () => (this.held = null));
    this.on(this.chain, "pointermove", (event) => this.held || this.lookAt(this.copyUnder(event)));
    this.on(this.chain, "pointerleave", () => this.lookAt(null));
    this.on(this.chain, "keydown", (event) => this.walk(event));
    this.shareTitle = el("b");
    this.head = el("span");
    return el(
      "div",
      { class: "uf-right" },
      el("div", { class: "u-title uf-top" }, this.shareTitle, this.head),
      this.chain,
      this.buildStore(),
    );
  }

  buildCopy(t) {
    const row = new HeatMap(this.given.features, 1, INK_COLOURS),
      share = el("i", { class: "uf-share" });
    const at = ({ top, high }) => `top: ${top}px; height: ${high}px`;
    const states = new HeatMap(this.given.units, 1, STATE_COLOURS),
      state = el("div", { class: "uf-state", style: at(STATE) }, states.canvas),
      input = el("div", { class: "uf-input", style: at(INPUT) }, row.canvas);
    const track = el("div", { class: "uf-track", style: at(SHARE) }, share),
      name = el("span", { class: "uf-name", style: `top: ${INPUT.top + INPUT.high}px` });
    return { row, share, states, name, node: el("div", { class: "uf-copy", style: `z-index: ${t}` }, track, state, input, name) };
  }

  buildStore() {
    const group = `weight-${Math.random().toString(36).slice(2)}`; // radios of two pictures on a page stay apart
    this.store = {};
    const boxes = [
      ["W_x", "from pixels to units"],
      ["W_h", "from units to units"],
      ["b", "one for each unit"],
    ].map(([name, what]) => {
      const radio = el("input", { type: "radio", name: group, value: name, "aria-label": `${name}, ${what}` });
      this.on(radio, "change", () => this.pick(this.largeWeight(name)));
      const title = el("span"),
        field = el("div", {
          class: `u-field uf-weights uf-${name}`,
          tabindex: "0",
          role: "application",
          "aria-roledescription": "heat map",
          "aria-label": `${name}, ${what}. Arrow keys choose a weight.`,
        });
      this.on(field, "pointerdown", (event) => this.press(event, name, field));
      this.on(field, "pointermove", (event) => event.buttons === 1 && this.press(event, name, field));
      this.on(field, "keydown", (event) => this.step(event, name));
      const map = new HeatMap(1, 1, STATE_COLOURS), mark = el("i", { class: "uf-mark" });
      field.append(map.canvas, mark);
      this.store[name] = { radio, field, title, map, mark };
      return el("div", { class: "uf-box" }, el("label", { class: "u-choice" }, radio, el("b", { text: name }), title), field);
    });
    this.storeNode = el(
      "div",
      { class: "uf-store", role: "group", "aria-label": "The weights" },
      ...boxes,
      (this.key = el("div", { class: "uf-key" })),
    );
    return this.storeNode;
  }

  buildCounts() {
    this.count = el("p", { class: "uf-count" });
    this.unshared = el("p", { class: "u-note" });
    return el("div", { class: "uf-counts" }, this.count, this.unshared);
  }

  buildQuestions() {
    const asks = Object.entries(QUESTIONS).map(([key, text]) => {
      const ask = button(text);
      this.on(ask, "click", () => this.ask(key));
      return ask;
    });
    this.asks = asks;
    return el(
      "div",
      { class: "u-tools uf-asks", role: "group", "aria-label": "Questions" },
      el("span", { text: "Ask:" }),
      ...asks,
    );
  }

  // ---- what the hand does ------------------------------------------------------------------------------------------

  setFold(fold) {
    this.foldAt = Math.max(0, Math.min(1, Math.round(100 * fold) / 100));
    this.place();
    this.settled();
  }

  /** Fold or unfold at the press of a button, in a quarter of a second; at once where motion is not wanted. */
  glide(goal) {
    const start = performance.now(),
      from = this.foldAt,
      time = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 250;
    const frame = (now) => {
      const done = time === 0 ? 1 : Math.min(1, Math.max(0, (now - start) / time));
      if (this.signal.aborted) return;
      this.setFold(done === 1 ? goal : from + (goal - from) * done);
      if (done < 1) requestAnimationFrame(frame);
    };
    frame(start + (time === 0 ? 1 : 0));
  }

  grasp(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.handle.setPointerCapture(event.pointerId);
    this.held = { x: event.clientX, fold: this.foldAt, scale: this.chain.getBoundingClientRect().width / this.wide };
  }

  pull(event) {
    if (this.held) this.setFold(this.held.fold + (event.clientX - this.held.x) / this.held.scale / Math.max(1, this.reach));
  }

  setSteps(steps) {
    this.steps = steps;
    this.counted = true; // who moves the slider looks for the number of time steps in the count
    this.copy = Math.min(this.copy, steps);
    this.compute();
    this.settled();
  }

  setUnits(units) {
    this.units = units;
    const [name, row, column] = this.weight;
    this.weight = [name, name === "W_h" ? Math.min(row, units) : row, Math.min(column, units)];
    this.resize();
    this.compute();
    this.settled();
  }

  setDigit(digit) {
    this.digit = digit;
    this.compute();
    this.settled();
  }

  pick(weight) {
    this.weight = weight;
    this.show();
    this.settled();
  }

  press(event, name, field) {
    event.preventDefault();
    field.focus({ preventScroll: true });
    const [rows, columns] = this.shape(name),
      { row, column } = under(event, field, rows, columns);
    this.pick([name, row + 1, column + 1]);
  }

  step(event, name) {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [];
    if (down === undefined) return;
    event.preventDefault();
    const [, row, column] = this.weight[0] === name ? this.weight : [name, 1, 1],
      [rows, columns] = this.shape(name);
    this.pick([name, Math.max(1, Math.min(rows, row + down)), Math.max(1, Math.min(columns, column + right))]);
  }

  walk(event) {
    const right = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (right === undefined) return;
    event.preventDefault();
    this.copy = Math.max(1, Math.min(this.steps, this.copy + right));
    this.look = null;
    this.showCopy();
    this.live.textContent = this.said.textContent;
    this.saveSoon();
  }

  /** A weight that does much: the largest one, of W_x the largest of the pixel in the middle. */
  largeWeight(name) {
    const { units } = this,
      from = name === "W_x" ? 13 * units : 0;
    const place = largest(this.cell[name], from, name === "W_x" ? from + units : Infinity);
    return [name, Math.floor(place / units) + 1, (place % units) + 1];
  }

  /** Pointing at a copy or a row looks at it; null goes back to the one that was chosen by keys. */
  lookAt(copy) {
    if (copy === this.look) return;
    this.look = copy;
    this.showCopy();
  }

  copyUnder(event) {
    const box = this.chain.getBoundingClientRect(),
      x = ((event.clientX - box.left) / box.width) * this.wide;
    if (this.foldAt * this.reach < 1) return null; // a pile: the chosen one lies on top
    const place = Math.round((x - this.start - this.broad / 2) / ((this.foldAt * this.reach) / Math.max(1, this.steps - 1)));
    return Math.max(1, Math.min(this.steps, place + 1));
  }

  ask(key) {
    this.asked = key;
    if (key !== "sizes" && this.foldAt < 1) this.glide(1);
    this.showAnswer();
    this.showCopy();
    this.settled();
  }

  settled() {
    this.saveSoon();
    this.announceSoon();
  }

  // ---- from the change to the page ---------------------------------------------------------------------------------

  /** Rows and columns of a weight. */
  shape(name) {
    return { W_x: [this.given.features, this.units], W_h: [this.units, this.units], b: [1, this.units] }[name];
  }

  /** The maps that depend on the number of units get another size. */
  resize() {
    this.cell = this.units === this.given.units ? this.given : randomCell(this.given, this.units);
    for (const { states } of this.copies) states.resize(this.units, 1);
    const sizes = new Float32Array([...this.cell.W_x, ...this.cell.W_h]).map(Math.abs).sort(),
      limit = Math.ceil(10 * sizes[Math.floor(0.99 * (sizes.length - 1))]) / 10;
    for (const [name, { map, title }] of Object.entries(this.store)) {
      const [rows, columns] = this.shape(name);
      map.resize(rows, columns);
      map.paint(this.cell[name], -limit, limit);
      title.textContent = name === "b" ? `${columns}` : `${rows} × ${columns}`;
    }
    this.key.replaceChildren(legend(STATE_COLOURS, [`−${limit}`, String(limit)]));
  }

  compute() {
    const { cell, steps } = this,
      size = ROWS * cell.features,
      whole = this.digits.images.subarray(this.digit * size, (this.digit + 1) * size);
    this.above = Math.floor((ROWS - steps) / 2); // few steps read the middle of the digit: its first rows are blank
    const image = (this.image = whole.subarray(this.above * cell.features, (this.above + steps) * cell.features));
    this.trace = run(cell, image, makeTrace(cell, steps));
    this.da = backThroughTime(cell, this.trace, this.digits.labels[this.digit]);
    this.map.paint(whole, 0, 1);
    this.copies.forEach(({ node, row, states, name }, t) => {
      node.hidden = t >= steps;
      if (t >= steps) return;
      row.paint(image.subarray(t * cell.features, (t + 1) * cell.features), 0, 1);
      states.paint(this.trace.h.subarray(t * cell.units, (t + 1) * cell.units), -1, 1);
      name.textContent = this.above + t + 1;
    });
    this.digitField.style.setProperty("--row", this.above + steps);
    this.digitField.style.setProperty("--above", this.above);
    this.picks.forEach((pick, digit) => pick.setAttribute("aria-pressed", String(digit === this.digit)));
    this.show();
  }

  /** What the chosen weight meets in copy t, from 0: a pixel, a unit's old state, or the 1 of the bias. */
  meets(t, [name, row] = this.weight) {
    if (name === "b") return 1;
    return name === "W_x"
      ? this.image[t * this.cell.features + row - 1]
      : t === 0
        ? 0
        : this.trace.h[(t - 1) * this.units + row - 1];
  }

  /** Its part of the gradient in each copy. */
  shares() {
    return Array.from({ length: this.steps }, (_, t) => this.meets(t) * this.da[t * this.units + this.weight[2] - 1]);
  }

  value() {
    const [name, row, column] = this.weight;
    return this.cell[name][(row - 1) * this.units + column - 1];
  }

  weightName() {
    const [name, row, column] = this.weight;
    return name === "b" ? `b of unit ${column}` : `${name} from ${name === "W_x" ? "pixel" : "unit"} ${row} to unit ${column}`;
  }

  show() {
    this.gradients = this.shares();
    this.stepSlider.set(this.steps);
    this.unitSlider.set(this.units);
    this.showShares();
    this.showStore();
    this.showCounts();
    this.showHead();
    this.place();
    this.showAnswer();
  }

  /** Bars that take all the height: the line of 0 stands where the largest ones up and down find room. */
  showShares() {
    const up = Math.max(0, ...this.gradients),
      high = up - Math.min(0, ...this.gradients),
      zero = high ? up / high : 0.5;
    this.gradients.forEach((share, t) => {
      const bar = this.copies[t].share,
        part = Math.abs(share) / (high || 1);
      bar.style.height = `${100 * part}%`;
      bar.style.top = `${100 * (share > 0 ? zero - part : zero)}%`;
      bar.classList.toggle("uf-below", share < 0);
    });
    this.chain.style.setProperty("--zero", zero);
    this.zero.style.top = `${SHARE.top + zero * SHARE.high}px`;
    const tallest = largest(this.gradients, 0, this.steps);
    this.shareTitle.textContent = `shares of the gradient, longest ${written(this.gradients[tallest])}`;
  }

  showStore() {
    const [name, row, column] = this.weight;
    for (const [other, { radio, mark, field }] of Object.entries(this.store)) {
      const [rows, columns] = this.shape(other);
      radio.checked = other === name;
      mark.hidden = other !== name;
      field.classList.toggle("uf-chosen", other === name);
      const place = { left: (column - 1) / columns, top: (row - 1) / rows, width: 1 / columns, height: 1 / rows };
      for (const [side, part] of Object.entries(place)) mark.style[side] = `${100 * part}%`;
    }
    this.root.dataset.weight = name;
  }

  showHead() {
    const { classes } = this.cell,
      start = (this.steps - 1) * classes,
      said = argmax(this.trace.p, start, start + classes);
    const own = this.units === this.given.units ? "answer" : "untrained answer";
    this.head.textContent = `${own}: ${said} (${(100 * this.trace.p[start + said]).toFixed(0)}%)`;
  }

  showCounts() {
    const { features, classes, units } = this.cell,
      step = features * units + units * units + units,
      out = units * classes + classes;
    const all = units === 1 ? "1 unit" : `${units} units`,
      biases = units === 1 ? "1 bias" : `${units} biases`;
    this.total.textContent = `${whole(step + out)} parameters`;
    this.count.textContent =
      `${features} pixels · ${all} + ${units} · ${units} + ${biases} + output layer ${whole(out)} = ${whole(step + out)} parameters.` +
      (this.counted ? ` The ${features} are the pixels of a row; time steps do not appear.` : "");
    this.unshared.textContent =
      `If each copy had weights of its own: ${whole(features * units)} + ${whole(units * units)} + ${units} = ${whole(step)} for a copy, ` +
      `${this.steps} · ${whole(step)} + ${whole(out)} = ${whole(this.steps * step + out)} in all.`;
  }

  /** Where everything stands for the present fold: a few numbers, then paths. The width is known, nothing is measured here. */
  place() {
    const { steps, foldAt, wide } = this,
      gaps = Math.max(1, steps - 1);
    this.start = 40; // room for the loop, and for what arrives from before
    const room = wide - this.start - HANDLE - 6,
      thin = Math.max(9, Math.min(44, (0.62 * room) / steps));
    this.broad = thin + (1 - foldAt) * (44 - thin);
    this.reach = Math.min(room - thin, gaps * 110);
    const left = Array.from({ length: steps }, (_, t) => this.start + (foldAt * this.reach * (steps === 1 ? 0 : t)) / gaps);
    left.forEach((x, t) => {
      this.copies[t].node.style.transform = `translateX(${x}px)`;
      this.copies[t].node.style.width = `${this.broad}px`;
    });
    const piled = steps > 1 && foldAt * this.reach < gaps * 14;
    this.chain.classList.toggle("uf-piled", piled);
    this.chain.classList.toggle("uf-folded", foldAt === 0);
    for (const name of this.names)
      name.style.cssText += `; opacity: ${Math.max(0, 1 - 5 * foldAt)}; left: ${this.start + this.broad + 20}px`;
    this.handle.style.transform = `translateX(${this.start + foldAt * this.reach + this.broad + 5}px)`; // beside all threads
    this.fold.set(foldAt);
    this.turn.textContent = foldAt < 0.5 ? "Unfold" : "Fold";
    this.draw(left);
    this.showCopy();
  }

  /** Arrows from state to state (or the loop), the places where the weight acts, and the threads to them. */
  draw(left) {
    const { broad } = this,
      middle = STATE.top + STATE.high / 2,
      from = this.source(),
      apart = this.foldAt > 0;
    const pairs = left.slice(1).map((x, t) => [left[t] + broad, x]);
    const head = (x, y) => `M${x - 5} ${y - 4}L${x} ${y}L${x - 5} ${y + 4}`;
    const up = left.map((x) => `M${x + broad / 2} ${INPUT.top}V${STATE.top + STATE.high + 2}`).join("");
    this.arrows.setAttribute(
      "d",
      up + (apart ? pairs.map(([a, b]) => (b - a > 2 ? `M${a} ${middle}H${b}${head(b, middle)}` : "")).join("") : ""),
    );
    const end = left.at(-1) + broad,
      first = left[0],
      over = STATE.top - 12;
    this.loop.setAttribute("d", `M${end} ${middle}h12V${over}H${first - 16}V${middle}H${first}${head(first, middle)}`);
    this.loop.style.opacity = Math.max(0, 1 - 5 * this.foldAt);
    const ends = left.map((x, t) => this.link(left, t)),
      low = THREADS.top;
    this.links.setAttribute("d", ends.map(({ link }) => link).join(""));
    this.paths = ends.map(({ x, y }) => `M${from.x} ${from.y}C${from.x} ${from.y - 50} ${x} ${low + 40} ${x} ${low}V${y}`);
    this.threads.setAttribute("d", this.paths.join(""));
  }

  /** The line along which the weight acts in copy t, and its middle, where the thread ends. */
  link(left, t) {
    const { broad, cell } = this,
      [name, row, column] = this.weight,
      x = left[t] + broad / 2;
    const unit = (u) => STATE.top + ((u - 0.5) / cell.units) * STATE.high,
      pixel = INPUT.top + ((row - 0.5) / cell.features) * INPUT.high;
    if (name === "b") return { x: left[t] - 4, y: unit(column), link: `M${left[t] - 4} ${unit(column)}H${x}` };
    if (name === "W_x") return { x, y: INPUT.top + INPUT.high, link: `M${x} ${pixel}L${x} ${unit(column)}` };
    const before = t === 0 || left[t] - left[t - 1] < broad ? left[t] - 16 : left[t - 1] + broad / 2,
      slant = (unit(column) - unit(row)) / (x - before);
    const gap = left[t] - (t === 0 ? 8 : Math.min(8, Math.max(1, (left[t] - left[t - 1] - broad) / 2)));
    return { x: gap, y: unit(row) + slant * (gap - before), link: `M${before} ${unit(row)}L${x} ${unit(column)}` };
  }

  /** The middle of the chosen weight in the store, seen from the chain. */
  source() {
    const [name, , column] = this.weight,
      box = this.boxes?.[name] ?? { left: 0, width: 100 };
    return { x: box.left + ((column - 0.5) / this.units) * box.width, y: THREADS.top + THREADS.high };
  }

  /** The copy under the pointer: its row in the digit, and what the weight does in it. */
  showCopy() {
    const t = (this.look ?? this.copy) - 1,
      name = this.weightName(),
      met = this.meets(t),
      w = this.value();
    this.copies.forEach(({ node }, k) => node.classList.toggle("uf-seen", k === t));
    this.bright.setAttribute("d", this.paths[t]);
    this.digitField.style.setProperty("--probe", this.above + t + 1);
    const where = `In copy ${t + 1}` + (this.above ? ` (row ${this.above + t + 1})` : "");
    const what = {
      W_x: `pixel ${this.weight[1]} of row ${this.above + t + 1}`,
      W_h: t === 0 ? "the state before the first step" : `unit ${this.weight[1]} of copy ${t}`,
      b: "the constant 1",
    }[this.weight[0]];
    this.said.textContent =
      `${name} is ${written(w)} in every copy. ${where} it meets ${what}: ${written(met)} · ${bracket(w)} = ${written(met * w)}.` +
      (this.asked === "sum" ? ` This copy's share of the gradient: ${written(this.gradients[t])}.` : "");
  }

  /** The present state of affairs in one sentence: the same words as `caption()` in Python. */
  sentence() {
    const { features, classes, units } = this.cell,
      { steps } = this,
      start = (steps - 1) * classes,
      said = argmax(this.trace.p, start, start + classes);
    const total = features * units + units * units + units + units * classes + classes,
      rows = steps === 1 ? "1 copy" : `${steps} copies`;
    return `A cell of ${units} ${units === 1 ? "unit" : "units"} in ${rows}, one for each row, ` +
      `with one set of ${whole(total)} parameters. Its answer is ${said}.`;
  }

  showAnswer() {
    const { asked, steps, units } = this,
      sum = this.gradients.reduce((total, share) => total + share, 0),
      last = steps - 1;
    const texts = {
      same: () =>
        `No. ${this.weightName()} is one number, ${written(this.value())}, and all ${steps} copies use it. What differs is what it meets: ` +
        `${written(this.meets(0))} in copy 1, ${written(this.meets(last))} in copy ${steps}.`,
      sizes: () =>
        `Time steps say how often the cell is used: ${steps}, once for each row. Units say how wide it is: each state has ${units} numbers. ` +
        "Move both sliders and watch the parameters: they follow the units only.",
      sum: () =>
        `Because the weight is one number. If we changed it a little in one copy only, the loss would change by that copy's share ` +
        `times the change. A change of the weight comes to all copies at once, so the shares add up: ` +
        `${this.addedUp()} = ${written(sum)}. That is the gradient of ${this.weightName()}.`,
    };
    this.asks.forEach((press, k) => press.setAttribute("aria-pressed", String(Object.keys(QUESTIONS)[k] === asked)));
    this.answer.textContent = texts[asked]?.() ?? "";
    this.chain.parentElement.classList.toggle("uf-sum", asked === "sum"); // who has not asked is not shown a gradient yet
  }

  /** All shares where they are few; where they are many, the three largest with their copies, and what the others come to. */
  addedUp() {
    const { gradients, steps } = this,
      copies = Array.from({ length: steps }, (_, t) => t);
    if (steps <= 4) return gradients.map(bracket).join(" + ");
    const top = copies.sort((a, b) => Math.abs(gradients[b]) - Math.abs(gradients[a])).slice(0, 3).sort((a, b) => a - b),
      rest = copies.slice(3).reduce((sum, t) => sum + gradients[t], 0);
    const row = (t) => (this.above ? `, row ${this.above + t + 1}` : "");
    const named = top.map((t) => `${bracket(gradients[t])} (copy ${t + 1}${row(t)})`);
    return `${named.join(" + ")} + ${bracket(rest)} (the other ${steps - 3})`;
  }

  // ---- width, and the exact state in the notebook ------------------------------------------------------------------

  /** The only place that measures: when the width changes. */
  watchWidth() {
    const watch = new ResizeObserver(() => this.measure());
    watch.observe(this.chain);
    watch.observe(this.storeNode);
    this.signal.addEventListener("abort", () => watch.disconnect());
  }

  measure() {
    const chain = this.chain.getBoundingClientRect(),
      scale = this.chain.offsetWidth / (chain.width || 1);
    this.wide = this.chain.offsetWidth;
    this.boxes = Object.fromEntries(
      Object.entries(this.store).map(([name, { field }]) => {
        const box = field.getBoundingClientRect();
        return [name, { left: (box.left - chain.left) * scale, width: box.width * scale }];
      }),
    );
    if (this.trace) this.place();
  }

  load() {
    const state = this.model.get("state");
    this.saved = JSON.stringify(state);
    const { fold, steps, units, digit, weight, copy, asked } = state;
    Object.assign(this, { foldAt: fold, steps, units, digit, weight, copy, asked, look: null });
    this.counted ||= steps < ROWS;
    this.lead.textContent = LEADS[asked === "sum" ? "sum" : fold === 1 ? "chain" : "loop"]; // stays: nothing jumps under the hand
    this.resize();
    this.measure();
    this.compute();
  }

  state() {
    const { foldAt: fold, steps, units, digit, weight, copy, asked } = this;
    return { fold, steps, units, digit, weight, copy, asked };
  }
}

async function render({ model, el: place }) {
  return show(place, NAME, async (root, signal) => {
    const images = await unpackImages(model.get("images"));
    new Chain(model, root, { images, labels: bytesOf(model.get("labels")) }, signal);
  });
}

export default { render };
