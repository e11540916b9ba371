// Who is logged in.
//
// The access token is kept in this variable and nowhere else: a script that gets onto the page later finds it
// in no storage, and it is gone with the page. The refresh token is in a cookie that no script can read, not
// even this one; `/session` uses it for us.

import { Problem, send } from "./http.js";

let accessToken = null;

const OURS = { "X-Account-Page": "1" }; // a form on another site cannot send a header of its own

// The other windows of this page. What they show is out of date once another account has logged in here.
const windows = new BroadcastChannel("session");
windows.onmessage = () => isLoggedIn() && location.reload();

/** The account that asked is not logged in any more. */
export class LoggedOut extends Error {}

export function isLoggedIn() {
  return accessToken !== null;
}

/** Log in, and return nothing; where a code is wanted too, return the token to send with it. */
export function logIn(email, password) {
  return comeIn("/session/login", { email, password });
}

/** The second half of a log-in. */
export function sendCode(mfaToken, code) {
  return comeIn("/session/login/mfa", { mfa_token: mfaToken, code });
}

async function comeIn(path, body) {
  const { content } = await send("POST", path, body, OURS);
  if (content.mfa_token) return content.mfa_token;
  accessToken = content.access_token;
  windows.postMessage("changed");
}

/** End the session, and forget the cookie. */
export async function logOut() {
  await send("POST", "/session/logout", undefined, OURS);
  accessToken = null;
  windows.postMessage("changed");
}

/**
 * Get another access token by the cookie, if there is one.
 *
 * A refresh token is good once, so windows do this one after the other. The service forgives two at once
 * (REFRESH_LEEWAY), but a client that need not be forgiven is a better one.
 */
export async function refresh(used = null) {
  await alone(async () => {
    if (accessToken !== used) return; // while we waited, another request of this window got one
    accessToken = null;
    try {
      const { content } = await send("POST", "/session/refresh", undefined, OURS);
      accessToken = content?.access_token ?? null;
    } catch (error) {
      if (!(error instanceof Problem && error.status === 401)) throw error;
    }
  });
}

function alone(work) {
  // By plain http there are no locks, and no cookie either.
  return navigator.locks ? navigator.locks.request("refresh", work) : work();
}

/**
 * Send a request of the account that is logged in; see `send`. A token that has expired is replaced, once.
 *
 * Throws LoggedOut, too.
 */
export async function call(method, path, body, headers = {}) {
  const used = accessToken;
  const attempt = () => send(method, path, body, { ...headers, Authorization: `Bearer ${accessToken}` });
  try {
    return await attempt();
  } catch (error) {
    if (error.status !== 401) throw error;
  }
  await refresh(used);
  if (!isLoggedIn()) throw new LoggedOut();
  return attempt();
}
