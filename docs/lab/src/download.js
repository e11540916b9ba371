// Downloads the parts of the lab, and reports the bytes for the progress bar.

/** @param {{url: string, bytes: number, name: string}[]} parts
 *  @param {(loaded: number) => void} notify called with the bytes so far
 *  @returns {Promise<Record<string, Blob>>} the browser keeps their bytes once, for all workers */
export async function download(parts, notify) {
  let loaded = 0;
  const arrived = (bytes) => notify((loaded += bytes));
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
  return new Blob(chunks);
}

/** A page from a folder cannot fetch, but it can load scripts: there each part is a script as well. */
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
  return new Blob([content]);
}
