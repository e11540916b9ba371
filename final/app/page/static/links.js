// The links of a mail. Each waits for a click: programs that look into mail open its links too, and a token is
// good once.

import { onSubmit } from "./forms.js";
import { send } from "./http.js";
import { ANYBODY, addView, go } from "./router.js";
import { isLoggedIn, logOut } from "./session.js";
import { say } from "./texts.js";

const tokens = {}; // by the name of the view

for (const name of ["verify", "confirm_email", "reset"]) {
  addView(name, ANYBODY, (token) => {
    if (token) tokens[name] = token;
  });
}

onSubmit("verify", async () => {
  await send("POST", "/v2/accounts/verify", { token: tokens.verify ?? "" });
  go(isLoggedIn() ? "account" : "log_in", say("verified_now"));
}, { 400: "link_used" });

onSubmit("confirm_email", async () => {
  await send("POST", "/v2/accounts/email/confirm", { token: tokens.confirm_email ?? "" });
  go(isLoggedIn() ? "account" : "log_in", say("email_changed"));
}, { 400: "link_used" });

onSubmit("reset", async ({ new_password }) => {
  await send("POST", "/v2/auth/password/reset", { token: tokens.reset ?? "", new_password });
  await logOut(); // all sessions have ended; this forgets the cookie
  go("log_in", say("password_reset"));
}, { 400: "link_used" });
