"use strict";
// The page works without this file. With it, messages appear by themselves and nothing reloads.

const GSM7 = new Set("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€\f");
const DOUBLE = new Set("^{}\\[~]|€\f");

class Phone {
  constructor(section) {
    this.form = section.querySelector("form");
    this.thread = section.querySelector(".thread");
    this.scroll = section.querySelector(".scroll");
    this.problem = section.querySelector(".problem");
    this.text = section.querySelector("textarea");
    this.key = this.thread.dataset.key;
    this.seen = Math.max(0, ...[...this.thread.children].map((item) => Number(item.dataset.n)));
    this.tidy();
    this.form.elements[this.key].addEventListener("change", () => this.turn());
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.act(event.submitter); });
    this.text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); this.act(null); }
    });
  }

  get query() { return new URLSearchParams({ [this.key]: this.form.elements[this.key].value, since: this.seen }); }

  // Another number or chat: start from its own history.
  turn() {
    this.thread.replaceChildren();
    this.seen = 0;
    const page = new URL(location);
    for (const name of ["phone", "chat", "name", "psid", "mail"]) {
      const field = this.form.elements[name];
      if (field && field.type !== "hidden") page.searchParams.set(name, field.value);
    }
    history.replaceState(null, "", page);
    this.poll();
  }

  async act(button) {
    if (button?.value === "switch") { this.turn(); return; }
    if (button?.name === "example" && !button.value.startsWith("/")) {
      this.fill(button.value);
      return;
    }
    if (button?.id === "edit" && !this.text.value) {
      const last = [...this.thread.querySelectorAll("li.in.text p")].pop();
      if (last) { this.fill(last.textContent); return; }
    }
    const body = new URLSearchParams(new FormData(this.form));
    if (button?.name) body.set(button.name, button.value);
    if (!button?.name && !this.text.value.trim()) return;
    if (button?.name !== "press" && button?.name !== "example") this.fill("");
    const sending = fetch(this.form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    setTimeout(() => this.poll(), 50);
    const answer = await sending.catch(() => null);
    this.problem.textContent = !answer ? "The sandbox does not answer." : answer.ok ? "" : await answer.text();
    this.poll();
  }

  fill(text) {
    this.text.value = text;
    this.text.dispatchEvent(new Event("input"));
    this.text.focus();
  }

  async poll() {
    const query = this.query;
    try {
      const news = await (await fetch(`/phone/messages?${query}`)).json();
      if (!news.length) return;
      const html = await (await fetch(`/page/thread?${query}`)).text();
      if (query.get(this.key) !== this.form.elements[this.key].value) return;
      this.show(new DOMParser().parseFromString(`<ol>${html}</ol>`, "text/html").querySelectorAll("li"));
    } catch {
      this.problem.textContent = "The sandbox does not answer.";
    }
  }

  show(items) {
    const below = this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < 80;
    for (const item of items) {
      this.seen = Math.max(this.seen, Number(item.dataset.n));
      const old = document.getElementById(item.id);
      if (!old) this.thread.append(item);
      else if (Number(old.dataset.n) < Number(item.dataset.n)) old.replaceWith(item);
    }
    this.tidy(below);
  }

  // Local time, and the newest message in view unless somebody is reading further up.
  tidy(scroll = true) {
    for (const time of this.thread.querySelectorAll("time:not([data-local])")) {
      time.textContent = new Date(time.dateTime).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
      time.dataset.local = "";
    }
    if (scroll) this.scroll.scrollTop = this.scroll.scrollHeight;
  }
}

// Length as the mobile network counts it: GSM-7, or UCS-2 as soon as one letter is Cyrillic.
function parts(text) {
  const plain = [...text].every((letter) => GSM7.has(letter));
  const units = plain ? [...text].reduce((sum, letter) => sum + (DOUBLE.has(letter) ? 2 : 1), 0) : text.length;
  const [single, several] = plain ? [160, 153] : [70, 67];
  const count = units <= single ? 1 : Math.ceil(units / several);
  return text ? `${units} characters · ${count} ${count === 1 ? "part" : "parts"}` : "";
}

const phones = [...document.querySelectorAll(".phone:not(.handset)")].map((section) => new Phone(section));
const smsText = document.getElementById("sms-text");
const smsCount = document.getElementById("sms-count");
smsText.addEventListener("input", () => { smsCount.textContent = parts(smsText.value); });
setInterval(() => { if (!document.hidden) phones.forEach((phone) => phone.poll()); }, 1000);
