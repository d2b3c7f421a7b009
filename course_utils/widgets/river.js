// The gradient river: how much of a tiny push on an early state still reaches the last one, step by step, on a logarithmic axis.

import { backSize, makeTrace, readCell, run, startBack, stepBack } from "./core.js";
import { button, bytesOf, el, HeatMap, INK_COLOURS, KeptPicture, show, slider, svg, under, unpackImages, whenQuiet } from "./parts.js";

const NAME = "Gradient river";
const LOW = -12, HIGH = 6, EDGE = 0.5; // powers of ten; what lies beyond runs along the edge
const FLOAT32 = Math.log10(2 ** -24); // in float32, 1 and what is smaller make 1
const SMALL = -3; // from how many steps at least this arrives
const STEPS = [28, 56, 112, 196, 392, 784];
const SLICE = 7; // milliseconds of work between two looks at the page
const LINES = [
  { name: "RNN", key: "h", label: "RNN", means: "dh_T/dh_t" },
  { name: "LSTM", key: "h", label: "LSTM, h", means: "dh_T/dh_t" },
  { name: "LSTM", key: "c", label: "LSTM, c", means: "dh_T/dc_t" },
];

const rowOf = (power) => (100 * (HIGH + EDGE - Math.max(LOW - EDGE, Math.min(HIGH + EDGE, power)))) / (HIGH - LOW + 2 * EDGE);

/** A number of which only the logarithm is known: it may be too small or too large for a float. */
export function inPowers(/** @type {number} */ log10) {
  if (Number.isNaN(log10) || log10 === Infinity) return "beyond all numbers";
  if (log10 === -Infinity) return "0";
  let whole = Math.floor(log10), digits = (10 ** (log10 - whole)).toFixed(1);
  if (digits === "10.0") [whole, digits] = [whole + 1, "1.0"];
  return `${digits}e${whole < 0 ? "−" : "+"}${String(Math.abs(whole)).padStart(2, "0")}`;
}

class River extends KeptPicture {
  constructor(model, root, images, signal) {
    super(model, root, signal, { images, traces: {}, sizes: {} });
    this.labels = [...bytesOf(model.get("labels"))];
    this.readNetworks();
    this.build();
    this.announceSoon = whenQuiet(() => (this.live.textContent = this.status.textContent), 600, signal);
    this.listenToModel();
    this.load();
  }

  /** Networks that were given, and fresh ones; the latter have another W_x for each number of pixels that a step reads. */
  readNetworks() {
    const { buffer, byteOffset } = this.model.get("weights");
    let start = byteOffset;
    this.nets = this.model.get("networks").map(({ name, given, spec }) => {
      const wide = (spec.kind === "lstm" ? 4 : 1) * spec.units,
        length = 4 * ((spec.features + spec.units + 1) * wide + (spec.units + 1) * spec.classes);
      const cell = readCell(spec, new DataView(buffer, start, length));
      start += length;
      return { name, given, cell };
    });
    const inputs = floatsOf(this.model.get("inputs"));
    let from = 0;
    for (const net of this.nets.filter((each) => !each.given)) {
      net.inputs = { 28: net.cell.W_x };
      for (const steps of STEPS.slice(1)) {
        net.inputs[784 / steps] = inputs.subarray(from, (from += (784 / steps) * net.cell.b.length));
      }
    }
    this.drawn = floatsOf(this.model.get("probes"));
  }

  // ---- what stands on the page -------------------------------------------------------------------------------------

  build() {
    this.status = el("p", { class: "u-status" });
    this.numbers = el("p", { class: "u-numbers" });
    this.which = el("p", { class: "u-note" });
    this.chaos = el("p", { class: "u-note" });
    this.live = el("p", { class: "u-hidden", role: "status", "aria-live": "polite" });
    this.root.append(...this.buildLead(), this.buildSliders(), this.buildChoices(), this.buildPlot(), this.status, this.numbers,
      this.which, this.chaos, this.live, this.buildExactly(), el("p", { class: "u-about", text: this.model.get("about") }));
  }

  /** For those who want to compute it themselves: folded away. */
  buildExactly() {
    const drawn = "The root mean square of the lengths of v · dh_T/dh_t (or v · dh_T/dc_t) for 8 fixed random v of length 1. " +
      "It estimates the Frobenius norm of the Jacobian, divided by the root of the number of units.";
    const lost = "The dotted line marks 2 to the power of −24, 6.0e−08: in float32, 1 and such a number make 1 again.";
    return el("details", { class: "u-river-exactly" }, el("summary", { text: "What is drawn, exactly" }), el("p", { text: drawn }),
      el("p", { text: lost }));
  }

  buildLead() {
    const lead = "Push the state at an early time step: change its numbers by a tiny amount. How much of that change arrives at the last step? " +
      "Take more time steps. Then move the scale of W_h.";
    const read = "How to read this: the line at time step t says how many times longer or shorter a tiny push on h_t has become " +
      "when it arrives at the last state h_T. A push on the last state itself counts as 1. " +
      "However many times it grows, it began so small that the states stay between −1 and 1. " +
      "The LSTM has a second line, for a push on its cell state c_t. " +
      "Point at the plot, or take the arrow keys, for the numbers of a step.";
    return [el("p", { class: "u-lead", text: lead }), el("p", { class: "u-how", text: read })];
  }

  buildSliders() {
    const times = (value) => `× ${Number(value).toFixed(2)}`;
    const pixels = (k) => `${STEPS[k]}, each of ${784 / STEPS[k]} pixel${STEPS[k] === 784 ? "" : "s"}`;
    this.scale = slider({ name: "Scale of W_h", min: 0.1, max: 3, step: 0.05, say: times });
    this.length = slider({ name: "Time steps", min: 0, max: STEPS.length - 1, say: pixels });
    this.forget = slider({ name: "Forget bias, fresh LSTM", min: 0, max: 8, step: 0.25,
      say: (value) => Number(value).toFixed(2) });
    for (const part of [this.scale, this.length, this.forget]) this.on(part.input, "input", () => this.changed(part));
    return el("div", { class: "u-river-sliders" }, this.length.node, this.scale.node, this.forget.node);
  }

  buildChoices() {
    this.boxes = [...new Set(LINES.map(({ name }) => name))].map((name) => {
      const input = el("input", { type: "checkbox", value: name });
      this.on(input, "change", () => this.choose(input));
      return el("label", { class: "u-choice" }, input, name);
    });
    this.fresh = el("input", { type: "checkbox" });
    this.on(this.fresh, "change", () => this.changed());
    const fresh = el("label", { class: "u-choice" }, this.fresh, "fresh, untrained networks");
    fresh.hidden = !this.nets.some((net) => net.given);
    return el("div", { class: "u-tools u-river-tools" }, ...this.boxes, fresh, el("span", { text: "Digit:" }),
      this.buildDigits());
  }

  buildDigits() {
    this.picks = this.labels.map((label, k) => {
      const map = new HeatMap(28, 28, INK_COLOURS), pick = button("", { class: "u-river-pick", "aria-label": `read a ${label}` });
      pick.append(map.canvas);
      map.paint(this.images.subarray(784 * k, 784 * (k + 1)), 0, 1);
      this.on(pick, "click", () => this.pick(label));
      return pick;
    });
    return el("span", { role: "group", "aria-label": "The digit that is read" }, ...this.picks);
  }

  buildPlot() {
    const height = HIGH - LOW + 2 * EDGE;
    this.svg = svg("svg", { viewBox: `0 0 1 ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    this.paths = LINES.map(({ name, key }) => this.svg.appendChild(svg("path",
      { class: `u-river-stream u-river-stream-${name}-${key}`, "vector-effect": "non-scaling-stroke" })));
    this.cursor = el("i", { class: "u-river-at" });
    this.plot = el("div", { class: "u-field u-river", tabindex: "0", role: "application", "aria-roledescription": "plot",
      "aria-label": "How many times as long a push is when it arrives, over the time steps. Left and right choose a time step." }, ...this.buildScale(),
        this.svg, this.cursor);
    this.on(this.plot, "pointermove", (event) => this.point(under(event, this.plot, 1, this.steps).column + 1));
    this.on(this.plot, "keydown", (event) => this.walk(event));
    this.ends = LINES.map(({ name, key, label }) => {
      const sample = svg("svg", { viewBox: "0 0 30 4", "aria-hidden": "true" }), value = el("span");
      sample.append(svg("path", { class: `u-river-stream u-river-stream-${name}-${key}`, d: "M0 2 H30" }));
      return { value, node: el("div", { class: "u-river-end" }, sample, el("b", { text: label }), value) };
    });
    this.strip = el("div", { class: "u-river-strip" });
    this.axis = el("div", { class: "u-river-axis", "aria-hidden": "true" });
    const powers = el("div", { class: "u-river-powers", "aria-hidden": "true" }, ...this.buildPowers());
    const beyond = (text, name) => el("span", { class: `u-river-beyond ${name}`, text });
    const title = el("div", { class: "u-river-title" }, el("span", { text: "a tiny push arrives this many times as long" }),
      beyond(`▲ more than 1e+0${HIGH}`, "u-river-beyond-high"));
    const low = beyond(`▼ less than 1e−${-LOW}`, "u-river-beyond-low");
    return el("div", { class: "u-river-grid" }, el("span"), title,
      el("div", { class: "u-river-ends" }, ...this.ends.map((end) => end.node)), this.plot, powers,
      el("span"), el("div", { class: "u-river-foot" }, low), el("span"),
      el("span", { class: "u-river-strip-name", text: "ink that is read" }), this.strip, el("span"), el("span"), this.axis);
  }

  /** Lines across: the powers of ten, 1, and where float32 ends. */
  buildScale() {
    const across = [];
    for (let power = LOW; power <= HIGH; power += 3) {
      across.push(el("i", { class: `u-river-across${power === 0 ? " u-river-one" : ""}`, style: `top: ${rowOf(power)}%` }));
    }
    const float = el("i", { class: "u-river-across u-river-float", style: `top: ${rowOf(FLOAT32)}%` });
    const says = el("span", { class: "u-river-says", style: `top: ${rowOf(FLOAT32)}%`, text: "below: lost to rounding" });
    return [...across, float, says];
  }

  buildPowers() {
    const powers = [];
    for (let power = LOW; power <= HIGH; power += 3) {
      powers.push(el("span", { style: `top: ${rowOf(power)}%`,
        text: power === 0 ? "1" : `1e${power < 0 ? "−" : "+"}${String(Math.abs(power)).padStart(2, "0")}` }));
    }
    return powers;
  }

  // ---- what the hand does ------------------------------------------------------------------------------------------

  changed(part) {
    part?.set(part.get()); // its value in words
    if (part === this.length) this.step = null;
    this.compute();
    this.saveSoon();
  }

  /** At least one line stays. */
  choose(input) {
    if (!this.boxes.some(({ firstChild: box }) => box.checked)) input.checked = true;
    this.changed();
  }

  pick(label) {
    this.digit = label;
    this.changed();
  }

  point(step) {
    this.step = step;
    this.showStep();
    this.saveSoon();
  }

  walk(event) {
    const far = this.steps / 28, all = this.steps;
    const by = { ArrowLeft: -1, ArrowRight: 1, PageDown: -far, PageUp: far, Home: -all, End: all }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    this.point(Math.max(1, Math.min(this.steps, (this.step ?? this.steps + 1) + by)));
    this.live.textContent = this.numbers.textContent;
  }

  // ---- the gradients -----------------------------------------------------------------------------------------------

  /** The network of a line as it is now: given or fresh, its W_h scaled. */
  network(name) {
    const own = this.nets.find((net) => net.name === name && net.given),
      fresh = this.nets.find((net) => net.name === name && !net.given);
    const given = Boolean(own) && this.steps === 28 && !this.fresh.checked, base = given ? own.cell : fresh.cell,
      scale = this.scale.get();
    const cell = { ...base, W_h: base.W_h.map((weight) => scale * weight) };
    if (!given) Object.assign(cell, { features: 784 / this.steps, W_x: fresh.inputs[784 / this.steps] });
    const isForget = (k) => Math.floor(k / base.units) === 1;
    if (!given && name === "LSTM") cell.b = base.b.map((bias, k) => (isForget(k) ? this.forget.get() : bias));
    return { name, given, cell };
  }

  /** Directions of the last state, cut from Python's random numbers to the number of units, each of length 1. */
  directions(units) {
    const count = 8, wide = this.drawn.length / count, directions = new Float64Array(count * units);
    for (let k = 0; k < count; k++) {
      const row = directions.subarray(k * units, (k + 1) * units);
      row.set(this.drawn.subarray(k * wide, k * wide + units));
      const length = Math.hypot(...row);
      row.forEach((value, at) => (row[at] = value / length));
    }
    return directions;
  }

  /** Forward at once, then back in slices, so that the page stays awake; a newer call stops an older. */
  async compute() {
    const turn = (this.turn = {}), go = () => this.turn === turn && !this.signal.aborted;
    this.steps = STEPS[this.length.get()];
    this.shown = this.boxes.filter(({ firstChild: box }) => box.checked).map(({ firstChild: box }) => this.network(box.value));
    this.showInput();
    this.showWhich();
    const until = { time: performance.now() + SLICE };
    for (const net of this.shown) if (!(await this.goBack(net, until, go))) return;
    this.showLines();
    this.showStatus();
  }

  async goBack({ name, cell }, until, go) {
    const k = this.labels.indexOf(this.digit), key = `${name} ${cell.units} ${this.steps}`,
      keys = cell.kind === "lstm" ? ["h", "c"] : ["h"];
    const trace = run(cell, this.images.subarray(784 * k, 784 * (k + 1)), (this.traces[key] ??= makeTrace(cell, this.steps)));
    const sizes = this.sizes[name]?.h.length === this.steps ? this.sizes[name]
      : { h: new Float64Array(this.steps), c: new Float64Array(this.steps) };
    Object.assign(this.sizes, { [name]: sizes });
    const back = startBack(cell, trace, this.directions(cell.units));
    for (let t = this.steps - 1; t >= 0; t--) {
      for (const line of keys) sizes[line][t] = backSize(back, back[line]);
      if (t > 0) stepBack(cell, trace, back);
      if (performance.now() < until.time || t === 0) continue;
      this.showLines();
      await new Promise((resume) => setTimeout(resume));
      if (!go()) return false;
      until.time = performance.now() + SLICE;
    }
    return true;
  }

  // ---- from the numbers to the page --------------------------------------------------------------------------------

  values({ name, key }) {
    return this.shown.some((net) => net.name === name) ? this.sizes[name]?.[key] : undefined;
  }

  showLines() {
    this.svg.setAttribute("viewBox", `0.5 0 ${this.steps} 100`);
    LINES.forEach((line, k) => {
      const values = this.values(line);
      this.paths[k].setAttribute("d",
        values ? `M${Array.from(values, (value, t) => `${t + 1} ${place(value).toFixed(2)}`).join("L")}` : "");
      this.ends[k].node.hidden = !values;
      if (values) this.ends[k].value.textContent = inPowers(values[0]) + beyond(values[0]);
    });
    this.placeEnds();
    this.showBeyond();
    this.showChaos();
  }

  /** The values at the first step stand beside the ends of their lines, without covering each other. */
  placeEnds() {
    const end = (line, k) => ({ at: this.values(line) ? place(this.values(line)[0]) : null, node: this.ends[k].node });
    const shown = LINES.map(end).filter(({ at }) => at !== null);
    const room = 15; // per cent of the height: two lines of text
    shown.sort((a, b) => a.at - b.at);
    let free = room / 2;
    for (const end of shown) free = (end.at = Math.max(free, end.at)) + room;
    let limit = 100 - room / 2;
    for (const end of shown.reverse()) limit = (end.at = Math.min(limit, end.at)) - room;
    for (const { at, node } of shown) node.style.top = `${at}%`;
  }

  showBeyond() {
    const all = LINES.flatMap((line) => [...(this.values(line) ?? [])]);
    this.root.classList.toggle("u-river-over", all.some((value) => beyond(value) === " ▲"));
    this.root.classList.toggle("u-river-below", all.some((value) => beyond(value) === " ▼"));
  }

  showInput() {
    const k = this.labels.indexOf(this.digit), pixels = 784 / this.steps, digit = this.images.subarray(784 * k, 784 * (k + 1));
    if (this.ink?.canvas.width !== this.steps) this.ink = new HeatMap(1, this.steps, INK_COLOURS);
    this.strip.replaceChildren(this.ink.canvas);
    const mean = Float64Array.from({ length: this.steps },
      (_, t) => digit.subarray(t * pixels, (t + 1) * pixels).reduce((sum, ink) => sum + ink, 0) / pixels);
    this.ink.paint(mean, 0, Math.max(...mean));
    this.picks.forEach((pick, at) => pick.setAttribute("aria-pressed", String(this.labels[at] === this.digit)));
    const words = ["t = 1", "the push travels →", "← the gradient travels", `T = ${this.steps}`];
    this.axis.replaceChildren(...words.map((text) => el("span", { text })));
  }

  showWhich() {
    const anyGiven = this.shown.some((net) => net.given), freshLstm = this.shown.some((net) => net.name === "LSTM" && !net.given);
    this.forget.input.disabled = !freshLstm;
    this.fresh.disabled = this.steps > 28;
    const say = ({ name, given, cell: { units } }) => given ? `the ${name} given, ${units} units`
      : `a fresh, untrained ${name} of ${units} units`;
    const scaled = anyGiven && this.scale.get() !== 1
      ? " With W_h scaled by hand, what was given is no longer the network that was trained." : "";
    const long = this.steps > 28 && this.nets.some((net) => net.given)
      ? " The networks given read rows of 28 pixels: for longer sequences fresh ones stand in." : "";
    this.which.textContent = `Seen here: ${this.shown.map(say).join("; ")}.${scaled}${long}`;
  }

  /** Beyond 1 / eps of 64-bit numbers, rounding is magnified to the size of the states: no two machines agree any more. */
  showChaos() {
    const wild = LINES.some((line) => this.values(line)?.some((value) => value > 16 || Number.isNaN(value)));
    this.chaos.textContent = wild ? "A push that grows 1e+16 times makes a rounding error as large as the states: " +
      "another machine may show another power of ten here." : "";
  }

  /** In words: what arrives from the first step, and how far back more than a thousandth does. */
  showStatus() {
    const lines = LINES.filter((line) => this.values(line));
    const first = lines.map((line) => `${line.label} ${inPowers(this.values(line)[0])}`).join("; ");
    const reach = lines.map((line) => `${line.label} ${this.reach(this.values(line))}`).join("; ");
    this.status.textContent = `From step 1 to step ${this.steps}, a tiny push becomes this many times as long: ${first}. ` +
      `1e−03 or more arrives from: ${reach}.`;
    this.showStep();
    this.announceSoon();
  }

  reach(values) {
    const arrives = values.filter((value) => !(value < SMALL)).length, gap = [...values].reverse().findIndex((value) => value < SMALL);
    if (gap < 0) return `all ${this.steps} steps`;
    return arrives === gap ? `the last ${gap}` : `${arrives} steps, the last ${gap} of them without a gap`;
  }

  /** The numbers of one step, and what made them: the factor of this step, the slope of tanh, the forget gate. */
  showStep() {
    if (this.step === null) {
      this.plot.classList.remove("u-river-pointed");
      return void (this.numbers.textContent = "Point at the plot: the numbers of one time step appear here.");
    }
    const t = this.step - 1;
    this.plot.classList.add("u-river-pointed");
    this.cursor.style.left = `${(100 * (t + 0.5)) / this.steps}%`;
    this.numbers.textContent = `t = ${this.step}:   ${this.shown.map((net) => this.stepInWords(net, t)).join("\n")}`;
  }

  stepInWords({ name, cell }, t) {
    const { h, c } = this.sizes[name], lstm = cell.kind === "lstm", line = lstm ? c : h,
      trace = this.traces[`${name} ${cell.units} ${this.steps}`];
    const what = lstm ? `LSTM  h ${inPowers(h[t])}, c ${inPowers(c[t])}` : `RNN  ${inPowers(h[t])}`;
    if (t === this.steps - 1) return what;
    const next = (values) => values.subarray((t + 1) * cell.units, (t + 2) * cell.units),
      mean = (values) => values.reduce((sum, v) => sum + v, 0) / cell.units;
    const slope = cell.activation === "relu" ? (v) => Number(v > 0) : (v) => 1 - v * v, factor = line[t] - line[t + 1];
    const times = Number.isFinite(factor) ? (10 ** factor).toFixed(2) : "–"; // nothing to divide by
    const slopes = () => `mean slope of ${cell.activation === "relu" ? "ReLU" : "tanh"} there ${mean(next(trace.h).map(slope)).toFixed(2)}`;
    const why = lstm ? `mean forget gate there ${mean(next(trace.f)).toFixed(2)}` : slopes();
    return `${what}: ${lstm ? "c is " : ""}${times} times the value at step ${t + 2} (${why})`;
  }

  // ---- the exact state, in the notebook ----------------------------------------------------------------------------

  load() {
    const state = this.model.get("state");
    this.saved = JSON.stringify(state);
    Object.assign(this, { digit: state.digit, step: state.step });
    this.scale.set(state.scale);
    this.length.set(STEPS.indexOf(state.steps));
    this.forget.set(state.forget);
    this.fresh.checked = state.fresh;
    for (const { firstChild: box } of this.boxes) box.checked = state.cells.includes(box.value);
    this.compute();
  }

  state() {
    const cells = this.boxes.filter(({ firstChild: box }) => box.checked).map(({ firstChild: box }) => box.value);
    return { cells, scale: this.scale.get(), steps: this.steps, forget: this.forget.get(), fresh: this.fresh.checked,
      digit: this.digit, step: this.step };
  }
}

const beyond = (power) => (power > HIGH + EDGE || Number.isNaN(power) ? " ▲" : power < LOW - EDGE ? " ▼" : "");
const place = (power) => (Number.isNaN(power) ? 0 : rowOf(power));
const floatsOf = (view) => new Float32Array(bytesOf(view).slice().buffer); // a copy begins at an even address

async function render({ model, el: place_ }) {
  return show(place_, NAME, async (root, signal) => {
    new River(model, root, await unpackImages(model.get("images")), signal);
  });
}

export default { render };
