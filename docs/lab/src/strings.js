// The messages of the lab in the language of the page: docs/lab/messages.
let messages = {};

/** @param {Record<string, Record<string, string>>} all table by table */
export function setMessages(all) {
  messages = all;
}

/** @param {string} key `table.name`
 *  @param {Record<string, string | number>} values for the {placeholders} of the message */
export function say(key, values = {}) {
  const [table, name] = key.split(".");
  return messages[table][name].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}
