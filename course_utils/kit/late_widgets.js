// A small part of the course inside JupyterLab. While a kernel starts, Lab looks two seconds long for a saved widget, every tenth of
// a second. One that arrives after the last look, and before the two seconds are over, is called "model not found" for good
// (ipywidgets 8.1). Here it is looked for once more. This is what a bundler makes of one plugin, written by hand.

const BASE = "@jupyter-widgets/base-manager";
/** Every version of the class that is in use; Lab has loaded all extensions by now. */
async function lookOnceMore() {
  for (const version of Object.values(container.shared[BASE] ?? {})) {
    const { ManagerBase } = (await version.get())(), look = ManagerBase.prototype.get_model;
    ManagerBase.prototype.get_model = function (id) {
      return look.call(this, id).catch((error) => {
        if (this.has_model(id)) return look.call(this, id);
        throw error;
      });
    };
  }
}

const plugin = { id: "unrolled:late-widgets", autoStart: true, activate: lookOnceMore };
const container = {
  shared: {}, // what extensions share with each other, by name and version
  init: (scope) => void (container.shared = scope),
  get: async () => () => ({ __esModule: true, default: plugin }),
};
(globalThis._JUPYTERLAB ??= {}).unrolled = container;
