// The page's side of the lab. docs/assets/lab-opener.js loads it at a click and calls `openLab`.
import { el } from "./dom.js";
import { Engine } from "./engine.js";
import { fromFragment } from "./share.js";
import { Work } from "./store.js";
import { say, setMessages } from "./strings.js";
import { Workbench } from "./workbench.js";

const benches = new Map(); // by stage: a page may have the labs of two stages

/** Open the lab of a stage, which stays as it is when it is closed and opened again.
 *  @param {any} stage its data from course/site/lab/stages.py */
window.openLab = async (stage) => {
  const lang = document.documentElement.lang === "ko" ? "ko" : "en";
  setMessages(stage.messages[lang]);
  if (!benches.has(stage.name)) {
    const parts = window.labParts.map(({ path, bytes }) => {
      const url = new URL(path, stage.where).href;
      return { url, bytes, name: path.split("/").at(-1) };
    });
    const title = `${stage.number}. ${stage.title[lang]}`;
    const work = new Work(stage);
    benches.set(stage.name, new Workbench(work, new Engine(parts), { lang, title }));
    await offerShared(work, benches.get(stage.name));
  }
  benches.get(stage.name).show();
};

/** Ask whether the state from a link may replace the reader's own. */
async function offerShared(work, bench) {
  const state = await fromFragment(work.stage.name, location.hash);
  if (!state || !(state.start in work.starts)) return;
  history.replaceState(null, "", location.pathname + location.search);
  const use = () => {
    work.edits[state.start] = state.edits;
    work.begin(state.start);
  };
  if (!Object.keys(work.edits[state.start]).length) return use();
  const choice = el("form.lab-offer", { method: "dialog" },
    el("p", {}, say("share.replace")),
    el("button.lab-button.lab-primary", { type: "button", onclick: () => (use(), choice.remove()) }, say("share.use")),
    el("button.lab-button", { type: "button", onclick: () => choice.remove() }, say("share.keep")),
  );
  bench.dialog.querySelector("header").after(choice);
}
