// Elements in one call, so that a panel's code reads like its tree.

/** @param {string} tag its name, with classes: "p.lab-note"
 *  @param {Record<string, any>} attributes `on...` are listeners; true is an attribute without a value
 *  @param {...(Node | string | null | undefined | false)} children null, undefined, false and "" are left out */
export function el(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  return fill(element, ...children);
}

/** Replace the children of an element. */
export function fill(element, ...children) {
  element.replaceChildren(...children.filter(Boolean));
  return element;
}

/** @param {string} text @param {(event: Event) => void} onclick */
export const button = (text, onclick, attributes = {}) =>
  el("button.lab-button", { type: "button", onclick, ...attributes }, text);

/** Text with `code` between backticks, as nodes. */
export const prose = (text) => text.split("`").map((part, at) => (at % 2 ? el("code", {}, part) : part));

let serial = 0;

/** An id that no other element of the page has. */
export const newId = () => `lab-${++serial}`;
