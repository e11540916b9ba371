// One request, and the ways in which it can fail.

const TIMEOUT = 20_000; // milliseconds until a server that is silent counts as away

/** An answer that reports a failure; the API says in one form what is wrong (RFC 9457). */
export class Problem extends Error {
  constructor(response, content) {
    super(`the answer was ${response.status}`);
    this.status = response.status;
    this.errors = content?.errors ?? []; // field by field
    this.seconds = Number(response.headers.get("Retry-After")) || 30;
  }
}

/** There was no answer: no network, or a server that is away. */
export class Offline extends Error {}

/**
 * Send `body` as JSON, and return the `content` of the answer and its `etag`.
 *
 * Throws a Problem or Offline.
 */
export async function send(method, path, body, headers = {}) {
  const options = { method, headers, signal: AbortSignal.timeout(TIMEOUT) };
  if (body !== undefined) {
    options.headers = { ...headers, "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  let response, text;
  try {
    response = await fetch(path, options);
    text = await response.text();
  } catch {
    throw new Offline();
  }
  const isJson = response.headers.get("Content-Type")?.includes("json"); // a proxy's own error is HTML
  const content = isJson ? JSON.parse(text) : null;
  if (!response.ok) throw new Problem(response, content);
  return { content, etag: response.headers.get("ETag") };
}
