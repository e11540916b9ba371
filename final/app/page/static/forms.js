// A form sends itself by a script, and says at the field what is wrong with it. What was typed stays.

import { explain } from "./problems.js";
import { comeBack } from "./router.js";
import { LoggedOut } from "./session.js";
import { sayFault } from "./texts.js";

/** Call `act` with the fields of a view's form when it is sent. For `sentences` see `explain`. */
export function onSubmit(view, act, sentences) {
  const form = document.querySelector(`#${view} form`);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(form, async () => {
      await act(Object.fromEntries(new FormData(form)));
      form.reset(); // no password is left on the page
    }, sentences);
  });
}

/** Do something that may fail; then say so in `place`, a form or another element with an alert in it. */
export async function attempt(place, act, sentences) {
  if (place.ariaBusy === "true") return; // the second click of two
  place.ariaBusy = "true";
  clear(place);
  try {
    await act();
  } catch (error) {
    if (error instanceof LoggedOut) await comeBack();
    else if (!pointAtFields(place, error.errors ?? [])) raiseAlert(place, explain(error, sentences));
  } finally {
    place.ariaBusy = "false";
  }
}

function clear(place) {
  for (const text of place.querySelectorAll(".error")) text.textContent = "";
  for (const input of place.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
}

function pointAtFields(place, faults) {
  for (const fault of faults) {
    const input = place.elements?.namedItem(fault.field);
    if (!input) continue;
    document.getElementById(`${input.id}-error`).textContent = sayFault(fault);
    input.ariaInvalid = "true";
  }
  const first = place.querySelector("[aria-invalid]"); // as the reader sees them, whatever the order of the API
  first?.focus();
  return first !== null;
}

function raiseAlert(place, text) {
  const alert = place.querySelector("[role=alert]");
  alert.textContent = text;
  alert.focus();
}
