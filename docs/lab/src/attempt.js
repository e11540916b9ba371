// Runs a panel's work with Python: its button is disabled meanwhile, and errors become a sentence.
import { el } from "./dom.js";
import { Stopped } from "./engine.js";
import { say } from "./strings.js";

/** @param {{run: HTMLButtonElement, status: HTMLElement, bar?: HTMLProgressElement}} panel
 *  @param {string} waiting the text of `status` meanwhile
 *  @param {() => Promise<void>} work */
export async function attempt({ run, status, bar }, waiting, work) {
  run.disabled = true;
  status.replaceChildren(el("p.lab-note", {}, waiting));
  if (bar) bar.hidden = false;
  bar?.removeAttribute("value");
  try {
    await work();
  } catch (error) {
    const stopped = error instanceof Stopped;
    if (!stopped) console.error(error);
    const sentence = stopped ? say(`engine.${error.by}`) : say("engine.failed", { error: error.message });
    status.replaceChildren(el("p.lab-error", {}, sentence));
  } finally {
    run.disabled = false;
    if (bar) bar.hidden = true;
  }
}
