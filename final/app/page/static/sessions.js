// Where one is logged in, and how to end that.

import { attempt } from "./forms.js";
import { OWNER, addView, announce } from "./router.js";
import { call } from "./session.js";
import { say, sayMoment } from "./texts.js";

const SESSIONS = "/v2/auth/sessions";
const section = document.getElementById("sessions");
const endOthers = section.querySelector(":scope > button");

addView("sessions", OWNER, fill);

async function fill() {
  const sessions = await readAll();
  section.querySelector(".rows").replaceChildren(...sessions.map(draw));
  const others = sessions.filter((session) => !session.current);
  endOthers.hidden = others.length === 0;
  endOthers.onclick = () => attempt(section, () => end(others, "sessions_ended"));
}

async function readAll() {
  const sessions = [];
  let path = SESSIONS;
  while (path) {
    const { content } = await call("GET", path);
    sessions.push(...content.items);
    path = content.next;
  }
  return sessions;
}

function draw(session) {
  const row = section.querySelector("template").content.cloneNode(true);
  const part = (name) => row.querySelector(name);
  part(".agent").textContent = session.agent ?? section.dataset.unknown;
  part(".address").textContent = session.address ?? "";
  for (const [name, moment] of [[".since", session.created_at], [".last_used", session.last_used_at]]) {
    part(name).textContent = sayMoment(moment);
    part(name).dateTime = moment;
  }
  part(".current").hidden = !session.current;
  part("button").hidden = session.current; // for this one there is "Log out"
  part("button").onclick = () => attempt(section, () => end([session], "session_ended"));
  return row;
}

async function end(sessions, message) {
  for (const session of sessions) {
    try {
      await call("DELETE", `${SESSIONS}/${session.id}`);
    } catch (error) {
      if (error.status !== 404) throw error; // it has ended by itself meanwhile
    }
  }
  await fill();
  announce(say(message));
  section.querySelector("h1").focus(); // the button that had the focus is gone
}
