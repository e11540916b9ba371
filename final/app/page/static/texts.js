// The words of the page, in the language in which it was served. No script has words of its own.

const texts = JSON.parse(document.getElementById("texts").textContent);

/** Return a sentence by its name, with `values` put in where it has `{names}`. */
export function say(name, values = {}) {
  return texts.messages[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

/** Return what is wrong with a field: in the reader's language, or else in the words of the API. */
export function sayFault(fault) {
  return texts.errors[fault.code] ?? fault.message;
}

/** Return a moment of the API as people write it where the reader is. */
export function sayMoment(text) {
  const form = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
  return form.format(new Date(text));
}
