// The second factor: setting it up, the recovery codes, and removing it.

import { readAccount } from "./account.js";
import { onSubmit } from "./forms.js";
import { OWNER, addView, go } from "./router.js";
import { call } from "./session.js";
import { say } from "./texts.js";

let setup = null; // the secret, until an app has it
let codes = []; // until they were shown

addView("mfa", OWNER, async () => ((await readAccount()).mfa ? "mfa_remove" : undefined));
addView("mfa_remove", OWNER, async () => ((await readAccount()).mfa ? undefined : "mfa"));

addView("mfa_confirm", OWNER, () => {
  if (!setup) return "mfa";
  document.querySelector("#mfa_confirm .qr").src = setup.qr; // a picture: whatever is in it, no script runs
  document.querySelector("#mfa_confirm .secret").textContent = setup.secret.match(/.{1,4}/g).join(" ");
});

addView("recovery", OWNER, () => {
  const items = codes.map((code) => {
    const item = document.createElement("li");
    item.textContent = code;
    return item;
  });
  document.querySelector("#recovery .codes").replaceChildren(...items);
  codes = [];
  if (items.length === 0) return "mfa";
});

onSubmit("mfa", async (fields) => {
  setup = (await call("POST", "/v2/auth/mfa", fields)).content;
  go("mfa_confirm");
}, { 409: "changed_elsewhere" });

onSubmit("mfa_confirm", async (fields) => {
  codes = (await call("POST", "/v2/auth/mfa/confirm", fields)).content.recovery_codes;
  setup = null;
  go("recovery", say("mfa_on"));
}, { 409: "changed_elsewhere" });

onSubmit("mfa_remove", async (fields) => {
  await call("DELETE", "/v2/auth/mfa", fields);
  go("account", say("mfa_off"));
}, { 409: "changed_elsewhere" });
