// The arithmetic behind every picture: a cell, a digit, forced gates, and what 500 digits say about it. Pure functions:
// no DOM, no state of their own. Python joins this file with a component's (see __init__.py); node runs it in the tests.

/**
 * @typedef {"i"|"f"|"g"|"o"} Gate  input, forget, candidate, output; Keras packs its weights in this order
 * @typedef {Object} Spec
 * @property {"lstm"|"rnn"} kind
 * @property {number} features  numbers in one row
 * @property {number} units
 * @property {number} classes
 * @property {"tanh"|"relu"} activation  around a SimpleRNN's sum; an LSTM always has tanh
 * @typedef {Spec & {W_x: Float32Array, W_h: Float32Array, b: Float32Array, W_y: Float32Array, b_y: Float32Array}} Cell
 *   matrices row by row: W_x (features, gates * units), W_h (units, gates * units), W_y (units, classes)
 * @typedef {{gate: Gate, value: number, first: number, last: number}} Forced  all units, rows first to last, counted from 1
 * @typedef {Object} Trace  what happened in each row, row by row: (steps, units), and (steps, classes) for p
 * @property {number} steps
 * @property {Float64Array} h
 * @property {Float64Array} c  an LSTM only, as the gates
 * @property {Float64Array} i
 * @property {Float64Array} f
 * @property {Float64Array} g
 * @property {Float64Array} o
 * @property {Float64Array} p  class probabilities: what the output layer makes of h after this row
 * @property {Float64Array} a  scratch: the sums of the present row
 */

export const GATES = /** @type {Gate[]} */ (["i", "f", "g", "o"]);

/** Cut one block of float32 numbers (W_x, W_h, b, W_y, b_y, little-endian) into a cell. */
export function readCell(/** @type {Spec} */ spec, /** @type {DataView} */ bytes) {
  const { features, units, classes } = spec;
  const wide = (spec.kind === "lstm" ? 4 : 1) * units;
  const sizes = { W_x: features * wide, W_h: units * wide, b: wide, W_y: units * classes, b_y: classes };
  const total = Object.values(sizes).reduce((sum, size) => sum + size, 0);
  if (bytes.byteLength !== 4 * total) throw new Error(`${total} weights were expected, ${bytes.byteLength / 4} came.`);
  const all = new Float32Array(total); // a copy: the bytes may begin at any address
  for (let k = 0; k < total; k++) all[k] = bytes.getFloat32(4 * k, true);
  let start = 0;
  const parts = Object.entries(sizes).map(([name, size]) => [name, all.subarray(start, (start += size))]);
  return /** @type {Cell} */ ({ ...spec, ...Object.fromEntries(parts) });
}

/** Room for everything that happens in `steps` rows; made once, written by `run` again and again. @returns {Trace} */
export function makeTrace(/** @type {Cell} */ cell, /** @type {number} */ steps) {
  const names = cell.kind === "lstm" ? ["h", "c", ...GATES] : ["h"];
  const states = names.map((name) => [name, new Float64Array(steps * cell.units)]);
  return { steps, ...Object.fromEntries(states), p: new Float64Array(steps * cell.classes), a: new Float64Array(cell.b.length) };
}

/**
 * Read a digit row by row and write states, gates and probabilities into the trace.
 * @param {Cell} cell
 * @param {Float32Array} image  (steps, features)
 * @param {Trace} trace  from `makeTrace`
 * @param {Forced|null} forced  a gate held at a value, or null
 * @param {number} from  the first row that changed, from 0: what lies before it stays as it is
 */
export function run(cell, image, trace, forced = null, from = 0) {
  for (let t = from; t < trace.steps; t++) {
    sums(cell, image, trace, t);
    if (cell.kind === "lstm") lstmStep(cell, trace, forced, t);
    else rnnStep(cell, trace, t);
    classProbabilities(cell, trace, t);
  }
  return trace;
}

/** a = x_t W_x + h_{t-1} W_h + b */
function sums(cell, image, trace, t) {
  trace.a.set(cell.b);
  addProduct(trace.a, image, t * cell.features, cell.features, cell.W_x);
  if (t > 0) addProduct(trace.a, trace.h, (t - 1) * cell.units, cell.units, cell.W_h);
}

/** a += v M, with v = values[start ... start + size]. Blank pixels cost nothing; four rows of M at a time cost half as much. */
function addProduct(a, values, start, size, M) {
  const wide = a.length;
  let k = 0;
  for (; k + 4 <= size; k += 4) {
    const v = values[start + k], w = values[start + k + 1], x = values[start + k + 2], y = values[start + k + 3];
    const at = k * wide;
    if (v === 0 && w === 0 && x === 0 && y === 0) continue;
    for (let j = 0; j < wide; j++) a[j] += v * M[at + j] + w * M[at + wide + j] + x * M[at + 2 * wide + j] + y * M[at + 3 * wide + j];
  }
  for (; k < size; k++) for (let j = 0; j < wide; j++) a[j] += values[start + k] * M[k * wide + j];
}

const sigmoid = (a) => 1 / (1 + Math.exp(-a));

/** The six equations, unit by unit; c and h before the first row are 0. */
function lstmStep({ units }, { a, h, c, ...gates }, forced, t) {
  for (let u = 0, at = t * units; u < units; u++, at++) {
    gates.i[at] = sigmoid(a[u]);
    gates.f[at] = sigmoid(a[units + u]);
    gates.g[at] = Math.tanh(a[2 * units + u]);
    gates.o[at] = sigmoid(a[3 * units + u]);
    if (isForced(forced, t)) gates[forced.gate][at] = forced.value;
    c[at] = gates.f[at] * (t > 0 ? c[at - units] : 0) + gates.i[at] * gates.g[at];
    h[at] = gates.o[at] * Math.tanh(c[at]);
  }
}

function rnnStep({ units, activation }, { a, h }, t) {
  for (let u = 0; u < units; u++) h[t * units + u] = activation === "relu" ? Math.max(0, a[u]) : Math.tanh(a[u]);
}

/** Whether a gate is forced in row t, counted from 0. */
export function isForced(/** @type {Forced|null} */ forced, /** @type {number} */ t) {
  return forced !== null && t + 1 >= forced.first && t + 1 <= forced.last;
}

/** p_t = softmax(h_t W_y + b_y) */
function classProbabilities({ units, classes, W_y, b_y }, trace, t) {
  const z = trace.p.subarray(t * classes, (t + 1) * classes);
  z.set(b_y);
  addProduct(z, trace.h, t * units, units, W_y);
  softmax(z);
}

/** Turn logits into probabilities, in place; the largest is taken off first, so that exp never overflows. */
export function softmax(/** @type {Float64Array} */ z) {
  const top = z.reduce((a, b) => Math.max(a, b));
  let sum = 0;
  for (let k = 0; k < z.length; k++) sum += z[k] = Math.exp(z[k] - top);
  for (let k = 0; k < z.length; k++) z[k] /= sum;
}

/** The place of the largest number; the first of equals. */
export function argmax(/** @type {ArrayLike<number>} */ values, start = 0, end = values.length) {
  let best = start;
  for (let k = start + 1; k < end; k++) if (values[k] > values[best]) best = k;
  return best - start;
}

/** Wilson's interval (1927) for a share of right answers, 95%: [low, high]. */
export function wilson(/** @type {number} */ right, /** @type {number} */ n) {
  const z = 1.959964, share = right / n, spread = 1 + (z * z) / n;
  const middle = share + (z * z) / (2 * n);
  const half = z * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
  return [(middle - half) / spread, (middle + half) / spread];
}

/**
 * Ask many digits, a few at a time, so that the page stays awake.
 * @param {Cell} cell
 * @param {{images: Float32Array, labels: Uint8Array, steps: number}} digits
 * @param {Forced|null} forced
 * @param {{go?: () => boolean, progress?: (done: number) => void, slice?: number}} how  `go` is asked between slices of
 *   `slice` milliseconds: false stops
 * @returns {Promise<{n: number, said: Uint8Array, rightAfter: Uint32Array}|null>} last answers, and how many were right after each
 *   row; null when stopped
 */
export async function survey(cell, { images, labels, steps }, forced, { go = () => true, progress, slice = 6 } = {}) {
  const n = labels.length, size = steps * cell.features, trace = makeTrace(cell, steps);
  const found = { n, said: new Uint8Array(n), rightAfter: new Uint32Array(steps) };
  for (let k = 0, start = now(); k < n; k++) {
    run(cell, images.subarray(k * size, (k + 1) * size), trace, forced);
    for (let t = 0; t < steps; t++) {
      found.said[k] = argmax(trace.p, t * cell.classes, (t + 1) * cell.classes);
      if (found.said[k] === labels[k]) found.rightAfter[t]++;
    }
    if (now() - start > slice) {
      progress?.(k + 1);
      await new Promise((resume) => setTimeout(resume));
      if (!go()) return null;
      start = now();
    }
  }
  return found;
}

const now = () => performance.now();

/**
 * @typedef {Object} Back  vectors on their way back through time, one row a probe; their true size is 10^shift times theirs
 * @property {number} probes
 * @property {number} t  the step, from 0, at whose states they are
 * @property {Float64Array} h  v dh_T/dh_t, with the cell state held: what reaches h_t (probes, units)
 * @property {Float64Array} c  v dh_T/dc_t by all ways: what reaches c_t; an LSTM only
 * @property {number} shift
 * @property {Float64Array} a  scratch: what reaches the sums of one probe
 */

/** The vectors at the last step: directions of h_T, (probes, units), each of length 1. @returns {Back} */
export function startBack(/** @type {Cell} */ cell, /** @type {Trace} */ trace, /** @type {Float64Array} */ directions) {
  const h = Float64Array.from(directions), a = new Float64Array(cell.b.length);
  const back = { probes: h.length / cell.units, t: trace.steps - 1, h, a, shift: 0 };
  if (cell.kind === "lstm") back.c = new Float64Array(directions.length);
  throughOutput(cell, trace, back);
  return back;
}

/** One step back in time, by products of vectors with W_h: no Jacobian is ever built. */
export function stepBack(/** @type {Cell} */ cell, /** @type {Trace} */ trace, /** @type {Back} */ back) {
  const { units } = cell;
  for (let first = 0; first < back.h.length; first += units) {
    if (cell.kind === "lstm") lstmSums(cell, trace, back, first);
    else rnnSums(cell, trace, back, first);
    for (let k = 0; k < units; k++) back.h[first + k] = rowTimes(cell.W_h, k * back.a.length, back.a);
  }
  back.t--;
  rescale(back);
  throughOutput(cell, trace, back);
}

/** Through the slope of tanh (or ReLU): da = dh (1 - h^2). */
function rnnSums({ units, activation }, { h }, back, first) {
  for (let k = 0, at = back.t * units; k < units; k++, at++) {
    back.a[k] = back.h[first + k] * (activation === "relu" ? Number(h[at] > 0) : 1 - h[at] * h[at]);
  }
}

/** Through the four gates of the step; what goes on along the cell state is multiplied by the forget gate. */
function lstmSums({ units }, { c, i, f, g, o }, back, first) {
  for (let k = 0, at = back.t * units; k < units; k++, at++) {
    const dh = back.h[first + k], dc = back.c[first + k], before = back.t > 0 ? c[at - units] : 0;
    back.a[k] = dc * g[at] * i[at] * (1 - i[at]);
    back.a[units + k] = dc * before * f[at] * (1 - f[at]);
    back.a[2 * units + k] = dc * i[at] * (1 - g[at] * g[at]);
    back.a[3 * units + k] = dh * Math.tanh(c[at]) * o[at] * (1 - o[at]);
    back.c[first + k] = dc * f[at];
  }
}

/** h = o tanh(c): what reaches h reaches c as well. */
function throughOutput({ units }, { c, o }, back) {
  if (!back.c || back.t < 0) return;
  for (let k = 0; k < back.h.length; k++) {
    const at = back.t * units + (k % units), shape = Math.tanh(c[at]);
    back.c[k] += back.h[k] * o[at] * (1 - shape * shape);
  }
}

/** Numbers that grow or shrink without end would overflow: keep them near 1, and their size apart. */
function rescale(back) {
  const largest = Math.max(sizeOf(back.h), back.c ? sizeOf(back.c) : 0);
  if (largest === 0 || !Number.isFinite(largest) || (largest > 1e-60 && largest < 1e60)) return;
  for (const vectors of [back.h, back.c ?? []]) for (let k = 0; k < vectors.length; k++) vectors[k] /= largest;
  back.shift += Math.log10(largest);
}

/** log10 of the root mean square of the probes' lengths; minus infinity for zeros, NaN where the states overflowed. */
export function backSize(/** @type {Back} */ { probes, shift }, /** @type {Float64Array} */ vectors) {
  return Math.log10(sizeOf(vectors) / Math.sqrt(probes)) + shift;
}

function sizeOf(values) {
  let sum = 0;
  for (let k = 0; k < values.length; k++) sum += values[k] * values[k];
  return Math.sqrt(sum);
}

/** A row of a matrix times a vector, four products at a time. */
function rowTimes(M, start, v) {
  const n = v.length;
  let a = 0, b = 0, c = 0, d = 0, k = 0;
  for (; k + 4 <= n; k += 4) {
    a += M[start + k] * v[k];
    b += M[start + k + 1] * v[k + 1];
    c += M[start + k + 2] * v[k + 2];
    d += M[start + k + 3] * v[k + 3];
  }
  for (; k < n; k++) a += M[start + k] * v[k];
  return a + b + c + d;
}
