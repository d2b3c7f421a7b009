// A small part of the course inside JupyterLab, for the pictures of a saved lesson that nobody has run yet. This is what a bundler
// makes of one plugin, written by hand.

/** Every version of a module that is in use; Lab has loaded all extensions by now. */
const versions = (name) => Promise.all(Object.values(container.shared[name] ?? {}).map(async (version) => (await version.get())()));

// While a kernel starts, Lab looks two seconds long for a saved widget, every tenth of a second. One that arrives after the last
// look, and before the two seconds are over, is called "model not found" for good (ipywidgets 8.1). Here it is looked for once more.
async function lookOnceMore() {
  for (const { ManagerBase } of await versions("@jupyter-widgets/base-manager")) {
    const look = ManagerBase.prototype.get_model;
    ManagerBase.prototype.get_model = function (id) {
      return look.call(this, id).catch((error) => {
        if (this.has_model(id)) return look.call(this, id);
        throw error;
      });
    };
  }
}

// When a notebook is saved, Lab writes down the widgets that the kernel knows, and only those: a lesson that was opened, not run,
// and saved would lose its pictures (ipywidgets 8.1). Here those that an output still shows stay, as they stand on the page.
async function keepWhatIsShown() {
  const [{ serialize_state: written }] = await versions("@jupyter-widgets/base-manager");
  for (const { LabWidgetManager: Manager } of await versions("@jupyter-widgets/jupyterlab-manager")) {
    const live = Manager.prototype.get_state_sync;
    Manager.prototype.get_state_sync = function (options) {
      const result = live.call(this, options), notebook = this.context?.model;
      if (!notebook?.cells) return result;
      const saved = (notebook.getMetadata("widgets") ?? {})["application/vnd.jupyter.widget-state+json"]?.state ?? {};
      const now = written([...this._modelsSync.values()], options).state;
      result.state = { ...shown(notebook, { ...saved, ...now }), ...result.state };
      return result;
    };
  }
}

/** The states that the outputs of a notebook ask for, and those that these refer to. */
function shown(notebook, states) {
  const kept = {}, todo = Array.from(notebook.cells).flatMap((cell) => (cell.outputs?.toJSON() ?? []).map(
    (output) => output.data?.["application/vnd.jupyter.widget-view+json"]?.model_id));
  for (const id of todo) { // it grows while it is read
    if (!(id in states) || id in kept) continue;
    kept[id] = states[id];
    todo.push(...Array.from(JSON.stringify(states[id].state).matchAll(/"IPY_MODEL_(\w+)"/g), ([, other]) => other));
  }
  return kept;
}

const activate = () => Promise.all([lookOnceMore(), keepWhatIsShown()]);
const plugin = { id: "unrolled:saved-pictures", autoStart: true, activate };
const container = {
  shared: {}, // what extensions share with each other, by name and version
  init: (scope) => void (container.shared = scope),
  get: async () => () => ({ __esModule: true, default: plugin }),
};
(globalThis._JUPYTERLAB ??= {}).unrolled = container;
