// Shortcuts, drafts and small comforts. Everything works without this file.
"use strict";
(() => {
  const off = () => localStorage.getItem("hariu.keys") === "off";
  const one = (selector) => document.querySelector(selector);
  const focus = (selector) => {
    const found = one(selector);
    if (!found) return;
    found.closest("details")?.setAttribute("open", "");
    found.focus();
    found.scrollIntoView({ block: "center" });
  };
  const go = (selector) => one(selector)?.click();

  // The list of the queue, or the one beside a case.
  const links = () => [...document.querySelectorAll(".cases .what a, .side li a")];
  const move = (step) => {
    const all = links();
    const at = all.findIndex((a) => a === document.activeElement || a.matches("[aria-current]"));
    const next = all[Math.max(0, Math.min(all.length - 1, at + step))];
    if (!next) return;
    if (next.closest(".side")) next.click();
    else next.focus();
  };

  // By the place of the key: the alphabet on the keyboard may be Cyrillic.
  const keys = {
    Slash: (event) => event.shiftKey ? go("#keys") : focus("input[name=words]"),
    KeyH: () => go(".brand"),
    KeyJ: () => move(1),
    KeyK: () => move(-1),
    KeyN: () => go("#first-new"),
    KeyA: () => focus("#take"),
    KeyR: () => focus("#reply-text"),
    KeyT: () => focus("#note-text"),
    KeyS: () => focus(".next .act > summary"),
    KeyU: () => go("#undo"),
  };
  const typing = (target) => target.closest("input, textarea, select, [contenteditable]");

  document.addEventListener("keydown", (event) => {
    const field = typing(event.target);
    if (field && event.code === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      field.form?.requestSubmit();
      return;
    }
    if (field || off() || event.ctrlKey || event.metaKey || event.altKey) return;
    const digit = /^Digit([1-9])$/.exec(event.code);
    if (digit) {
      document.querySelectorAll(".views a")[digit[1] - 1]?.click();
    } else if (keys[event.code]) {
      event.preventDefault();
      keys[event.code](event);
    }
  });

  const box = one("#keys-on");
  if (box) {
    box.checked = !off();
    box.addEventListener("change", () => localStorage.setItem("hariu.keys", box.checked ? "on" : "off"));
  }

  // What is typed is kept a second after the last key.
  let waiting;
  document.addEventListener("input", (event) => {
    const room = event.target.closest("[data-draft]");
    if (!room || event.target.tagName !== "TEXTAREA") return;
    clearTimeout(waiting);
    const form = new FormData(event.target.form);
    waiting = setTimeout(() => fetch(room.dataset.draft, {
      method: "POST", body: new URLSearchParams(form), headers: { "HX-Request": "true" },
    }), 900);
  });

  document.querySelectorAll(".scripted").forEach((each) => { each.hidden = false; });
  const all = one("#all");
  all?.addEventListener("change", () => {
    document.querySelectorAll(".pick").forEach((tick) => { tick.checked = all.checked; });
  });

  // The seconds in which a reply may be taken back.
  const undo = one(".undo");
  if (undo) setTimeout(() => undo.remove(), Number(undo.dataset.seconds || 20) * 1000);
})();
