// The account itself: what is shown of it, and how its owner changes and deletes it.

import { onSubmit } from "./forms.js";
import { OWNER, addView, announce, go } from "./router.js";
import { call, logOut } from "./session.js";
import { say, sayMoment } from "./texts.js";

const ME = "/v2/accounts/me";
let etag; // of the version that its owner has seen: a change names it, and so undoes no other change

/** Read the account. */
export async function readAccount() {
  const { content, etag: tag } = await call("GET", ME);
  etag = tag;
  return content;
}

async function fill(account) {
  const show = (name, text) => {
    // textContent, never innerHTML: a name is what its owner likes, `<script>` too
    document.querySelector(`[data-shows=${name}]`).textContent = text;
  };
  show("email", `${account.email} (${say(account.verified ? "verified" : "unverified")})`);
  show("since", sayMoment(account.created_at));
  show("mfa", say(account.mfa ? "on" : "off"));
  document.getElementById("account-name").defaultValue = account.name; // what is being typed stays
}

addView("account", OWNER, async () => fill(await readAccount()));
addView("email", OWNER);
addView("password", OWNER);
addView("delete", OWNER, async () => {
  const code = document.getElementById("delete-code");
  code.disabled = !(await readAccount()).mfa; // then it is not sent either
  code.parentElement.hidden = code.disabled;
});

/** Change what its owner has seen; where it is another by now, show that one, and refuse. */
async function change(method, body) {
  try {
    return await call(method, ME, body, { "If-Match": etag });
  } catch (error) {
    if (error.status === 412) await fill(await readAccount());
    throw error;
  }
}

onSubmit("account", async ({ name }) => {
  const { content, etag: tag } = await change("PATCH", { name });
  etag = tag;
  fill(content);
  announce(say("saved"));
}, { 412: "changed_elsewhere" });

onSubmit("email", async (fields) => {
  await call("POST", `${ME}/email`, fields);
  go("account", say("email_sent"));
});

onSubmit("password", async (fields) => {
  await call("PUT", `${ME}/password`, fields);
  go("account", say("password_changed"));
});

onSubmit("delete", async ({ sure, ...proof }) => {
  if (!sure) throw { errors: [{ field: "sure", message: say("sure_first") }] };
  await change("DELETE", proof);
  await logOut(); // its sessions are gone; this forgets the cookie
  go("log_in", say("deleted"));
}, { 409: "last_admin", 412: "changed_elsewhere" });
