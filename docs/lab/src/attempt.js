// Asks the worker for a panel: its button rests meanwhile, and what stopped it is told in a sentence.
import { el } from "./dom.js";
import { Stopped } from "./engine.js";
import { say } from "./strings.js";

/**
 * @param {{run: HTMLButtonElement, said: HTMLElement, bar?: HTMLProgressElement}} panel `said` is where it tells
 * @param {string} waiting what is told meanwhile
 * @param {() => Promise<void>} work
 */
export async function attempt({ run, said, bar }, waiting, work) {
  run.disabled = true;
  said.replaceChildren(el("p.lab-note", {}, waiting));
  if (bar) {
    bar.hidden = false;
    bar.removeAttribute("value");
  }
  try {
    await work();
  } catch (error) {
    const stopped = error instanceof Stopped;
    if (!stopped) console.error(error);
    const sentence = stopped ? say(`engine.${error.by}`) : say("engine.failed", { error: error.message });
    said.replaceChildren(el("p.lab-error", {}, sentence));
  } finally {
    run.disabled = false;
    if (bar) bar.hidden = true;
  }
}
