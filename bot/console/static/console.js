// The console's own script: signals into refreshes, new rows held back, keys by place. Everything works without it.
"use strict";
(() => {
  const live = document.getElementById("live");
  if (!live) return;
  const byId = (id) => document.getElementById(id);

  // Live: signals only say that something changed; the page is fetched again and its live regions are morphed.
  const topics = new Set(live.dataset.topics.split(" ").filter(Boolean));
  const SLOWEST = 30000;
  let wait = 1000;
  let since = null;
  let pending = 0;

  const concerns = (changed) =>
    changed.includes("*") || topics.has("*") || topics.has("inbox") || changed.some((topic) => topics.has(topic));

  // Signals that come meanwhile are for the same fetch: waiting anew at each would never fetch in a busy hour.
  const refresh = () => {
    pending ||= setTimeout(() => {
      pending = 0;
      if (window.htmx) window.htmx.trigger(live, "live");
    }, topics.has("*") ? 1500 : 50);
  };

  const inZone = { hour: "2-digit", minute: "2-digit", timeZone: live.dataset.zone };
  const clock = () => new Date().toLocaleTimeString("en-GB", inZone);

  const offline = (text) => {
    const bar = byId("offline");
    bar.textContent = text;
    bar.hidden = !text;
  };

  const connect = () => {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}${live.dataset.socket}`);
    socket.onopen = () => {
      wait = 1000;
      offline("");
      if (since) refresh();
      since = null;
    };
    socket.onmessage = (message) => {
      const signal = JSON.parse(message.data);
      if (concerns(signal.topics)) refresh();
    };
    socket.onclose = (closed) => {
      if (closed.code === 4401) {
        location.assign(`/console/sign-in?ended=1&to=${encodeURIComponent(location.pathname)}`);
        return;
      }
      since = since || clock();
      offline(`Not live since ${since}. Trying to reach Amiable again; what you see may be old.`);
      setTimeout(connect, wait);
      wait = Math.min(wait * 2, SLOWEST);
    };
  };
  connect();

  if (window.Idiomorph) {
    window.Idiomorph.defaults.ignoreActiveValue = true;
    window.Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name) => name !== "open";
    // A form that is open stays as it is, with what has been typed: only its own page load closes it.
    window.Idiomorph.defaults.callbacks.beforeNodeMorphed = (old) => !(old.matches && old.matches("details[open]:is(.acts, .giving)"));
  }

  // Nothing jumps: rows that are new wait behind a pill, the others change in place.
  const atEnd = (region) => region.scrollHeight - region.scrollTop - region.clientHeight < 80;

  document.body.addEventListener("htmx:oobBeforeSwap", (event) => {
    const region = event.detail.target;
    const fresh = event.detail.fragment.querySelector(`#${region.id}`);
    if (!fresh || !region.dataset.hold) return;
    const fromEnd = region.id === "timeline";
    const open = region.dataset.open === "1" || (fromEnd && atEnd(region));
    const known = new Set([...region.querySelectorAll("[data-row]")].map((row) => row.dataset.row));
    const added = [...fresh.querySelectorAll("[data-row]")].filter((row) => !known.has(row.dataset.row));
    if (known.size && added.length && !open) {
      added.forEach((row) => row.remove());
      pill(region, added.length);
    } else {
      pill(region, 0);
      if (fromEnd && added.length) setTimeout(() => toEnd(region), 30);
    }
    delete region.dataset.open;
  });

  const pill = (region, count) => {
    const button = byId(`${region.id}-new`);
    if (!button) return;
    button.hidden = !count;
    button.textContent = count ? `${count} ${region.dataset.hold}${count > 1 ? "s" : ""}` : "";
  };

  const toEnd = (region) => {
    region.scrollTop = region.scrollHeight;
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".pill");
    if (button) {
      byId(button.dataset.for).dataset.open = "1";
      refresh();
    }
    const opener = event.target.closest("[data-open]");
    if (opener && byId(opener.dataset.open).showModal) byId(opener.dataset.open).showModal();
  });
  const timeline = byId("timeline");
  if (timeline && !location.search.includes("before=")) toEnd(timeline);
  document.querySelectorAll("button[data-open]").forEach((button) => {
    button.hidden = false;
  });

  // Drafts: say that they are kept; never send a form twice; warn when the conversation changed hands meanwhile.
  document.body.addEventListener("htmx:afterRequest", (event) => {
    if (event.target.id !== "words") return;
    byId("kept").textContent = event.detail.successful ? `Draft kept ${clock()}` : "Draft not kept: no connection";
  });
  document.body.addEventListener("htmx:oobAfterSwap", () => {
    const custody = byId("custody");
    const composer = byId("composer");
    if (!custody || !composer) return;
    composer.querySelector("button").disabled = custody.dataset.epoch !== composer.dataset.epoch;
  });
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method === "get") return;
    setTimeout(() => event.target.querySelectorAll("button").forEach((button) => (button.disabled = true)), 0);
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });

  // Keys, by their place on the keyboard, so that they work in Cyrillic and Romanian layouts alike.
  const field = (target) => target.closest("input, textarea, select, [contenteditable]");
  const rows = () => [...document.querySelectorAll("#rows a.row, #found th a")];

  const step = (by) => {
    const all = rows();
    const at = all.findIndex((row) => row === document.activeElement || row.getAttribute("aria-current"));
    const focused = all.indexOf(document.activeElement);
    const next = all[Math.max(0, Math.min(all.length - 1, (focused < 0 ? at : focused) + by))];
    if (next) next.focus();
  };

  const press = (code) => {
    const button = document.querySelector(`[data-key="${code}"]`);
    if (button) button.click();
  };

  const keys = {
    KeyJ: () => step(1),
    KeyK: () => step(-1),
    KeyO: () => rows().includes(document.activeElement) && document.activeElement.click(),
    KeyT: () => press("KeyT"),
    KeyB: () => press("KeyB"),
    KeyR: () => byId("words") && byId("words").focus(),
    Slash: (event) => {
      if (event.shiftKey) byId("keys").showModal();
      else if (byId("q")) byId("q").focus();
      else location.assign("/console/clients#q");
    },
  };

  document.addEventListener("keydown", (event) => {
    if (field(event.target)) {
      if (event.code === "Escape") event.target.blur();
      if (event.code === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form) event.target.form.requestSubmit();
      return;
    }
    if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
    const act = keys[event.code];
    if (!act || (event.shiftKey && event.code !== "Slash")) return;
    event.preventDefault();
    act(event);
  });
  if (location.hash === "#q" && byId("q")) byId("q").focus();
})();
