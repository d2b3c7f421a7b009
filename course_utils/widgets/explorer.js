// The misclassification explorer: from a count in the confusion matrix to its digits, and into each of them, row by row.

import { argmax, makeTrace, readCell, run } from "./core.js";
import { button, DigitPad, el, fromBase64, GATE_COLOURS, HeatMap, INK_COLOURS, KeptPicture, legend, show, slider, toBase64, under,
  unpackImages, whenQuiet } from "./parts.js";

const NAME = "Misclassification explorer";
const PAGE = 18; // digits of the gallery that are seen at once: beside the matrix there is room for so many
const PATIENCE = 2000; // milliseconds until a kernel that says nothing counts as missing
const SORTS = {
  "surest first": ["confidence", -1], "least sure first": ["confidence", 1],
  "widest margin first": ["margin", -1], "narrowest margin first": ["margin", 1],
};

const SORT_NAMES = { "widest margin first": "clearest lead over second place", "narrowest margin first": "narrowest lead over second place" };

const percent = (share) => `${(100 * share).toFixed(0)}%`;
const many = (count) => count.toLocaleString("en-US");
const digits = (count) => `${many(count)} digit${count === 1 ? "" : "s"}`;
const kept = (value, most) => Math.max(0, Math.min(most, value));
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** What is known of some digits, from Python's bytes; see `_facts` in explorer.py. */
export function readFacts(/** @type {DataView} */ view, /** @type {number} */ networks) {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice(); // a copy begins at an even address
  const n = bytes.length / (5 + 9 * networks);
  const float = (place) => new Float32Array(bytes.buffer, 4 * n * place, n);
  const byte = (place) => new Uint8Array(bytes.buffer, 4 * n * (1 + 2 * networks) + n * place, n);
  return {
    numbers: new Uint32Array(bytes.buffer, 0, n), labels: byte(0),
    nets: Array.from({ length: networks }, (_, k) => ({ confidence: float(1 + 2 * k), margin: float(2 + 2 * k),
      said: byte(1 + k) })),
  };
}

class Explorer extends KeptPicture {
  constructor(model, root, images, signal) {
    super(model, root, signal, { page: 0, tiles: [] });
    this.nets = this.readNetworks();
    const { features, classes } = this.nets[0].cell;
    Object.assign(this, { features, classes, steps: 28, size: 28 * features, total: model.get("total"),
      everyRow: model.get("every_row") });
    this.learn(readFacts(model.get("facts"), this.nets.length));
    this.pixels = new Map(Array.from(this.facts.numbers, (number, k) => [number,
      images.subarray(k * this.size, (k + 1) * this.size)]));
    this.image = new Float32Array(this.size);
    this.build();
    this.announceSoon = whenQuiet(() => (this.live.textContent = this.status.textContent), 600, signal);
    this.listenToModel();
    this.hear("msg:custom", (message, buffers) => this.answered(message, buffers ?? []));
    signal.addEventListener("abort", () => clearTimeout(this.timer));
    this.load();
  }

  readNetworks() {
    const { buffer, byteOffset } = this.model.get("weights");
    let start = byteOffset;
    return this.model.get("networks").map(({ name, spec, counts, rightAfter }) => {
      const { features, units, classes } = spec, wide = (spec.kind === "lstm" ? 4 : 1) * units;
      const length = 4 * ((features + units + 1) * wide + (units + 1) * classes);
      const cell = readCell(spec, new DataView(buffer, start, length));
      start += length;
      return { name, cell, counts, rightAfter, now: makeTrace(cell, 28), before: makeTrace(cell, 28) };
    });
  }

  /** The facts about the saved digits, or later, from the kernel, about all. */
  learn(facts) {
    this.facts = facts;
    this.place = new Map(Array.from(facts.numbers, (number, k) => [number, k]));
  }

  // ---- what stands on the page -------------------------------------------------------------------------------------

  build() {
    this.grid = el("div", { class: `u-miss${this.nets.length > 1 ? "" : " u-miss-one"}`, style: `--rows: ${this.steps}` }, this.buildDigit(),
      ...this.nets.map((net) => this.buildNet(net)));
    this.status = el("p", { class: "u-status" });
    this.numbers = el("p", { class: "u-numbers" });
    this.honest = el("p", { class: "u-note" });
    this.live = el("p", { class: "u-hidden", role: "status", "aria-live": "polite" });
    const upper = el("div", { class: "u-miss-upper" }, this.buildMatrix(), this.buildGallery());
    this.root.style.setProperty("--classes", this.classes);
    this.root.append(...this.buildLead(), upper, this.buildTools(), this.status, this.buildRows(), this.grid, this.numbers,
      this.honest, this.live,
      el("p", { class: "u-about", text: this.model.get("about") }));
  }

  buildLead() {
    const lead = "Press a coloured count: the digits that were read wrong in this way appear. " +
      "Choose one, then erase a stroke or add one. When does the answer change?";
    const read = "How to read this: a row of the matrix is what a digit was, a column what the network said; " +
      "on the diagonal they agree. " +
      `Below, each line of a map shows the probabilities of the ${this.classes} classes after that row of the digit, ` +
      "at the same height; " +
      "the orange box marks the true class, bold type and ◂ the answer. Tab moves from part to part, the arrow keys move inside one.";
    return [el("p", { class: "u-lead", text: lead }), el("p", { class: "u-how", text: read })];
  }

  buildMatrix() {
    this.cells = Array.from({ length: this.classes }, (_, true_) => Array.from({ length: this.classes }, (_, said) => {
      const cell = button("", { tabindex: "-1" });
      this.on(cell, "click", () => this.choose([true_, said]));
      this.on(cell, "pointerenter", () => this.mark([true_, said]));
      this.on(cell, "keydown", (event) => this.walkMatrix(event, true_, said));
      return cell;
    }));
    const was = el("th", { class: "u-miss-was", rowspan: this.classes, scope: "rowgroup" }, el("span", { text: "it was" }));
    const line = (cells, label) => el("tr", {}, ...(label === 0 ? [was] : []), el("th", { scope: "row", text: label }),
      ...cells.map((cell) => el("td", {}, cell)));
    const said = el("tr", {}, el("td", { colspan: 2 }), el("th", { class: "u-miss-said", colspan: this.classes, scope: "colgroup", text: "it said" }));
    const head = el("tr", {}, el("td", { colspan: 2 }), ...this.cells.map((_, label) => el("th", { scope: "col", text: label })));
    this.caption = el("caption");
    const table = el("table", { class: "u-miss-matrix" }, this.caption, el("thead", {}, said, head),
      el("tbody", {}, ...this.cells.map(line)));
    this.on(table, "pointerleave", () => this.mark(null));
    return el("div", {}, this.buildSwitch(), table);
  }

  /** Whose matrix, and all its misses at once. */
  buildSwitch() {
    const group = `network-${Math.random().toString(36).slice(2)}`; // radios of two pictures on a page stay apart
    this.radios = this.nets.map(({ name }) => {
      const input = el("input", { type: "radio", name: group, value: name });
      this.on(input, "change", () => this.setNetwork(name));
      return el("label", { class: "u-choice" }, input, name);
    });
    this.all = button("");
    this.on(this.all, "click", () => this.choose(null));
    const choice = el("span", { role: "group", "aria-label": "Whose confusion matrix" }, ...this.radios);
    return el("div", { class: "u-tools" }, ...(this.nets.length > 1 ? [choice] : []), this.all);
  }

  buildGallery() {
    this.title = el("b");
    this.sorting = el("select", {}, ...Object.keys(SORTS).map((name) => el("option", { value: name, text: SORT_NAMES[name] ?? name })));
    this.on(this.sorting, "change", () => this.setSort(this.sorting.value));
    [this.back, this.next] = [["‹", "earlier digits", -1], ["›", "further digits", 1]].map(([text, name, by]) => {
      const turn = button(text, { "aria-label": name, title: name });
      this.on(turn, "click", () => this.turn(by));
      return turn;
    });
    this.range = el("span");
    this.tiles = Array.from({ length: PAGE }, (_, k) => this.buildTile(k));
    this.gallery = el("div", { class: "u-miss-gallery", role: "group", "aria-label": "Digits" },
      ...this.tiles.map((tile) => tile.node));
    this.absent = el("p", { class: "u-note u-miss-absent", role: "status" });
    const tools = el("div", { class: "u-tools" }, el("label", {}, this.sorting), this.back, this.range, this.next);
    this.sorting.setAttribute("aria-label", "Order of the digits");
    return el("div", { class: "u-miss-right" }, el("p", { class: "u-miss-gallery-title" }, this.title), tools, this.gallery,
      this.absent);
  }

  buildTile(k) {
    const map = new HeatMap(this.steps, this.features, INK_COLOURS), text = el("span");
    const node = button("", { class: "u-miss-tile", tabindex: "-1" });
    node.append(map.canvas, text);
    this.on(node, "click", () => this.setDigit(this.tiles[k].number));
    this.on(node, "pointerenter", () => this.mark(this.cellOf(this.tiles[k].number)));
    this.on(node, "pointerleave", () => this.mark(null));
    this.on(node, "keydown", (event) => this.walkGallery(event, k));
    return { node, map, text, number: null };
  }

  buildTools() {
    this.eraser = button("Erase", { "aria-pressed": "false" });
    this.on(this.eraser, "click", () => this.setErase(!this.pad.erase));
    this.undo = button("Undo changes");
    this.on(this.undo, "click", () => this.restore());
    const blank = button("Blank sheet");
    this.on(blank, "click", () => this.own());
    this.centre = button("Centre it", { title: "as the digits of MNIST are: the middle of the ink in the middle of the sheet" });
    this.on(this.centre, "click", () => this.moveToCentre());
    return el("div", { class: "u-tools" }, el("span", { text: "Draw on the digit, or" }), this.eraser, this.undo,
      el("span", { text: "Write your own on a" }), blank, this.centre);
  }

  setErase(erase) {
    this.pad.erase = erase;
    this.eraser.setAttribute("aria-pressed", String(erase));
  }

  buildRows() {
    this.rowSlider = slider({ name: "Rows read", min: 1, max: this.steps, say: (row) => `${row} of ${this.steps}` });
    this.on(this.rowSlider.input, "input", () => this.setRow(this.rowSlider.get()));
    return this.rowSlider.node;
  }

  buildDigit() {
    const tell = { drawn: (row) => this.drawn(row), done: () => this.saveSoon(),
      moved: () => this.probe(this.pad.cursor.row, true) };
    this.pad = new DigitPad(this.image, this.steps, this.features, tell, this.signal);
    this.pad.field.append(...veils());
    this.on(this.pad.field, "pointermove", (event) => this.probe(under(event, this.pad.field, this.steps, this.features).row));
    this.leaving(this.pad.field);
    this.digitTitle = el("span");
    return el("div", { class: "u-panel" }, el("div", { class: "u-title" }, this.digitTitle), this.pad.field);
  }

  /** One network: its probabilities after each row, and as bars after the rows read. */
  buildNet(net) {
    net.map = new HeatMap(this.steps, this.classes, GATE_COLOURS);
    const name = `${net.name}: probabilities of ${this.classes} classes after each of ${this.steps} rows. ` +
      "Up and down choose a row.";
    net.field = el("div", { class: `u-field u-map${this.everyRow ? "" : " u-miss-unlearned"}`, tabindex: "0", role: "application",
      "data-net": net.name, "aria-roledescription": "heat map", "aria-label": name },
      net.map.canvas, el("i", { class: "u-miss-stripes" }), el("i", { class: "u-miss-true" }), ...veils());
    const rowUnder = (event) => under(event, net.field, this.steps, this.classes).row;
    this.on(net.field, "pointermove", (event) => this.point(rowUnder(event), event.buttons === 1));
    this.on(net.field, "pointerdown", (event) => {
      event.preventDefault();
      net.field.focus({ preventScroll: true });
      this.point(rowUnder(event), true);
    });
    this.on(net.field, "keydown", (event) => this.stepRow(event));
    this.leaving(net.field);
    const labels = el("div", { class: "u-miss-labels", "aria-hidden": "true" },
      ...Array.from({ length: this.classes }, (_, label) => el("span", { text: label })));
    const map = el("div", { class: "u-panel" }, el("div", { class: "u-title" }, el("b", { text: `${net.name}, row by row` })),
      net.field, labels,
      legend(GATE_COLOURS, ["0", "1"]));
    return el("div", { class: "u-miss-net" }, map, this.buildBars(net));
  }

  buildBars(net) {
    net.bars = Array.from({ length: this.classes }, (_, label) => {
      const bar = el("i", { class: "u-bar" }), ghost = el("i", { class: "u-ghost" }), share = el("span", { class: "u-share" });
      const node = el("div", { class: "u-class" }, el("span", { class: "u-miss-label", text: label }),
        el("div", { class: "u-track" }, bar, ghost), share);
      return { node, bar, ghost, share };
    });
    net.title = el("b");
    const bars = el("div", { class: "u-bars", "aria-hidden": "true" },
      ...net.bars.map((bar) => bar.node)); // the status says it in words
    const key = el("div", { class: "u-miss-labels u-key", text: "‖ before the change" });
    return el("div", { class: "u-panel" }, el("div", { class: "u-title" }, net.title), bars, key);
  }

  // ---- the matrix and its digits -----------------------------------------------------------------------------------

  get net() {
    return this.nets[this.index];
  }

  setNetwork(name) {
    this.index = Math.max(0, this.nets.findIndex((net) => net.name === name));
    this.showMatrix();
    this.list();
    this.saveSoon();
  }

  /** A cell of the matrix, [true, said], or null for all misses. The first of its digits is shown; an empty cell has none to choose. */
  choose(cell) {
    if (cell && this.net.counts[cell[0]][cell[1]] === 0) return void (this.live.textContent = "No digit was read like this.");
    this.cell = cell;
    this.showMatrix();
    this.list();
    if (this.listed.length && this.pixels.has(this.listed[0])) this.setDigit(this.listed[0]);
    this.saveSoon();
  }

  setSort(name) {
    this.sort = name;
    this.list();
    this.saveSoon();
  }

  showMatrix() {
    const { counts, name } = this.net, wrong = this.misses(counts);
    let most = 1;
    counts.forEach((row, true_) => row.forEach((count, said) => true_ !== said && (most = Math.max(most, count))));
    this.caption.textContent = `${many(this.total)} digits, ${many(wrong)} read wrong by the ${name}`;
    this.all.textContent = `All ${many(wrong)} misses`;
    this.all.setAttribute("aria-pressed", String(this.cell === null));
    this.radios.forEach((radio, k) => (radio.firstChild.checked = k === this.index));
    this.cells.forEach((row, true_) => row.forEach((node, said) => this.paintCell(node, true_, said, counts[true_][said], most)));
  }

  misses(counts) {
    return counts.reduce((sum, row, true_) => sum + row.reduce((a, b) => a + b, 0) - row[true_], 0);
  }

  /** Only mistakes are coloured, the more the darker: as in the lesson's figure. */
  paintCell(node, true_, said, count, most) {
    const right = true_ === said, depth = count / most;
    node.textContent = count || "";
    node.className = right ? "u-miss-right-answer" : "";
    if (!right) node.style.background = between([255, 245, 235], [166, 54, 3], count ? 0.08 + 0.92 * depth : 0);
    if (!right) node.style.color = depth > 0.78 ? "#ffffff" : "#000000"; // whichever is read better
    node.setAttribute("aria-label", right ? `${true_} read as ${said}, right: ${digits(count)}`
      : `${true_} read as ${said}: ${digits(count)}`);
    const chosen = this.cell !== null && this.cell[0] === true_ && this.cell[1] === said;
    node.setAttribute("aria-disabled", String(count === 0));
    node.setAttribute("aria-pressed", String(chosen));
    node.tabIndex = chosen || (this.cell === null && true_ + said === 0) ? 0 : -1;
  }

  walkMatrix(event, true_, said) {
    const [down, right] = ARROWS[event.key] ?? [];
    if (down === undefined) return;
    event.preventDefault();
    this.focusOne(this.cells.flat(), this.cells[kept(true_ + down, this.classes - 1)][kept(said + right, this.classes - 1)]);
  }

  /** One of many buttons takes part in Tab, the others are reached by arrows. */
  focusOne(nodes, chosen) {
    for (const node of nodes) node.tabIndex = node === chosen ? 0 : -1;
    chosen.focus();
  }

  /** Hover works both ways: a count shows its tiles, a tile its count. */
  mark(cell) {
    this.marked?.classList.remove("u-miss-marked");
    this.marked = cell && this.cells[cell[0]][cell[1]];
    this.marked?.classList.add("u-miss-marked");
    for (const { node, number } of this.tiles) node.classList.toggle("u-miss-marked",
      cell !== null && number !== null && same(this.cellOf(number), cell));
  }

  cellOf(number) {
    const k = this.place.get(number);
    return k === undefined ? null : [this.facts.labels[k], this.facts.nets[this.index].said[k]];
  }

  /** Which digits the gallery shows, in which order; those not here yet are asked for. It may follow the chosen digit. */
  list(follow = false) {
    const { labels, numbers, nets } = this.facts, { said } = nets[this.index], [key, sign] = SORTS[this.sort],
      values = nets[this.index][key];
    const inside = this.cell === null ? (k) => said[k] !== labels[k]
      : (k) => labels[k] === this.cell[0] && said[k] === this.cell[1];
    const places = [...numbers.keys()].filter(inside).sort((a, b) => sign * (values[a] - values[b]));
    this.listed = places.map((k) => numbers[k]);
    this.count = this.cell === null ? this.misses(this.net.counts) : this.net.counts[this.cell[0]][this.cell[1]];
    if (this.listed.length < this.count && numbers.length < this.total) this.askKernel({ want: "facts" });
    this.page = follow ? Math.max(0, Math.floor(this.listed.indexOf(this.digit) / PAGE)) : 0;
    this.sorting.value = this.sort;
    this.showPage();
  }

  turn(by) {
    this.page = kept(this.page + by, Math.floor((this.listed.length - 1) / PAGE));
    this.showPage();
  }

  showPage() {
    const first = this.page * PAGE, shown = this.listed.slice(first, first + PAGE),
      missing = shown.filter((number) => !this.pixels.has(number));
    if (missing.length) this.askKernel({ want: "images", numbers: missing });
    this.tiles.forEach((tile, k) => this.showTile(tile, shown[k] ?? null));
    const of = this.listed.length === this.count ? many(this.count) : `${many(this.listed.length)} saved`;
    this.range.textContent = shown.length ? `${many(first + 1)} to ${many(first + shown.length)} of ${of}` : "none";
    this.back.disabled = first === 0;
    this.next.disabled = first + PAGE >= this.listed.length;
    this.title.textContent = this.cellInWords();
    this.showAbsent();
  }

  cellInWords() {
    const { name } = this.net, count = digits(this.count);
    if (this.cell === null) return `${count} that the ${name} reads wrong`;
    const [true_, said] = this.cell;
    return `${count}: a ${true_}, read as ${said} by the ${name}${true_ === said ? ", which is right" : ""}`;
  }

  showTile(tile, number) {
    tile.number = number;
    tile.node.hidden = number === null;
    if (number === null) return;
    const k = this.place.get(number), pixels = this.pixels.get(number), [true_, said] = this.cellOf(number);
    const { confidence, margin } = this.facts.nets[this.index], key = SORTS[this.sort][0];
    const value = key === "margin" ? `+${percent(margin[k])}` : percent(confidence[k]);
    tile.map.paint(pixels ?? new Float32Array(this.size).fill(0.12), 0, 1);
    tile.text.textContent = this.cell === null ? `${true_}→${said} ${value}` : value;
    tile.node.setAttribute("aria-label",
      `digit ${number}, a ${true_}, read as ${said}, ${percent(confidence[k])}, ahead by ${percent(margin[k])}`);
    this.showChosen(tile);
  }

  showChosen({ node, number }) {
    const chosen = number === this.digit;
    node.setAttribute("aria-pressed", String(chosen));
    node.tabIndex = chosen || (!this.listed.includes(this.digit) && number === this.listed[this.page * PAGE]) ? 0 : -1;
  }

  walkGallery(event, k) {
    const [down, right] = ARROWS[event.key] ?? [];
    if (down === undefined) return;
    event.preventDefault();
    const shown = this.tiles.filter((tile) => tile.number !== null).map((tile) => tile.node);
    const columns = shown.filter((node) => node.offsetTop === shown[0].offsetTop).length;
    this.focusOne(shown, shown[kept(k + right + down * columns, shown.length - 1)]);
  }

  // ---- what only a kernel has --------------------------------------------------------------------------------------

  /** Ask for facts about all digits, or for images. Where no kernel runs, nobody answers: then the picture says so. */
  askKernel(wish) {
    const key = JSON.stringify(wish);
    if (this.asked === key) return;
    this.asked = key;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.nobody(), PATIENCE);
    Promise.resolve().then(() => this.model.send(wish)).catch(() => this.nobody());
  }

  nobody() {
    if (this.signal.aborted) return;
    clearTimeout(this.timer);
    this.asked = null;
    this.silent = true;
    this.showAbsent();
  }

  answered({ have, numbers }, [buffer]) {
    if (!buffer) return;
    clearTimeout(this.timer);
    Object.assign(this, { asked: null, silent: false });
    const view = buffer instanceof DataView ? buffer : new DataView(buffer.buffer ?? buffer, buffer.byteOffset ?? 0,
      buffer.byteLength);
    if (have === "facts") {
      this.learn(readFacts(view, this.nets.length));
      return this.list(true);
    }
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const image = (k) => Float32Array.from(bytes.subarray(k * this.size, (k + 1) * this.size), (level) => level / 255);
    numbers.forEach((number, k) => this.pixels.set(number, image(k)));
    this.showPage();
    if (this.wanted !== null && this.pixels.has(this.wanted)) this.setDigit(this.wanted);
  }

  /** How many digits of this cell cannot be shown, and what helps. */
  showAbsent() {
    const lacking = this.tiles.filter(({ number }) => number !== null && !this.pixels.has(number)).length;
    const absent = Math.max(this.count - this.listed.length, lacking);
    const another = this.listed.length ? "" : " The digit below is another one.";
    if (absent === 0) return void (this.absent.textContent = this.count ? "" : `No digit was read like this.${another}`);
    const only = this.listed.length ? `${many(this.count - absent)} of ${many(this.count)} are saved with this picture.`
      : `None of the ${many(this.count)} is saved with this picture.${another}`;
    this.absent.textContent = this.silent ? `${only} The others come from a running kernel: run the cell above.`
      : `${only} The kernel is asked for the others …`;
  }

  // ---- one digit ---------------------------------------------------------------------------------------------------

  setDigit(number) {
    this.wanted = null;
    if (!this.pixels.has(number)) {
      this.wanted = number;
      return this.askKernel({ want: "images", numbers: [number] });
    }
    this.original = this.pixels.get(number);
    if (number !== this.digit) this.setErase(false); // the eraser was for the digit before
    this.digit = number;
    this.image.set(this.original);
    this.computeBefore();
    this.tiles.forEach((tile) => tile.number !== null && this.showChosen(tile));
    this.saveSoon();
  }

  /** A blank sheet for a digit of one's own. */
  own() {
    Object.assign(this, { digit: null, original: new Float32Array(this.size) });
    this.image.fill(0);
    this.setErase(false);
    this.computeBefore();
    this.tiles.forEach((tile) => tile.number !== null && this.showChosen(tile));
    this.pad.field.focus({ preventScroll: true });
    this.saveSoon();
  }

  restore() {
    this.image.set(this.original);
    this.drawn(0);
    this.saveSoon();
  }

  /** Whole pixels only: the middle of the ink goes to the middle of the sheet. */
  moveToCentre() {
    let ink = 0, down = 0, right = 0;
    this.image.forEach((v, k) => {
      ink += v;
      down += v * (Math.floor(k / this.features) + 0.5);
      right += v * ((k % this.features) + 0.5);
    });
    if (ink === 0) return;
    const by = Math.round(this.steps / 2 - down / ink), side = Math.round(this.features / 2 - right / ink),
      old = this.image.slice();
    for (let k = 0; k < this.size; k++) {
      const row = Math.floor(k / this.features) - by, column = (k % this.features) - side;
      const inside = row >= 0 && row < this.steps && column >= 0 && column < this.features;
      this.image[k] = inside ? old[row * this.features + column] : 0;
    }
    this.drawn(0);
    this.saveSoon();
  }

  /** What the networks made of it before a hand touched it: the marks on the bars. */
  computeBefore() {
    for (const { cell, before } of this.nets) run(cell, this.original, before);
    this.drawn(0);
  }

  drawn(from) {
    this.changed = this.image.some((ink, k) => ink !== this.original[k]);
    for (const { cell, now, before, map } of this.nets) {
      if (this.changed) run(cell, this.image, now, null, from);
      else for (const key of Object.keys(now)) if (key !== "steps") now[key].set(before[key]); // known already
      map.paint(now.p, 0, 1, this.changed ? from : 0);
    }
    this.pad.paint(from);
    this.label = this.facts.labels[this.place.get(this.digit)] ?? null;
    this.undo.disabled = !this.changed;
    this.root.classList.toggle("u-cut", this.changed && this.digit !== null);
    this.digitTitle.textContent = this.digit === null ? "drawn by hand"
      : `${this.who("digit")}${this.changed ? ", changed" : ""}`;
    this.grid.classList.toggle("u-miss-known", this.label !== null);
    this.grid.style.setProperty("--true", this.label ?? 0);
    this.showRow();
  }

  setRow(row) {
    this.row = row;
    this.rowSlider.set(row);
    this.showRow();
    this.saveSoon();
  }

  point(row, pressed) {
    this.probe(row);
    if (pressed) this.setRow(row + 1);
  }

  stepRow(event) {
    const [down, right] = ARROWS[event.key] ?? [];
    if (down === undefined) return;
    event.preventDefault();
    if (right) return;
    this.setRow(kept(this.row - 1 + down, this.steps - 1) + 1);
    this.probe(this.row - 1, true);
  }

  showRow() {
    this.grid.style.setProperty("--row", this.row);
    for (const net of this.nets) this.showBars(net);
    this.showHonesty();
    this.status.textContent = this.inWords();
    this.showProbe();
    this.announceSoon();
  }

  showBars({ name, now, before, bars, title }) {
    const start = (this.row - 1) * this.classes, said = argmax(now.p, start, start + this.classes);
    title.textContent = `${name} after row ${this.row}`;
    bars.forEach(({ node, bar, ghost, share }, label) => {
      const p = now.p[start + label], was = before.p[start + label];
      bar.style.transform = `scaleX(${p})`;
      ghost.style.left = `${100 * was}%`;
      ghost.hidden = Math.abs(was - p) < 0.005;
      share.textContent = percent(p);
      node.classList.toggle("u-said", label === said);
      node.classList.toggle("u-miss-is", label === this.label);
    });
  }

  inWords() {
    const says = (key) => this.nets.map((net) => `the ${net.name} says ${this.answer(net[key])}`).join(", ");
    const blank = this.digit === null && !this.image.some((ink) => ink > 0);
    const must = this.nets.length > 1 ? "each network" : "the network";
    if (blank) return `A blank sheet. Write a digit on it, anywhere. Even blank paper gets an answer, because ${must} must choose one of ${this.classes}: ${says("now")}.`;
    const what = this.digit === null ? "Your own digit" : `${this.who("Digit")}${this.changed ? ", changed" : ""}`;
    const was = this.changed && this.digit !== null
      ? ` Before the change: ${this.nets.map((net) => `${net.name} ${this.answer(net.before)}`).join(", ")}.` : "";
    return `${what}: after row ${this.row} ${says("now")}.${was}`;
  }

  /** Its number, and its class where that is known here. */
  who(digit) {
    return `${digit} ${many(this.digit)}${this.label === null ? "" : `, a ${this.label}`}`;
  }

  answer({ p }) {
    const start = (this.row - 1) * this.classes, said = argmax(p, start, start + this.classes);
    return `${said} (${percent(p[start + said])})`;
  }

  /** How far the lines before the last can be trusted is counted on all digits, not claimed. */
  showHonesty() {
    const { row, steps } = this, [some, they] = this.nets.length > 1 ? ["These networks", "they were"]
      : ["This network", "it was"];
    const shares = this.nets.map(({ name, rightAfter }) => `the ${name} is right for ${many(rightAfter[row - 1])}`).join(", ");
    const counted = `after row ${row} ${shares} of all ${many(this.total)} digits`;
    this.honest.textContent = this.everyRow
      ? `${some} learned to answer after every row, so each line of a map is an answer ${they} trained to give: ${counted}.`
      : `Careful: ${some.toLowerCase()} learned to answer after row ${steps} only. ` +
        `The striped lines before it need not mean anything: ${counted}.`;
  }

  probe(row, aloud = false) {
    this.probed = row;
    this.showProbe();
    if (aloud) this.live.textContent = this.numbers.textContent;
  }

  /** Where the pointer or the focus has gone, nothing is pointed at: the line would look like the rows that were read. */
  leaving(field) {
    for (const name of ["pointerleave", "blur"]) this.on(field, name, () => this.probe(undefined));
  }

  /** The three largest probabilities after the row under the pointer. */
  showProbe() {
    const hint = "Point at a line of a map: its numbers appear here. Press to read up to that row.";
    this.grid.classList.toggle("u-probing", this.probed !== undefined);
    if (this.probed === undefined) return void (this.numbers.textContent = hint);
    this.grid.style.setProperty("--probe", this.probed + 1);
    const best = ({ name, now: { p } }) => {
      const line = p.subarray(this.probed * this.classes, (this.probed + 1) * this.classes);
      const order = [...line.keys()].sort((a, b) => line[b] - line[a]).slice(0, 3);
      return `${name} ${order.map((label) => `${label}: ${line[label].toFixed(3)}`).join("  ")}`;
    };
    this.numbers.textContent = `After row ${this.probed + 1}:   ${this.nets.map(best).join("     ")}`;
  }

  // ---- the exact state, in the notebook ----------------------------------------------------------------------------

  load() {
    const state = this.model.get("state");
    this.saved = JSON.stringify(state);
    Object.assign(this, { row: state.row, cell: state.cell, sort: state.sort, digit: state.digit, wanted: null });
    this.index = Math.max(0, this.nets.findIndex((net) => net.name === state.network));
    this.rowSlider.set(this.row);
    const given = state.image === null ? null : Float32Array.from(fromBase64(state.image), (level) => level / 255);
    this.original = (this.digit === null ? new Float32Array(this.size) : this.pixels.get(this.digit)) ?? given;
    this.image.set(given ?? this.original);
    this.computeBefore();
    this.showMatrix();
    this.list(true);
  }

  state() {
    const image = this.changed || this.digit === null || !this.travels(this.digit)
      ? toBase64(Uint8Array.from(this.image, (ink) => Math.round(255 * ink))) : null;
    return { network: this.net.name, cell: this.cell, sort: this.sort, digit: this.digit, image, row: this.row };
  }

  /** Whether a digit is saved with the picture: of others, the state keeps the image. */
  travels(number) {
    this.home ??= new Set(readFacts(this.model.get("facts"), this.nets.length).numbers);
    return this.home.has(number);
  }
}

const between = (low, high, share) => `rgb(${low.map((part, k) => Math.round(part + share * (high[k] - part))).join()})`;
const same = (a, b) => a !== null && a[0] === b[0] && a[1] === b[1];
const veils = () => ["u-veil", "u-line", "u-row"].map((name) => el("i", { class: name }));

async function render({ model, el: place }) {
  return show(place, NAME, async (root, signal) => {
    new Explorer(model, root, await unpackImages(model.get("images")), signal);
  });
}

export default { render };
