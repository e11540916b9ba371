// What the lab says, in the language of the page: docs/lab/messages.
let messages = {};

/** @param {Record<string, Record<string, string>>} catalogue table by table */
export function speak(catalogue) {
  messages = catalogue;
}

/**
 * @param {string} key `table.name`
 * @param {Record<string, string | number>} values what stands in the message's places
 */
export function say(key, values = {}) {
  const [table, name] = key.split(".");
  return messages[table][name].replace(/\{(\w+)\}/g, (_, place) => String(values[place]));
}
