// Brings the course's pictures to life on a page without Jupyter: each is an ES module in the saved widget state. It is handed
// a model with the saved values, and nothing else; two places of one model are two views of it and go together, as in Jupyter.
// The still picture that stands in its place goes when it is alive.
// A plain script, not a module: pages opened from a file may not load modules.

"use strict";

window.Unrolled = (() => {
  const STATE = "application/vnd.jupyter.widget-state+json";
  const modules = new Map(); // the text of a module -> its promise: pictures of one class share it
  const models = new Map(); // the name of a saved model -> it, ready to be shown, or a promise of it

  const bytes = (text) => new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);

  /** What anywidget gives to `render`: values, listeners, and nobody to save to. */
  class Model {
    constructor(values) {
      this.values = values;
      this.listeners = new Map();
    }

    get(name) {
      return this.values[name];
    }

    set(name, value) {
      this.values[name] = value;
      for (const listener of [...(this.listeners.get(`change:${name}`) ?? [])]) listener();
    }

    on(name, listener) {
      this.listeners.set(name, [...(this.listeners.get(name) ?? []), listener]);
    }

    off(name, listener) {
      this.listeners.set(name, (this.listeners.get(name) ?? []).filter((other) => listener && other !== listener));
    }

    send() {}

    save_changes() {}
  }

  /** The models that the page carries, each by its id. */
  function savedModels() {
    const found = {};
    for (const script of document.querySelectorAll(`script[type="${STATE}"]`)) Object.assign(found, JSON.parse(script.textContent).state);
    return found;
  }

  /** The values of a model; its buffers are laid where their paths say. */
  function valuesOf(saved) {
    const values = { ...saved.state };
    for (const { path, data } of saved.buffers ?? []) {
      const place = path.slice(0, -1).reduce((inside, key) => inside[key], values);
      place[path.at(-1)] = bytes(data);
    }
    return values;
  }

  function load(text) {
    if (!modules.has(text)) {
      const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
      modules.set(text, import(url).finally(() => URL.revokeObjectURL(url)));
    }
    return modules.get(text);
  }

  function addStyle(text) {
    if (!text || [...document.querySelectorAll("style.unrolled-widget")].some((style) => style.textContent === text)) return;
    const style = document.createElement("style");
    style.className = "unrolled-widget";
    style.textContent = text;
    document.head.append(style);
  }

  /** The model of a saved state and how it is drawn; made once, however many views there are. */
  async function ready(saved) {
    addStyle(saved.state._css);
    const { default: widget } = await load(saved.state._esm);
    const parts = typeof widget === "function" ? await widget() : widget, model = new Model(valuesOf(saved));
    await parts.initialize?.({ model });
    return { parts, model };
  }

  /** Show one model in `place`, or leave what stands there. Hands back whether it lives. */
  async function mount(place, saved) {
    if (!saved?.state?._esm) return false; // a control of ipywidgets, which needs a kernel: its still stays
    const still = [...place.childNodes], live = document.createElement("div"), name = place.dataset.model;
    try {
      if (!models.has(name)) models.set(name, ready(saved));
      const { parts, model } = await models.get(name);
      place.append(live);
      await parts.render({ model, el: live });
      for (const node of still) node.remove();
      place.dataset.alive = "";
      return true;
    } catch (error) {
      live.remove();
      console.error("A picture stays still.", error);
      return false;
    }
  }

  /** Mount every place `[data-model]` inside `root`; a picture that cannot live leaves its still. */
  async function mountAll(root = document) {
    const saved = savedModels();
    return Promise.all([...root.querySelectorAll("[data-model]")].map((place) => mount(place, saved[place.dataset.model])));
  }

  /** The model that lives in `place`. */
  const modelIn = async (place) => (await models.get(place.dataset.model)).model;

  return { mountAll, modelIn };
})();
