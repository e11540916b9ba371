// What a reader can do with the changes: download them, share them as a link, or discard them.
import { button, el, fill } from "./dom.js";
import { asFragment } from "./share.js";
import { say } from "./strings.js";

/** Download the files as a zip. */
export async function downloadZip(work, engine) {
  const zipped = await engine.ask("zip", { stage: work.stage.name, files: work.files }, { limit: 10 });
  const bytes = Uint8Array.from(atob(zipped), (letter) => letter.charCodeAt(0));
  const href = URL.createObjectURL(new Blob([bytes], { type: "application/zip" }));
  el("a", { href, download: `${work.stage.name}.zip` }).click();
  URL.revokeObjectURL(href);
}

export function keepPanel(work, engine) {
  const status = el("div.lab-note", { role: "status" });

  async function download() {
    await downloadZip(work, engine);
    fill(status, say("keep.downloaded", { name: work.stage.name }));
  }

  async function share() {
    const { start } = work;
    const fragment = await asFragment(work.stage.name, { start, edits: work.edits[start] });
    const link = location.href.split("#")[0] + fragment;
    const field = el("input", { value: link, readonly: true, "aria-label": say("keep.link") });
    fill(status, el("p", {}, say("keep.shared")), field);
    field.select();
    await navigator.clipboard?.writeText(link).catch(() => {}); // if that is not allowed, it is selected
  }

  function reset() {
    const sure = button(say("keep.reset_sure"), () => {
      work.reset();
      fill(status, say("keep.reset_done"));
    });
    fill(status, el("p", {}, say("keep.reset_ask")), sure);
    sure.focus();
  }

  return el("div.lab-keep", {},
    el("p.lab-note", {}, say("keep.where")),
    el("div.lab-line", {},
      button(say("keep.download"), download),
      button(say("keep.share"), share),
      button(say("keep.reset"), reset),
    ),
    status,
  );
}
