// Places in the reader's files, as links into the editor.
import { el } from "./dom.js";
import { say } from "./strings.js";

/** @param {[string, number, string][]} found file, line from 1, and its text; the deepest last
 *  @param {(path: string, line: number) => void} go */
export function places(found, go) {
  return el("ul.lab-places", {},
    ...found.map(([path, line, source]) =>
      el("li", {},
        el("button.lab-place", { type: "button", onclick: () => go(path, line) }, say("answer.place", { path, line })),
        source && el("code", {}, source),
      ),
    ),
  );
}
