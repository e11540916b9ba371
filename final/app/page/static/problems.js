// What went wrong, as a sentence for people.

import { Offline, Problem } from "./http.js";
import { say } from "./texts.js";

/** Return the sentence for an error. `sentences` has those of a status that means something special here. */
export function explain(error, sentences = {}) {
  if (error instanceof Offline) return say("offline");
  if (!(error instanceof Problem)) {
    console.error(error); // a mistake of ours
    return say("failed");
  }
  if (error.status in sentences) return say(sentences[error.status]);
  if (error.status === 429) return say("too_many", { seconds: error.seconds });
  if (error.status === 503) return say("busy", { seconds: error.seconds });
  return say("failed");
}
