// What the pictures are made of: elements, sliders, heat maps, legends, a pad to draw a digit on. No component of its own.

/** An element with attributes and children; `text` is its text, and what is null or false is left out. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") node.textContent = value;
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

/** An element of a drawing; see `el`. Its namespace is asked of the browser: a picture names no address at all. */
export function svg(tag, attributes = {}, ...children) {
  const space = document.createRange().createContextualFragment("<svg></svg>").firstChild.namespaceURI;
  const node = document.createElementNS(space, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** The wrapper of a picture. Keys stay inside: else `b` would insert a cell in Lab, and an arrow turn a slide. */
export function pictureRoot(/** @type {string} */ name) {
  const root = el("div", { class: "unrolled-picture", role: "group", "aria-label": name, "data-lm-suppress-shortcuts": "true" });
  root.addEventListener("keydown", (event) => event.stopPropagation());
  return root;
}

/**
 * Show a picture, or what went wrong: never a blank place. Hands back what frees everything again.
 * @param {HTMLElement} place  where Jupyter wants it
 * @param {string} name
 * @param {(root: HTMLElement, signal: AbortSignal) => Promise<void>} build  the signal ends its listeners and its work
 */
export async function show(place, name, build) {
  const root = pictureRoot(name), stop = new AbortController();
  place.append(root);
  try {
    await build(root, stop.signal);
  } catch (error) {
    root.replaceChildren(el("p", { class: "u-error", role: "alert", text: `${name} cannot be shown. ${error.message}` }));
  }
  return () => {
    stop.abort();
    root.remove();
  };
}

/** A slider with its name and its value in words. `change` fires when the hand lets go, `input` while it moves. */
export function slider({ name, min, max, step = 1, say = String }) {
  const input = el("input", { type: "range", min, max, step });
  const output = el("output", { "aria-hidden": "true" });
  const node = el("label", { class: "u-slider" }, el("span", { text: name }), input, output);
  const set = (value) => {
    input.value = value;
    output.textContent = say(value);
    input.setAttribute("aria-valuetext", say(value));
  };
  return { node, input, set, get: () => Number(input.value) };
}

export function button(text, attributes = {}) {
  return el("button", { type: "button", text, ...attributes });
}

// ColorBrewer's YlGnBu and PuOr (turned round), as the course's still figures have them. Pale or white is 0.
export const GATE_COLOURS = ["ffffd9", "edf8b1", "c7e9b4", "7fcdbb", "41b6c4", "1d91c0", "225ea8", "253494", "081d58"];
export const STATE_COLOURS = ["2d004b", "542788", "8073ac", "b2abd2", "d8daeb", "f7f7f7", "fee0b6", "fdb863", "e08214", "b35806", "7f3b08"];
export const INK_COLOURS = ["ffffff", "000000"];

/** 256 colours as 32-bit pixels (red lies first in memory), on straight lines between the anchors. */
export function colourTable(/** @type {string[]} */ anchors) {
  const rgb = anchors.map((hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  const table = new Uint8ClampedArray(4 * 256);
  for (let k = 0; k < 256; k++) {
    const place = (k / 255) * (rgb.length - 1), low = Math.min(Math.floor(place), rgb.length - 2);
    for (let part = 0; part < 3; part++) {
      table[4 * k + part] = rgb[low][part] + (place - low) * (rgb[low + 1][part] - rgb[low][part]);
    }
    table[4 * k + 3] = 255;
  }
  return new Uint32Array(table.buffer);
}

/** A canvas with one pixel a number; the style sheet stretches it, so that painting costs next to nothing. */
export class HeatMap {
  constructor(/** @type {number} */ rows, /** @type {number} */ columns, /** @type {string[]} */ anchors) {
    this.canvas = el("canvas", { "aria-hidden": "true" });
    this.context = this.canvas.getContext("2d");
    this.table = colourTable(anchors);
    this.resize(rows, columns);
  }

  /** Another number of pixels, all of them blank; the element stays where it is. */
  resize(/** @type {number} */ rows, /** @type {number} */ columns) {
    Object.assign(this.canvas, { width: columns, height: rows });
    this.picture = this.context.createImageData(columns, rows);
    this.pixels = new Uint32Array(this.picture.data.buffer);
  }

  /** Colours run from low to high, and stay the same beyond; rows above `from` are left as they are. `order`: which number stands in which column. */
  paint(/** @type {ArrayLike<number>} */ values, low, high, from = 0, /** @type {number[]|null} */ order = null) {
    const { width, height } = this.canvas, scale = 256 / (high - low);
    for (let k = from * width; k < this.pixels.length; k++) {
      const value = values[order === null ? k : k - (k % width) + order[k % width]];
      this.pixels[k] = this.table[Math.max(0, Math.min(255, Math.floor((value - low) * scale)))];
    }
    this.context.putImageData(this.picture, 0, 0, 0, from, width, height - from);
  }
}

/** The colours of a map with the numbers at their ends. */
export function legend(/** @type {string[]} */ anchors, /** @type {string[]} */ numbers) {
  const bar = el("i", { style: `background: linear-gradient(to right, ${anchors.map((hex) => `#${hex}`).join()})` });
  return el("div", { class: "u-legend" }, el("span", { text: numbers[0] }), bar, el("span", { text: numbers[1] }));
}

/** The row and the column under the pointer, counted from 0. The rectangle is asked each time: slides are scaled. */
export function under(event, /** @type {HTMLElement} */ field, rows, columns) {
  const box = field.getBoundingClientRect();
  const y = ((event.clientY - box.top) / box.height) * rows, x = ((event.clientX - box.left) / box.width) * columns;
  const inside = (place, size) => Math.max(0, Math.min(size - 1, Math.floor(place)));
  return { x, y, row: inside(y, rows), column: inside(x, columns) };
}

/** A number as one writes it: no zeros at the end, a true minus sign. */
export function spell(/** @type {number} */ value, places = 4) {
  const text = value.toFixed(places).replace(/\.?0+$/, "");
  return text === "-0" || text === "" ? "0" : text.replace("-", "−");
}

/** Bytes from text and back: a drawn digit is saved as 784 grey levels. */
export const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes));
export const fromBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** Images that Python packed with zlib, ink from 0 to 1. @returns {Promise<Float32Array>} */
export async function unpackImages(/** @type {DataView} */ packed) {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  return Float32Array.from(bytes, (level) => level / 255);
}

/** The bytes of a trait as Jupyter hands it over. */
export const bytesOf = ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength);

/** Call `task` once it was quiet for `delay` milliseconds; the last call counts. */
export function whenQuiet(task, delay, /** @type {AbortSignal} */ signal) {
  let timer;
  signal.addEventListener("abort", () => clearTimeout(timer));
  return () => {
    clearTimeout(timer);
    if (!signal.aborted) timer = setTimeout(task, delay);
  };
}

/** A picture whose `state()` lives in the model: saved when the hand is quiet, and `load()`ed when Python or another view sets it. */
export class KeptPicture {
  /** @param {object} more  what else the picture holds from the start */
  constructor(model, /** @type {HTMLElement} */ root, /** @type {AbortSignal} */ signal, more = {}) {
    Object.assign(this, { model, root, signal, saved: null, ...more });
    this.saveSoon = whenQuiet(() => this.save(), 250, signal);
    /** Listen to an element, as long as the picture is there. Bound, so that parts of a picture can be handed it. */
    this.on = (node, name, handler) => node.addEventListener(name, handler, { signal });
  }

  /** Listen to the model, as long as the picture is there. */
  hear(name, handler) {
    this.model.on(name, handler);
    this.signal.addEventListener("abort", () => this.model.off(name, handler));
  }

  /** What came back as it was sent is no news. */
  listenToModel(changed = () => this.load()) {
    this.hear("change:state", () => JSON.stringify(this.model.get("state")) === this.saved || changed());
  }

  save(state = this.state()) {
    this.saved = JSON.stringify(state);
    this.model.set("state", state);
    this.model.save_changes();
  }
}

/** A digit to draw on: pointer, touch, or arrow keys and space. It writes into `image` and says from which row on. */
export class DigitPad {
  /**
   * @param {Float32Array} image  (rows, columns), ink from 0 to 1; whole 255ths, so that it can be saved exactly
   * @param {{drawn: (row: number) => void, done: () => void, moved: () => void}} tell  a pixel changed (the first row that
   *   did), the hand let go, the keyboard's cursor moved
   */
  constructor(image, rows, columns, tell, /** @type {AbortSignal} */ signal) {
    Object.assign(this, { image, rows, columns, tell, erase: false, cursor: { row: rows >> 1, column: columns >> 1 }, last: null });
    this.map = new HeatMap(rows, columns, INK_COLOURS);
    this.mark = el("i", { class: "u-cursor", style: `width: ${100 / columns}%; height: ${100 / rows}%` });
    this.field = el("div", { class: "u-field u-pad", tabindex: "0", role: "application", "aria-roledescription": "drawing pad",
      "aria-label": `The digit, ${rows} rows of ${columns} pixels. Arrow keys move, space draws or erases a pixel.` },
      this.map.canvas, this.mark);
    const listen = (name, handler) => this.field.addEventListener(name, handler.bind(this), { signal });
    listen("pointerdown", this.press);
    listen("pointermove", this.move);
    for (const name of ["pointerup", "pointercancel"]) listen(name, this.release);
    listen("keydown", this.key);
    this.moveCursor(0, 0);
  }

  paint(from = 0) {
    this.map.paint(this.image, 0, 1, from);
  }

  press(event) {
    if (event.button !== 0) return;
    event.preventDefault(); // no text gets selected; the focus is set by hand
    this.field.focus({ preventScroll: true });
    this.field.setPointerCapture(event.pointerId);
    this.last = under(event, this.field, this.rows, this.columns);
    this.stroke(this.last, this.last);
  }

  move(event) {
    if (!this.last) return;
    const next = under(event, this.field, this.rows, this.columns);
    this.stroke(this.last, next);
    this.last = next;
  }

  release() {
    if (this.last) this.tell.done();
    this.last = null;
  }

  /** A line of a pen about two pixels wide, soft at its edge as the digits of MNIST are. */
  stroke(from, to) {
    let first = this.rows;
    for (let row = 0; row < this.rows; row++) {
      for (let column = 0; column < this.columns; column++) {
        const ink = 1.5 - distance(column + 0.5, row + 0.5, from, to);
        if (ink > 0 && this.set(row, column, this.erase ? 1 - Math.min(1, ink) : Math.min(1, ink))) first = Math.min(first, row);
      }
    }
    if (first < this.rows) this.tell.drawn(first);
  }

  /** Drawing only darkens, erasing only lightens; true when the pixel is another one now. */
  set(row, column, ink) {
    const at = row * this.columns + column, before = this.image[at];
    const wanted = this.erase ? Math.min(before, ink) : Math.max(before, ink);
    this.image[at] = Math.round(255 * wanted) / 255;
    return this.image[at] !== before;
  }

  key(event) {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (step) this.moveCursor(...step);
    else if (event.key === " ") this.toggle();
    else return;
    event.preventDefault(); // the page does not scroll
    this.tell.moved();
  }

  moveCursor(down, right) {
    const { row, column } = this.cursor;
    this.cursor = { row: Math.max(0, Math.min(this.rows - 1, row + down)), column: Math.max(0, Math.min(this.columns - 1, column + right)) };
    this.mark.style.left = `${(100 * this.cursor.column) / this.columns}%`;
    this.mark.style.top = `${(100 * this.cursor.row) / this.rows}%`;
  }

  toggle() {
    const at = this.cursor.row * this.columns + this.cursor.column;
    this.image[at] = this.image[at] < 0.5 ? 1 : 0;
    this.tell.drawn(this.cursor.row);
    this.tell.done();
  }
}

/** From the point (x, y) to the line between two points. */
function distance(x, y, from, to) {
  const dx = to.x - from.x, dy = to.y - from.y, length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : Math.max(0, Math.min(1, ((x - from.x) * dx + (y - from.y) * dy) / length));
  return Math.hypot(x - from.x - along * dx, y - from.y - along * dy);
}
