// The phones' own script: threads stay at their end, boxes empty themselves, keys are typed, calls are spoken.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const screens = ["sms-screen", "telegram-screen", "voice-screen"].map(byId);

  // Threads: what is new is shown, unless somebody has scrolled up to read.
  const atEnd = (screen) => screen.scrollHeight - screen.scrollTop - screen.clientHeight < 60;
  const toEnd = (screen) => {
    screen.scrollTop = screen.scrollHeight;
  };
  const lastOf = (screen) => [...screen.querySelectorAll("[data-last]")].map((row) => row.id).pop() || "";
  const known = new Map(screens.map((screen) => [screen, lastOf(screen)]));
  const follow = (screen) => {
    const last = lastOf(screen);
    if (last !== known.get(screen)) setTimeout(() => toEnd(screen), 0);
    known.set(screen, last);
  };
  const staying = new Set(screens);
  const sized = new ResizeObserver((entries) =>
    entries.forEach((entry) => staying.has(entry.target) && toEnd(entry.target)),
  );
  screens.forEach((screen) => {
    sized.observe(screen);
    screen.addEventListener("scroll", () => (atEnd(screen) ? staying.add(screen) : staying.delete(screen)));
  });

  // Calls: what is new on the line is spoken in the subscriber's language, unless the sound is off.
  const call = byId("voice-screen");
  const loud = byId("loud");
  const speech = window.speechSynthesis;
  const spoken = new Set([...call.querySelectorAll("[data-say]")].map((line) => line.id));
  const quiet = () => speech && speech.cancel();
  const isLoud = () => loud.getAttribute("aria-pressed") === "true";
  const speak = () => {
    call.querySelectorAll("[data-say]").forEach((line) => {
      if (spoken.has(line.id)) return;
      spoken.add(line.id);
      if (!speech || !isLoud()) return;
      const words = new SpeechSynthesisUtterance(line.textContent.trim());
      words.lang = call.dataset.voice;
      speech.speak(words);
    });
    if (call.dataset.state === "over" && !call.querySelector("[data-say]")) quiet();
  };
  if (speech) {
    loud.hidden = false;
    loud.setAttribute("aria-pressed", String(localStorage.getItem("phones-sound") !== "off"));
    loud.addEventListener("click", () => {
      loud.setAttribute("aria-pressed", String(!isLoud()));
      localStorage.setItem("phones-sound", isLoud() ? "on" : "off");
      if (!isLoud()) quiet();
    });
  }

  // A button that was pressed may be gone: whoever works with the keyboard goes on with the next.
  const acts = byId("call-acts");
  let pressed = false;
  acts.addEventListener("click", () => {
    pressed = true;
  });
  const goOn = () => {
    if (!pressed || document.activeElement !== document.body) return;
    pressed = false;
    const next = call.dataset.state === "talking" ? byId("voice-words") : acts.querySelector("button");
    if (next) next.focus();
  };

  document.body.addEventListener("htmx:afterSettle", () => {
    goOn();
    screens.forEach((screen) => staying.has(screen) && follow(screen));
    speak();
  });

  // Boxes: emptied once what was typed has gone out; what goes wrong is said.
  document.body.addEventListener("htmx:afterRequest", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement)) return;
    if (form.hasAttribute("data-writing") && event.detail.successful && !byId("note").textContent.trim()) form.reset();
  });
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.closest && event.target.closest("#voice")) quiet();
    if (event.target.closest && event.target.closest(".phone")) screens.forEach((screen) => staying.add(screen));
  });

  // Keys: a row of them goes out a moment after the last, or at once with #.
  const keying = byId("keying");
  const keys = byId("keys");
  const PAUSE = 1600;
  let going = 0;
  keying.querySelector(".pad").hidden = false;
  keying.addEventListener("click", (event) => {
    const key = event.target.dataset.keyOf;
    if (!key) return;
    clearTimeout(going);
    if (key !== "#") keys.value += key;
    if (keys.value) going = setTimeout(() => keying.requestSubmit(), key === "#" ? 0 : PAUSE);
  });
  keying.addEventListener("submit", () => clearTimeout(going));
})();
