// The page's side of the lab. Loaded by a click, by docs/assets/lab-door.js, which calls `openLab`.
import { el } from "./dom.js";
import { Engine } from "./engine.js";
import { fromFragment } from "./share.js";
import { Work } from "./store.js";
import { say, speak } from "./strings.js";
import { Workbench } from "./workbench.js";

const benches = new Map(); // by stage: a page may have two doors

/**
 * Open the lab of a stage, which stays as it is when it is closed and opened again.
 * @param {any} stage what course/site/lab/stages.py says of it
 */
window.openLab = async (stage) => {
  const lang = document.documentElement.lang === "ko" ? "ko" : "en";
  speak(stage.messages[lang]);
  if (!benches.has(stage.name)) {
    const parts = window.labParts.map(({ path, bytes }) => {
      const url = new URL(path, stage.where).href;
      return { url, bytes, name: path.split("/").at(-1) };
    });
    const title = `${stage.number}. ${stage.title[lang]}`;
    const work = new Work(stage);
    benches.set(stage.name, new Workbench(work, new Engine(parts), { lang, title }));
    await offer(work, benches.get(stage.name));
  }
  benches.get(stage.name).show();
};

/** Ask whether the state that a link has brought may take the place of the reader's own. */
async function offer(work, bench) {
  const state = await fromFragment(work.stage.name, location.hash);
  if (!state || !(state.start in work.starts)) return;
  history.replaceState(null, "", location.pathname + location.search);
  const use = () => {
    work.edits[state.start] = state.edits;
    work.begin(state.start);
  };
  if (!Object.keys(work.edits[state.start]).length) return use();
  const choice = el(
    "form.lab-offer",
    { method: "dialog" },
    el("p", {}, say("share.replace")),
    el("button.lab-button.lab-primary", { type: "button", onclick: () => (use(), choice.remove()) }, say("share.use")),
    el("button.lab-button", { type: "button", onclick: () => choice.remove() }, say("share.keep")),
  );
  bench.dialog.querySelector("header").after(choice);
}
