// A state of the files as the fragment of a URL, compressed. Browsers do not send fragments, so no server sees it.
const PREFIX = "#lab="; // then the stage, which lab-opener.js reads, a point, and the state

/** @param {string} stage @param {{start: string, edits: Record<string, string | null>}} state */
export async function asFragment(stage, state) {
  const text = new Blob([JSON.stringify(state)]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(text).arrayBuffer());
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return `${PREFIX}${stage}.` + btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @returns the state of `stage` in `fragment`, null if there is none or it is damaged */
export async function fromFragment(stage, fragment) {
  const before = `${PREFIX}${stage}.`;
  if (!fragment.startsWith(before)) return null;
  try {
    const binary = atob(fragment.slice(before.length).replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
    const text = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    const state = JSON.parse(await new Response(text).text());
    const valid = Object.values(state.edits).every((edit) => edit === null || typeof edit === "string");
    return valid ? state : null;
  } catch {
    return null; // for example cut off by a chat program
  }
}
