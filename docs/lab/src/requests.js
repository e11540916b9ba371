// Requests to the reader's application: a form, the response, the lesson's own requests and a history.
import { attempt } from "./attempt.js";
import { button, el, fill, newId } from "./dom.js";
import { places } from "./places.js";
import { say } from "./strings.js";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const LIMIT = 30; // seconds; Python itself gives up after ten, where it can

export class RequestsPanel {
  /** `go` opens a file at a line. */
  constructor(work, engine, go) {
    Object.assign(this, { work, engine, go });
    this.fresh = false;
    this.method = el("select", { "aria-label": say("request.method") }, ...METHODS.map((m) => el("option", {}, m)));
    this.path = el("input", { "aria-label": say("request.path"), value: work.stage.first, spellcheck: "false" });
    this.headers = textarea("request.headers", 2);
    this.body = textarea("request.body", 3);
    this.token = el("select", { onchange: () => this.#useToken() });
    this.tokenRow = el("label.lab-token", {}, say("request.token"), this.token);
    this.answer = el("div.lab-answer", { role: "status", "aria-label": say("answer.label") });
    this.history = el("ol.lab-history", {});
    this.lesson = el("div.lab-lesson", {});
    this.run = el("button.lab-button.lab-primary", { title: "Ctrl+Enter" }, say("request.send"));
    const form = el("form.lab-request", { onsubmit: (event) => (event.preventDefault(), this.send()) },
      el("div.lab-line", {}, this.method, this.path, this.run),
      labelled("request.headers", this.headers),
      this.tokenRow,
      labelled("request.body", this.body),
    );
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.send();
    });
    const empty = button(say("request.empty"), () => this.empty());
    this.element = el("div", {},
      this.lesson,
      form,
      this.answer,
      el("details.lab-past", {}, el("summary", {}, say("request.history")), this.history),
      el("p.lab-note", {}, empty, " ", say("request.empty_why")),
    );
    this.#showHistory();
    this.#showTokens();
    this.#showLesson();
  }

  /** Send the request in the form. */
  async send() {
    const request = this.#fill();
    if (!request) return;
    await attempt({ run: this.run, status: this.answer }, say("answer.waiting"), async () => {
      const message = { stage: this.work.stage.name, files: this.work.files, request, fresh: this.fresh };
      const answer = await this.engine.ask("send", message, { limit: LIMIT });
      this.fresh = false;
      this.#keepFields(request, answer);
      this.#show(request, answer);
    });
  }

  /** Empty the service before the next request; the files stay. */
  empty() {
    this.fresh = true;
    this.work.fields = {};
    this.work.tokens = [];
    this.work.save();
    this.#showTokens();
    this.answer.replaceChildren(el("p.lab-note", {}, say("request.emptied")));
  }

  /** Put a request into the form. */
  put({ method, path, headers, body }) {
    this.method.value = method;
    this.path.value = path;
    this.headers.value = headers.map(([name, value]) => `${name}: ${value}`).join("\n");
    this.body.value = body;
  }

  /** The request in the form, with fields of earlier responses filled in; null where one is missing. */
  #fill() {
    const lines = this.headers.value.split("\n").filter((line) => line.indexOf(":") > 0);
    const headers = lines.map((line) => line.split(/:(.*)/s).slice(0, 2).map((part) => part.trim()));
    const written = { method: this.method.value, path: this.path.value.trim(), headers, body: this.body.value };
    const missing = new Set();
    const field = (whole, name) => this.work.fields[name] ?? (missing.add(name), whole);
    const filled = (text) => text.replace(/\{\{(\w+)\}\}/g, field);
    const request = {
      ...written,
      path: filled(written.path).replace(/^\/?/, "/"),
      headers: headers.map(([name, value]) => [name, filled(value)]),
      body: filled(written.body),
    };
    if (missing.size) {
      const text = say("request.missing", { name: [...missing].join(", ") });
      this.answer.replaceChildren(el("p.lab-error", {}, text));
      return null;
    }
    const typed = headers.some(([name]) => name.toLowerCase() === "content-type");
    if (request.body && !typed) request.headers.push(["Content-Type", "application/json"]);
    this.#addToHistory(written);
    return request;
  }

  #addToHistory(written) {
    const others = this.work.history.filter((one) => JSON.stringify(one) !== JSON.stringify(written));
    this.work.history = [written, ...others];
    this.work.save();
    this.#showHistory();
  }

  /** Keep the fields of a response: later requests may use them. */
  #keepFields(request, answer) {
    const data = fromJson(answer.body);
    if (!data || typeof data !== "object" || Array.isArray(data)) return;
    for (const [name, value] of Object.entries(data)) {
      if (["string", "number"].includes(typeof value)) this.work.fields[name] = String(value);
    }
    if (data.access_token) {
      const who = fromJson(request.body)?.email ?? "?";
      this.work.tokens = [{ who, token: data.access_token }, ...this.work.tokens].slice(0, 5);
    }
    this.work.save();
    this.#showTokens();
  }

  #show(request, answer) {
    const failed = answer.status === undefined;
    const family = failed ? "5" : answer.status[0];
    const line = failed ? say("answer.none") : answer.status;
    const about = failed ? "" : say("answer.about", { time: answer.milliseconds, bytes: answer.bytes });
    fill(this.answer,
      el("p.lab-status", { "data-family": family },
        el("strong", {}, line),
        " ",
        el("span.lab-note", {}, `${request.method} ${request.path}  ${about}`),
      ),
      answer.error && this.#error(answer.error),
      !failed && el("pre.lab-body", { tabindex: "0", "aria-label": say("answer.body") }, pretty(answer.body)),
      !failed &&
        el("details", {},
          el("summary", {}, say("answer.headers", { count: answer.headers.length })),
          el("pre", {}, answer.headers.map(([name, value]) => `${name}: ${value}`).join("\n")),
        ),
      answer.printed &&
        el("details", { open: true }, el("summary", {}, say("answer.printed")), el("pre", {}, answer.printed)),
    );
  }

  #error({ kind, raised, places: found }) {
    const text = kind === "slow" ? say("answer.slow", { time: raised.split(": ")[1] }) : raised;
    return el("div.lab-error", {}, el("p", {}, text), places(found, this.go));
  }

  /** Offer the tokens of the last log-ins, the newest by the name that the lesson's requests use. */
  #showTokens() {
    const { tokens } = this.work;
    this.tokenRow.hidden = !tokens.length;
    const option = ({ who, token }, number) =>
      el("option", { value: number ? token : "{{access_token}}" }, `${who} (${token.slice(0, 9)}…)`);
    fill(this.token, el("option", { value: "" }, say("request.no_token")), ...tokens.map(option));
  }

  #useToken() {
    const others = this.headers.value.split("\n").filter((line) => line && !/^authorization:/i.test(line));
    if (this.token.value) others.unshift(`Authorization: Bearer ${this.token.value}`);
    this.headers.value = others.join("\n");
  }

  #showHistory() {
    this.history.replaceChildren(...this.work.history.map((one) => el("li", {}, this.#ready(one))));
  }

  #showLesson() {
    const rows = this.work.stage.requests.map((one) => el("li", {}, this.#ready(one)));
    const id = newId();
    if (rows.length) fill(this.lesson, el("h3", { id }, say("request.lesson")), el("ul", { "aria-labelledby": id }, ...rows));
  }

  /** A button that puts a request into the form. */
  #ready(request) {
    const { method, path, body } = request;
    const short = body.replace(/\s+/g, " ");
    const onclick = () => (this.put(request), this.run.focus());
    return el("button.lab-ready", { type: "button", title: `${method} ${path} ${short}`, onclick },
      el("b", {}, method),
      ` ${path} `,
      el("span.lab-note", {}, short),
    );
  }
}

const textarea = (label, rows) =>
  el("textarea", { rows, "aria-label": say(label), spellcheck: "false", autocapitalize: "off" });

const labelled = (label, field) => el("div.lab-field", {}, el("span", { "aria-hidden": "true" }, say(label)), field);

/** @returns the value of JSON, undefined where the text is not JSON */
function fromJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** JSON indented, and any other text as it is. */
function pretty(text) {
  const data = fromJson(text);
  return data === undefined ? text : JSON.stringify(data, null, 2);
}
