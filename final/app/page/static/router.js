// Which view is shown: what stands behind `#` says so. The Back button works, and a mail can link to a view.

import { LoggedOut, isLoggedIn } from "./session.js";
import { explain } from "./problems.js";
import { say } from "./texts.js";

/** Who may see a view. */
export const ANYBODY = () => true;
export const OWNER = () => isLoggedIn();
export const STRANGER = () => !isLoggedIn();

const views = new Map();
const notice = document.getElementById("notice");
let message = ""; // for the next view to begin with
let turns = 0;

/**
 * Add a view: the section of that id.
 *
 * `enter` is called before it is shown, with the token of a mailed link if there is one. It may return the name
 * of another view that is to be shown instead.
 */
export function addView(name, who, enter = () => {}) {
  views.set(name, { who, enter });
}

/** Go to a view, and say something there. */
export function go(name, text = "") {
  message = text;
  const hash = `#action=${name}`;
  if (location.hash === hash) show();
  else location.hash = hash; // main.js hears of it, and shows it
}

/** Show the view that the address names, or the one that is nearest to it. */
export async function show() {
  const turn = ++turns;
  const asked = new URLSearchParams(location.hash.slice(1));
  document.getElementById("language").hash = location.hash; // the other language shows the same
  const name = choose(asked.get("action"));
  if (asked.has("token")) history.replaceState(null, "", `#action=${name}`); // it stays in no history
  try {
    const instead = await views.get(name).enter(asked.get("token"));
    if (turn !== turns) return; // meanwhile the reader went somewhere else
    if (instead) return location.replace(`#action=${instead}`); // in place of this one, for the Back button
  } catch (error) {
    if (error instanceof LoggedOut) return comeBack();
    message = explain(error);
  }
  reveal(name);
}

/** Ask a reader who was logged out to log in again; then show the view they came from. */
export function comeBack() {
  message = say("log_in_again");
  return show();
}

/** Say something where the reader is. */
export function announce(text) {
  notice.textContent = text;
}

function choose(name) {
  if (views.get(name)?.who()) return name;
  return isLoggedIn() ? "account" : "log_in";
}

function reveal(name) {
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== name;
  for (const error of document.querySelectorAll(`#${name} .error`)) error.textContent = ""; // of the last visit
  for (const link of document.querySelectorAll("#menu a")) {
    if (link.hash === `#action=${name}`) link.ariaCurrent = "page";
    else link.removeAttribute("aria-current");
  }
  for (const id of ["menu", "log_out"]) document.getElementById(id).hidden = !isLoggedIn();
  const heading = document.querySelector(`#${name} h1`);
  document.title = `${heading.textContent} · ${document.querySelector("header .name").textContent}`;
  heading.focus(); // a screen reader says where its user is
  announce(message);
  message = "";
}
