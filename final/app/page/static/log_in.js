// Coming in: logging in, by a code too where there is a second factor, signing up, and a forgotten password.

import { onSubmit } from "./forms.js";
import { send } from "./http.js";
import { ANYBODY, STRANGER, addView, go, show } from "./router.js";
import { logIn, sendCode } from "./session.js";

let mfaToken = null; // of a log-in whose password was right
let sent = null; // what a mail is on its way for

addView("log_in", STRANGER);
addView("code", STRANGER, () => (mfaToken ? undefined : "log_in"));
addView("sign_up", STRANGER);
addView("forgot", ANYBODY);
addView("resend", ANYBODY);
addView("sent", ANYBODY, () => {
  for (const text of document.querySelectorAll("[data-sent]")) text.hidden = text.dataset.sent !== sent;
  return sent ? undefined : "log_in";
});

onSubmit("log_in", async ({ email, password }) => {
  mfaToken = await logIn(email, password);
  if (mfaToken) go("code");
  else await show(); // what the address asked for before
}, { 401: "wrong_credentials" });

onSubmit("code", async ({ code }) => {
  await sendCode(mfaToken, code);
  mfaToken = null;
  go("account");
}, { 401: "wrong_code" });

onSubmit("sign_up", async (fields) => {
  await send("POST", "/v2/accounts", fields);
  sent = "signed_up";
  go("sent");
});

onSubmit("forgot", async (fields) => {
  await send("POST", "/v2/auth/password/forgot", fields);
  sent = "forgot";
  go("sent");
});

onSubmit("resend", async (fields) => {
  await send("POST", "/v2/accounts/verify/resend", fields);
  sent = "resend";
  go("sent");
});
