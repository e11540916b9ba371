// Panels of which one is shown, usable with the keyboard: arrows go from tab to tab.
import { el, newId } from "./dom.js";

/** @param {string} label what the tabs are for
 *  @param {{name: string, title: string, element: HTMLElement}[]} panels
 *  @returns {{element: HTMLElement, open: (name: string) => void}} */
export function tabs(label, panels) {
  const made = panels.map(({ name, title, element }) => {
    const id = newId();
    const tab = el("button", { type: "button", role: "tab", id, onclick: () => open(name), "data-tab": name }, title);
    const panel = el("div.lab-panel", { role: "tabpanel", "aria-labelledby": id, hidden: true }, element);
    return { name, tab, panel };
  });

  function open(name, focus = false) {
    for (const one of made) {
      const chosen = one.name === name;
      one.tab.setAttribute("aria-selected", String(chosen));
      one.tab.tabIndex = chosen ? 0 : -1;
      one.panel.hidden = !chosen;
      if (chosen && focus) one.tab.focus();
    }
  }

  function onkeydown(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = made.findIndex((one) => one.tab === document.activeElement);
    open(made[(at + step + made.length) % made.length].name, true);
  }

  const list = el("div.lab-tabs", { role: "tablist", "aria-label": label, onkeydown }, ...made.map((one) => one.tab));
  open(panels[0].name);
  return { element: el("div.lab-tabbed", {}, list, ...made.map((one) => one.panel)), open };
}
