// Slides: keys, a presenter's window, and type that shrinks until a slide fits. Works from a folder.
"use strict";
(() => {
  const body = document.body;
  const pages = [...document.querySelectorAll(".page")];
  const presenter = new URLSearchParams(location.search).has("presenter");
  let other = presenter ? window.opener : null; // the two windows follow each other

  // Type shrinks by steps to six tenths; what does not fit then fails the test of the slides.
  const fits = (shown) =>
    shown.scrollHeight <= shown.clientHeight + 1 &&
    shown.scrollWidth <= shown.clientWidth + 1 &&
    [...shown.querySelectorAll("pre > code")].every((code) => code.scrollWidth <= code.clientWidth + 1);
  const fit = () => {
    body.classList.add("measured");
    document.querySelectorAll(".page:not(.first, .question) .shown").forEach((shown) => {
      for (let size = 26; size >= 15 && !(shown.style.fontSize = `${size}px`, fits(shown)); size -= 0.5);
      if (!fits(shown)) shown.classList.add("wrapped"); // a line of a log may be longer than a slide is wide
      const room = shown.querySelector(".figure svg");
      if (room) room.style.height = `${Math.min(500, shown.clientHeight)}px`;
    });
    body.classList.remove("measured");
  };

  const scale = () => {
    const whole = Math.min(innerWidth / 1280, innerHeight / 720);
    body.style.setProperty("--scale", presenter ? (innerWidth * 0.57) / 1280 : whole);
    pages.forEach((page) => page.style.removeProperty("--scale"));
    const next = body.querySelector(".page.next");
    if (presenter && next) next.style.setProperty("--scale", (innerWidth * 0.4) / 1280);
  };

  const now = () => Math.max(0, pages.findIndex((page) => page.classList.contains("now")));
  const show = (at, told) => {
    const to = Math.min(Math.max(at, 0), pages.length - 1);
    pages.forEach((page, number) => {
      page.classList.toggle("now", number === to);
      page.classList.toggle("next", presenter && number === to + 1);
    });
    history.replaceState(null, "", `${location.search}#${to + 1}`);
    scale();
    if (!told && other && !other.closed) other.postMessage({ slide: to }, "*"); // a folder has no origin to name
  };

  const keys = {
    ArrowRight: () => show(now() + 1), PageDown: () => show(now() + 1), " ": () => show(now() + 1),
    ArrowLeft: () => show(now() - 1), PageUp: () => show(now() - 1),
    Home: () => show(0), End: () => show(pages.length - 1),
    n: () => body.classList.toggle("with-notes"),
    p: () => { if (!presenter) other = window.open(`?presenter#${now() + 1}`, "presenter", "width=1200,height=800"); },
    d: () => { body.dataset.mdColorScheme = body.dataset.mdColorScheme === "slate" ? "default" : "slate"; },
  };
  addEventListener("keydown", (event) => {
    const action = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  });
  addEventListener("click", (event) => {
    if (event.target.closest("a, .notes, .keys") || getSelection().toString()) return;
    show(now() + (event.clientX < innerWidth / 4 ? -1 : 1));
  });
  addEventListener("message", (event) => {
    if (event.source === other && Number.isInteger(event.data?.slide)) show(event.data.slide, true);
  });
  addEventListener("hashchange", () => show((Number(location.hash.slice(1)) || 1) - 1));
  addEventListener("resize", scale);

  if (matchMedia("(prefers-color-scheme: dark)").matches) keys.d();
  addEventListener("beforeprint", () => { body.dataset.screen = body.dataset.mdColorScheme; body.dataset.mdColorScheme = "default"; });
  addEventListener("afterprint", () => { body.dataset.mdColorScheme = body.dataset.screen; });
  document.fonts.ready.then(() => {
    fit();
    body.classList.add("live");
    body.classList.toggle("presenter", presenter);
    show((Number(location.hash.slice(1)) || 1) - 1, true);
    document.querySelector(".keys").classList.add("hint");
    setTimeout(() => document.querySelector(".keys").classList.remove("hint"), 4000);
    body.dataset.ready = "yes";
  });
  if (presenter) {
    const clock = body.appendChild(Object.assign(document.createElement("p"), { className: "clock" }));
    const began = Date.now();
    setInterval(() => {
      const seconds = Math.floor((Date.now() - began) / 1000);
      clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    }, 500);
  }
})();
