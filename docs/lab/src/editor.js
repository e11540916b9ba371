// The editor: CodeMirror in the colours of the site, with a comparison on demand.
import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { unifiedMergeView } from "@codemirror/merge";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, StateEffect, StateField } from "@codemirror/state";
import { Decoration, drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { button } from "./dom.js";
import { say } from "./strings.js";

const colour = (name) => ({ color: `var(--md-code-hl-${name}-color)` });
const highlighting = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], ...colour("keyword") },
  { tag: [tags.string, tags.special(tags.string)], ...colour("string") },
  { tag: [tags.number, tags.bool, tags.null], ...colour("number") },
  { tag: [tags.function(tags.variableName), tags.definition(tags.variableName), tags.className], ...colour("function") },
  { tag: [tags.meta, tags.annotation], ...colour("special") },
  { tag: tags.comment, ...colour("comment"), fontStyle: "italic" },
]);

const markLine = StateEffect.define();
const markedLine = StateField.define({
  create: () => Decoration.none,
  update(marked, transaction) {
    if (transaction.docChanged) marked = Decoration.none;
    for (const effect of transaction.effects) {
      if (!effect.is(markLine)) continue;
      marked = Decoration.set([Decoration.line({ class: "lab-marked" }).range(effect.value)]);
    }
    return marked;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** The button at a difference: only the other text can be taken. */
function take(type, onclick) {
  if (type === "accept") return document.createElement("span");
  return button(say("editor.take"), onclick, { class: "lab-button lab-take" });
}

export class Editor {
  #compared = new Compartment();
  #states = new Map(); // by path, so that undo still works after a change of file
  #path = "";

  /** @param {HTMLElement} parent
   *  @param {(path: string, text: string) => void} changed called at each change that the reader makes */
  constructor(parent, changed) {
    this.changed = changed;
    this.view = new EditorView({ parent, state: EditorState.create() });
  }

  /** Show a file.
   *  @param {string} path
   *  @param {string} text
   *  @param {{against?: string, line?: number}} options another text to compare with; a line to go to, from 1 */
  show(path, text, { against, line } = {}) {
    if (this.#path) this.#states.set(this.#path, this.view.state);
    const known = this.#states.get(path);
    this.#path = path;
    this.view.setState(known?.doc.toString() === text ? known : this.#newState(path, text));
    this.compare(against);
    if (line) this.goTo(line);
  }

  /** @param {string | undefined} against what the text is compared with; undefined ends the comparison */
  compare(against) {
    const merge = against === undefined ? [] : unifiedMergeView({ original: against, mergeControls: take });
    this.view.dispatch({ effects: this.#compared.reconfigure(merge) });
  }

  /** @param {number} line from 1 */
  goTo(line) {
    const at = this.view.state.doc.line(Math.min(line, this.view.state.doc.lines)).from;
    this.view.dispatch({
      selection: { anchor: at },
      effects: [markLine.of(at), EditorView.scrollIntoView(at, { y: "center" })],
    });
    this.view.focus();
  }

  /** Remove every file's undo history: the files have been replaced. */
  forget() {
    this.#states.clear();
    this.#path = "";
  }

  #newState(path, doc) {
    return EditorState.create({
      doc,
      extensions: [
        lineNumbers(),
        history(),
        drawSelection(),
        indentOnInput(),
        indentUnit.of("    "),
        bracketMatching(),
        closeBrackets(),
        highlightActiveLine(),
        highlightSelectionMatches(),
        search({ top: true }),
        markedLine,
        syntaxHighlighting(highlighting),
        path.endsWith(".py") ? python() : [],
        this.#compared.of([]),
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...searchKeymap, indentWithTab]),
        EditorView.contentAttributes.of({ "aria-label": say("editor.label", { path }), tabindex: "0" }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) this.changed(path, update.state.doc.toString());
        }),
      ],
    });
  }
}
