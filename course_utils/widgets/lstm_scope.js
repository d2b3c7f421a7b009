// The LSTM scope: a digit is read row by row; every gate and state of every unit is seen; a gate can be forced by hand.

import { argmax, isForced, makeTrace, readCell, run, survey, wilson } from "./core.js";
import { button, bytesOf, DigitPad, el, fromBase64, GATE_COLOURS, HeatMap, KeptPicture, legend, show, slider, STATE_COLOURS, toBase64, under, unpackImages, whenQuiet } from "./parts.js";

const NAME = "LSTM scope";
// A gate stands above what it acts on: i lets g in, f keeps c, o lets c out as h.
const LSTM_MAPS = [
  { key: "i", name: "input gate i", gate: true, means: "lets g in" },
  { key: "f", name: "forget gate f", gate: true, means: "keeps c" },
  { key: "o", name: "output gate o", gate: true, means: "lets c out" },
  { key: "g", name: "candidate g", gate: false, means: "the new" },
  { key: "c", name: "cell state c", gate: false, means: "the memory" },
  { key: "h", name: "hidden state h", gate: false, means: "passed on" },
];
const RNN_MAPS = [LSTM_MAPS[5]];
const GATE_NAMES = { i: "input gate", f: "forget gate", o: "output gate" };

const two = (value) => value.toFixed(2).replace("-", "−");
const percent = (share) => `${(100 * share).toFixed(0)}%`;
const tenth = (share) => (100 * share).toFixed(1);
const rowsOf = ({ first, last }) => (first === last ? `row ${first}` : `rows ${first} to ${last}`);

class Scope extends KeptPicture {
  constructor(model, root, digits, signal) {
    super(model, root, signal, { digits, maps: {}, surveys: {} });
    this.cell = readCell(model.get("spec"), model.get("weights"));
    this.lstm = this.cell.kind === "lstm";
    this.steps = digits.steps;
    this.order = model.get("order") ?? Array.from({ length: this.cell.units }, (_, unit) => unit); // none in pictures saved before there was one
    this.place = [];
    this.order.forEach((unit, column) => (this.place[unit] = column));
    this.image = new Float32Array(this.steps * this.cell.features);
    this.trace = makeTrace(this.cell, this.steps);
    this.plain = makeTrace(this.cell, this.steps); // the same digit with every gate left alone
    this.limit = this.largestState();
    this.build();
    this.announceSoon = whenQuiet(() => this.announce(), 600, signal);
    this.surveySoon = whenQuiet(() => this.ask(), 150, signal);
    this.load();
    this.listenToModel(() => (this.load(), this.surveySoon()));
    this.whenSeen(() => this.surveySoon());
  }

  /** The cell state has no bounds: its colours end at what 99 of 100 numbers stay below in the first digits. */
  largestState() {
    const size = this.image.length, found = [];
    for (let k = 0; this.lstm && k < Math.min(10, this.digits.labels.length); k++) {
      found.push(...run(this.cell, this.digits.images.subarray(k * size, (k + 1) * size), this.trace).c);
    }
    found.sort((a, b) => Math.abs(a) - Math.abs(b));
    return Math.max(1, Math.ceil(Math.abs(found[Math.floor(0.99 * found.length)] ?? 1)));
  }

  // ---- what stands on the page -------------------------------------------------------------------------------------

  build() {
    const maps = this.lstm ? LSTM_MAPS : RNN_MAPS, panels = maps.map((map) => this.buildMap(map));
    const upper = panels.filter((_, k) => maps[k].gate), lower = panels.filter((_, k) => !maps[k].gate);
    this.grid = el("div", { class: "u-grid", style: `--rows: ${this.steps}; --units: ${this.cell.units}` });
    this.grid.append(this.buildDigit(), ...upper, this.buildBars(), ...lower);
    this.numbers = el("p", { class: "u-numbers" });
    this.live = el("p", { class: "u-hidden", role: "status", "aria-live": "polite" });
    this.root.append(...this.buildLead(), this.buildPicks(), this.buildRead(), this.grid, this.numbers, this.live);
    this.root.append(el("div", { class: "u-below" }, ...(this.lstm ? [this.buildForce()] : []), this.buildSurvey()), el("p", { class: "u-about", text: this.model.get("about") }));
  }

  buildLead() {
    const kind = this.lstm ? "LSTM" : "RNN";
    const lead = `The ${kind} reads a digit from top to bottom, one row at a time. Move “Rows read” and watch the answer form.` +
      (this.lstm ? " Then force a gate: what does it lose?" : "");
    const read = `How to read this: the columns of a map are the ${this.cell.units} units, its rows are the rows of the digit, at the same height. ` +
      "Units that are busy in early rows stand on the left, in late rows on the right. " +
      (this.lstm ? "A gate (0 closed, 1 open) acts on the map below it. " : "") +
      "Point at a map for the numbers, press to read up to that row; Tab and the arrow keys do the same.";
    return [el("p", { class: "u-lead", text: lead }), el("p", { class: "u-how", text: read })];
  }

  buildDigit() {
    const tell = { drawn: (row) => this.drawn(row), done: () => this.settled(), moved: () => this.pixel(this.pad.cursor, true) };
    this.pad = new DigitPad(this.image, this.steps, this.cell.features, tell, this.signal);
    this.pad.field.append(el("i", { class: "u-veil" }), el("i", { class: "u-line" }), el("i", { class: "u-row" }));
    this.on(this.pad.field, "pointermove", (event) => this.pixel(under(event, this.pad.field, this.steps, this.cell.features)));
    this.digitTitle = el("span");
    return el("div", { class: "u-panel" }, el("div", { class: "u-title" }, el("b", { text: "digit" }), this.digitTitle), this.pad.field);
  }

  buildPicks() {
    const picks = [...new Set(this.digits.labels)].sort((a, b) => a - b).map((label) => {
      const pick = button(String(label), { "aria-label": `another ${label}`, title: `another ${label}` });
      this.on(pick, "click", () => this.pick(label));
      return pick;
    });
    this.eraser = button("Erase", { "aria-pressed": "false" });
    this.on(this.eraser, "click", () => this.eraser.setAttribute("aria-pressed", String((this.pad.erase = !this.pad.erase))));
    const clear = button("Clear");
    this.on(clear, "click", () => this.clear());
    const group = el("span", { role: "group", "aria-label": "Pick a digit" }, ...picks);
    return el("div", { class: "u-tools" }, el("span", { text: "Pick a digit (again for the next one):" }), group, el("span", { text: "or draw on it:" }), this.eraser, clear);
  }

  buildRead() {
    this.rowSlider = slider({ name: "Rows read", min: 1, max: this.steps, say: (row) => `${row} of ${this.steps}` });
    this.on(this.rowSlider.input, "input", () => this.setRow(this.rowSlider.get()));
    this.status = el("b");
    this.honest = el("span");
    this.short = el("span"); // the count again, where the eye is: its bars may lie below the window's edge
    return el("div", {}, this.rowSlider.node, el("p", { class: "u-status" }, this.status, this.short, this.honest));
  }

  buildMap({ key, name, gate, means }) {
    const anchors = gate ? GATE_COLOURS : STATE_COLOURS, limit = key === "c" ? this.limit : 1;
    const map = new HeatMap(this.steps, this.cell.units, anchors);
    const field = el("div", { class: "u-field u-map", tabindex: "0", role: "application", "aria-roledescription": "heat map", "data-map": key,
      "aria-label": `${name}, ${this.steps} rows of ${this.cell.units} units. Arrow keys choose a row and a unit.` }, map.canvas,
      el("i", { class: "u-forced" }), el("i", { class: "u-veil" }), el("i", { class: "u-line" }), el("i", { class: "u-unit" }), el("i", { class: "u-row" }));
    this.maps[key] = { map, field, low: gate ? 0 : -limit, high: limit };
    this.on(field, "pointermove", (event) => this.point(event, field));
    this.on(field, "pointerdown", (event) => this.point(event, field, event.preventDefault(), field.focus({ preventScroll: true })));
    this.on(field, "keydown", (event) => this.step(event));
    const ends = gate ? ["0", "1"] : [`−${limit}`, String(limit)];
    return el("div", { class: "u-panel" }, el("div", { class: "u-title" }, el("b", { text: name }), el("span", { text: means })), field, legend(anchors, ends));
  }

  buildBars() {
    this.bars = Array.from({ length: this.cell.classes }, (_, label) => {
      const bar = el("i", { class: "u-bar" }), ghost = el("i", { class: "u-ghost" }), share = el("span", { class: "u-share" });
      const node = el("div", { class: "u-class" }, el("span", { text: label }), el("div", { class: "u-track" }, bar, ghost), share);
      return { node, bar, ghost, share };
    });
    this.barTitle = el("b");
    const bars = el("div", { class: "u-bars", "aria-hidden": "true" }, ...this.bars.map((bar) => bar.node)); // the status says it in words
    const key = el("div", { class: "u-legend u-key", text: "‖ left alone" });
    return el("div", { class: "u-panel" }, el("div", { class: "u-title" }, this.barTitle), bars, key);
  }

  buildForce() {
    this.choices = { none: "no gate", ...GATE_NAMES };
    const group = `force-${Math.random().toString(36).slice(2)}`; // radios of two pictures on a page stay apart
    this.radios = Object.entries(this.choices).map(([gate, name]) => {
      const input = el("input", { type: "radio", name: group, value: gate });
      this.on(input, "change", () => this.force());
      return el("label", { class: "u-choice" }, input, name);
    });
    this.value = slider({ name: "held at", min: 0, max: 1, step: 0.05, say: (value) => Number(value).toFixed(2) });
    this.first = slider({ name: "from row", min: 1, max: this.steps });
    this.last = slider({ name: "to row", min: 1, max: this.steps });
    for (const part of [this.value, this.first, this.last]) this.on(part.input, "input", () => this.force(part));
    return el("fieldset", { class: "u-force" }, el("legend", { text: "Force a gate of all units" }),
      el("div", { class: "u-choices" }, ...this.radios), el("div", { class: "u-sliders" }, this.value.node, this.first.node, this.last.node));
  }

  buildSurvey() {
    this.rows = ["left alone", "forced"].map((name) => {
      const bar = el("i", { class: "u-bar" }), whisker = el("i", { class: "u-whisker" }), text = el("span", { class: "u-result" });
      return { bar, whisker, text, node: el("div", { class: "u-count" }, el("span", { text: name }), el("div", { class: "u-track" }, bar, whisker), text) };
    });
    this.verdict = el("p", { class: "u-note" });
    return el("div", { class: "u-survey" }, el("b", { text: `How many of ${this.digits.labels.length} digits are right after row ${this.steps}` }), ...this.rows.map((row) => row.node), this.verdict);
  }

  // ---- what the hand does ------------------------------------------------------------------------------------------

  /** The next digit of a class, after the one that stands here. */
  pick(label) {
    const { labels } = this.digits, n = labels.length, start = this.digit ?? -1;
    for (let k = 1; k <= n; k++) {
      if (labels[(start + k) % n] === label) {
        this.setDigit((start + k) % n);
        return this.settled();
      }
    }
  }

  setDigit(digit) {
    this.digit = digit;
    const size = this.image.length;
    this.image.set(this.digits.images.subarray(digit * size, (digit + 1) * size));
    this.compute(0);
  }

  drawn(row) {
    this.digit = null;
    this.compute(row);
  }

  clear() {
    this.image.fill(0);
    this.drawn(0);
    this.settled();
  }

  setRow(row) {
    this.row = row;
    this.rowSlider.set(row);
    this.showRow();
    this.saveSoon();
  }

  /** Pointing shows the numbers of a unit in a row; pressing reads up to that row. */
  point(event, field) {
    const { row, column } = under(event, field, this.steps, this.cell.units);
    this.probe = { row: row + 1, unit: this.order[column] + 1 };
    if (event.buttons === 1) this.setRow(row + 1);
    this.showProbe();
  }

  step(event) {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [];
    if (down === undefined) return;
    event.preventDefault();
    const { row, unit } = this.probe ?? { row: this.row, unit: this.order[0] + 1 }, inside = (value, most) => Math.max(1, Math.min(most, value));
    const column = inside(this.place[unit - 1] + 1 + right, this.cell.units);
    this.probe = { row: inside(row + down, this.steps), unit: this.order[column - 1] + 1 };
    if (down) this.setRow(this.probe.row);
    this.showProbe();
    this.live.textContent = this.numbers.textContent;
  }

  /** Read the four controls. The slider that moved pushes the other end of the range along. */
  force(moved) {
    const gate = this.radios.find((radio) => radio.firstChild.checked).firstChild.value;
    if (moved === this.first && this.first.get() > this.last.get()) this.last.set(this.first.get());
    if (moved === this.last && this.last.get() < this.first.get()) this.first.set(this.last.get());
    const before = this.forced;
    this.forced = gate === "none" ? null : { gate, value: this.value.get(), first: this.first.get(), last: this.last.get() };
    this.showForce();
    this.compute(Math.min(before?.first ?? this.steps, this.forced?.first ?? this.steps) - 1);
    this.settled();
  }

  /** The hand let go, or a control took a step: now what takes longer. */
  settled() {
    this.saveSoon();
    this.surveySoon();
  }

  // ---- from the change to the page ---------------------------------------------------------------------------------

  compute(from) {
    run(this.cell, this.image, this.trace, this.forced, from);
    run(this.cell, this.image, this.plain, null, from);
    this.pad.paint(from);
    for (const [key, { map, low, high }] of Object.entries(this.maps)) map.paint(this.trace[key], low, high, from, this.order);
    this.digitTitle.textContent = this.digit === null ? "drawn by hand" : `number ${this.digit + 1}, a ${this.digits.labels[this.digit]}`;
    this.showRow();
  }

  /** Only what depends on the row: the line, the veil over what is not read yet, the answer. */
  showRow() {
    this.grid.style.setProperty("--row", this.row);
    this.barTitle.textContent = `answer after row ${this.row}`;
    const classes = this.cell.classes, start = (this.row - 1) * classes, said = argmax(this.trace.p, start, start + classes);
    this.bars.forEach(({ node, bar, ghost, share }, label) => {
      const p = this.trace.p[start + label];
      bar.style.transform = `scaleX(${p})`;
      ghost.style.left = `${100 * this.plain.p[start + label]}%`;
      ghost.hidden = Math.abs(this.plain.p[start + label] - p) < 0.005;
      share.textContent = percent(p);
      node.classList.toggle("u-said", label === said);
    });
    this.showHonesty();
    this.showStatus(said, start);
    this.showProbe();
  }

  showStatus(said, start) {
    const { p } = this.plain, plain = argmax(p, start, start + this.cell.classes);
    this.status.textContent = `After row ${this.row} the answer is ${said} (${percent(this.trace.p[start + said])})` +
      (this.forced ? `; without the force it would be ${plain} (${percent(p[start + plain])}).` : ".");
    this.announceSoon();
  }

  /** The state in words, for those who do not see it. */
  announce() {
    const held = this.forced ? ` The ${GATE_NAMES[this.forced.gate]} is held at ${this.forced.value.toFixed(2)} in ${rowsOf(this.forced)}.` : "";
    this.live.textContent = this.status.textContent + held + this.honest.textContent;
  }

  /** The output layer was trained on the last state alone. How well it reads the others is counted, not claimed. */
  showHonesty() {
    const counted = this.surveys.plain, { row, steps } = this;
    const many = counted ? `: after row ${row} it is right for ${counted.rightAfter[row - 1]} of ${counted.n} digits` : "";
    this.honest.textContent = row === steps ? "" : `  (It learned to answer after row ${steps} only${many}.)`;
  }

  showForce() {
    const { forced } = this;
    for (const { firstChild: radio } of this.radios) radio.checked = radio.value === (forced?.gate ?? "none");
    for (const part of [this.value, this.first, this.last]) part.input.disabled = forced === null;
    for (const [key, { field }] of Object.entries(this.maps)) field.classList.toggle("u-held", forced?.gate === key);
    this.grid.style.setProperty("--first", forced?.first ?? 1);
    this.grid.style.setProperty("--last", forced?.last ?? 0);
    this.root.classList.toggle("u-cut", forced !== null);
  }

  /** The formulas with the literal numbers of one unit in one row. */
  showProbe() {
    if (!this.probe) return void (this.numbers.textContent = "Point at a map: the numbers of one unit in one row appear here.");
    const { row, unit } = this.probe;
    this.grid.style.setProperty("--unit", this.place[unit - 1] + 1);
    this.grid.style.setProperty("--probe", row);
    this.grid.classList.add("u-probing");
    this.numbers.textContent = `Unit ${unit}, row ${row}:   ${this.lstm ? this.sum(row, unit) : `h = ${two(this.trace.h[this.at(row, unit)])}`}`;
  }

  at(row, unit) {
    return (row - 1) * this.cell.units + unit - 1;
  }

  sum(row, unit) {
    const at = this.at(row, unit), { h, c, g, ...gates } = this.trace, before = row > 1 ? c[at - this.cell.units] : 0;
    const gate = (name) => two(gates[name][at]) + (this.forced?.gate === name && isForced(this.forced, row - 1) ? " (forced)" : "");
    return `c = f · c before + i · g = ${gate("f")} · ${two(before)} + ${gate("i")} · ${two(g[at])} = ${two(c[at])}` +
      `     h = o · tanh(c) = ${gate("o")} · ${two(Math.tanh(c[at]))} = ${two(h[at])}`;
  }

  /** A pixel under the pointer or the keyboard's cursor: its ink, and its row in all the maps. */
  pixel({ row, column }, aloud = false) {
    this.grid.style.setProperty("--probe", row + 1);
    this.grid.classList.add("u-probing");
    this.numbers.textContent = `Row ${row + 1}, column ${column + 1}:   ink ${two(this.image[row * this.cell.features + column])}`;
    if (aloud) this.live.textContent = this.numbers.textContent;
  }

  // ---- what the other digits say -----------------------------------------------------------------------------------

  /** Ask all digits, first with the gates left alone (once), then with the forced one; a newer call stops an older. */
  async ask() {
    const forced = this.forced, turn = (this.turn = {}), go = () => this.turn === turn && !this.signal.aborted;
    this.rows[1].node.hidden = forced === null;
    this.verdict.textContent = this.short.textContent = "";
    this.surveys.plain ??= await this.count(this.rows[0], null, go);
    if (!this.surveys.plain) return; // stopped: the newer call does it
    this.showCount(this.rows[0], this.surveys.plain);
    this.showHonesty();
    const found = forced && (await this.count(this.rows[1], forced, go));
    if (found && go()) this.showVerdict(found);
  }

  count(row, forced, go) {
    const progress = (done) => (row.text.textContent = `counting … ${done}`);
    row.node.classList.add("u-counting");
    return survey(this.cell, this.digits, forced, { go, progress });
  }

  showCount({ node, bar, whisker, text }, { n, rightAfter }) {
    const right = rightAfter[this.steps - 1], [low, high] = wilson(right, n);
    node.classList.remove("u-counting");
    bar.style.transform = `scaleX(${right / n})`;
    whisker.style.left = `${100 * low}%`;
    whisker.style.width = `${100 * (high - low)}%`;
    text.textContent = `${right} (${tenth(right / n)}%; 95% interval ${tenth(low)} to ${tenth(high)}%)`;
  }

  showVerdict(found) {
    this.showCount(this.rows[1], found);
    const times = new Uint32Array(this.cell.classes), plain = this.surveys.plain.rightAfter[this.steps - 1], right = found.rightAfter[this.steps - 1];
    for (const label of found.said) times[label]++;
    const most = argmax(times), { gate, value } = this.forced;
    this.verdict.textContent = `With the ${GATE_NAMES[gate]} held at ${value.toFixed(2)} in ${rowsOf(this.forced)}, ${right} of ${found.n} digits are right instead of ${plain}. ` +
      `The answer given most often is ${most}: ${times[most]} times.`;
    this.short.textContent = ` After row ${this.steps}, ${right} of ${found.n} digits are right instead of ${plain}.`;
    this.live.textContent = this.verdict.textContent;
  }

  whenSeen(task) {
    const watch = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      watch.disconnect();
      task();
    });
    watch.observe(this.root);
    this.signal.addEventListener("abort", () => watch.disconnect());
  }

  // ---- the exact state, in the notebook ----------------------------------------------------------------------------

  load() {
    const state = this.model.get("state");
    this.saved = JSON.stringify(state);
    Object.assign(this, { row: state.row, forced: state.forced, digit: state.image === null ? state.digit : null });
    this.probe = state.unit === null ? null : { row: state.row, unit: state.unit };
    if (this.lstm) {
      const { value, first, last } = state.forced ?? { value: 0, first: 10, last: 14 };
      [[this.last, last], [this.first, first], [this.value, value]].forEach(([part, number]) => part.set(number));
      this.showForce();
    }
    this.rowSlider.set(this.row);
    if (state.image === null) return this.setDigit(state.digit);
    this.image.set(Float32Array.from(fromBase64(state.image), (level) => level / 255));
    this.compute(0);
  }

  state() {
    const image = this.digit === null ? toBase64(Uint8Array.from(this.image, (ink) => Math.round(255 * ink))) : null;
    return { digit: this.digit, image, row: this.row, unit: this.probe?.unit ?? null, forced: this.forced };
  }
}

async function render({ model, el: place }) {
  return show(place, NAME, async (root, signal) => {
    const images = await unpackImages(model.get("images"));
    const labels = bytesOf(model.get("labels"));
    new Scope(model, root, { images, labels, steps: images.length / labels.length / model.get("spec").features }, signal);
  });
}

export default { render };
