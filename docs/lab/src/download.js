// Brings the parts of the lab into memory, with real bytes for the progress bar: each is fetched once.

/**
 * @param {{url: string, bytes: number, name: string}[]} parts
 * @param {(loaded: number) => void} tell called with the bytes that are here
 * @returns {Promise<Record<string, ArrayBuffer>>}
 */
export async function download(parts, tell) {
  let loaded = 0;
  const arrived = (bytes) => tell((loaded += bytes));
  const load = location.protocol === "file:" ? fromScript : fromServer;
  const all = await Promise.all(parts.map(async (part) => [part.name, await load(part, arrived)]));
  return Object.fromEntries(all);
}

async function fromServer({ url }, arrived) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${response.status}: ${url}`);
  const chunks = [];
  const reader = response.body.getReader();
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    chunks.push(chunk.value);
    arrived(chunk.value.length);
  }
  return new Blob(chunks).arrayBuffer();
}

/** A page that was opened from a folder may fetch nothing; scripts it may load, so there each part is one too. */
async function fromScript({ url, bytes }, arrived) {
  await new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${url}.js`;
    script.onload = resolve;
    script.onerror = () => reject(new Error(url));
    document.head.append(script);
  });
  const binary = atob(window.labPart);
  window.labPart = "";
  const content = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) content[at] = binary.charCodeAt(at);
  arrived(bytes);
  return content.buffer;
}
