// Where the page begins: its views, who is logged in, and then the view that the address names.

import "./account.js";
import "./links.js";
import "./log_in.js";
import "./mfa.js";
import "./sessions.js";
import { explain } from "./problems.js";
import { announce, go, show } from "./router.js";
import { logOut, refresh } from "./session.js";
import { say } from "./texts.js";

document.getElementById("insecure").hidden = window.isSecureContext;

document.getElementById("log_out").onclick = async () => {
  try {
    await logOut();
    go("log_in", say("logged_out"));
  } catch (error) {
    announce(explain(error)); // still logged in, and we do not say otherwise
  }
};

window.onhashchange = show;
let problem = "";
try {
  await refresh(); // by the cookie, if this browser has one
} catch (error) {
  problem = explain(error);
}
await show();
if (problem) announce(problem);
