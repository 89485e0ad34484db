"use strict";
// A telephone: what the hotline plays is heard here, one clip after the other, and keys cut it short.

class Handset {
  constructor(section) {
    this.section = section;
    this.list = document.getElementById("handset-heard");
    this.state = document.getElementById("handset-state");
    this.problem = section.querySelector(".problem");
    this.player = new Audio();
    this.player.addEventListener("ended", () => this.playNext());
    this.player.addEventListener("error", () => this.playNext());
    this.call = "";
    this.count = 0;
    this.keys = "";
    this.queue = [];
    this.waiting = "";
    for (const button of section.querySelectorAll("[data-do]")) {
      button.addEventListener("click", () => this.act(button.dataset.do, "hang" in button.dataset ? { hang_up: true } : {}));
    }
    for (const button of section.querySelectorAll("[data-key]")) {
      button.addEventListener("click", () => this.press(button.dataset.key));
    }
    this.microphone();
    setInterval(() => this.listen(), 1500);
  }

  get number() {
    return document.getElementById("handset-hidden").checked ? "" : document.getElementById("handset-number").value;
  }

  // Keys are sent when a row of them can be over: after #, or a moment without another one.
  press(key) {
    this.keys += key;
    this.hush();
    clearTimeout(this.timer);
    const send = () => { const keys = this.keys; this.keys = ""; this.act("press", { keys }); };
    if (key === "#") send(); else this.timer = setTimeout(send, 1200);
    this.say(`Pressed ${this.keys || key}`);
  }

  async act(what, more = {}) {
    if (what === "dial") { this.call = ""; this.count = 0; this.list.replaceChildren(); }
    if (what !== "dial" && !this.call) return;
    this.hush();
    const body = { do: what, call: this.call, since: this.count, from: this.number, ...more };
    const answer = await fetch("/phone/call", {
      method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
    }).catch(() => null);
    const told = answer ? await answer.json() : { error: "The sandbox does not answer." };
    this.problem.textContent = told.error || "";
    if (!told.error) this.show(told);
  }

  show(told) {
    this.call = told.call;
    this.count = told.count;
    this.waiting = told.waiting;
    for (const item of told.heard) {
      const line = document.createElement("li");
      line.className = "out";
      line.textContent = `${item.words || item.clip.replace(".wav", "")} (${item.seconds} s)`;
      line.lang = item.language || "";
      this.list.append(line);
      this.queue.push(`/phone/call/${told.call}/${item.n}.wav`);
    }
    const waits = { keys: "press a key", voice: "speak now", person: "connecting to the office", answer: "ringing" };
    this.say(`${told.status}${waits[told.waiting] ? ": " + waits[told.waiting] : ""} · ${told.seconds} s, ${told.presses} keys`);
    this.offer(told.waiting === "answer");
    this.playNext();
  }

  say(words) { this.state.textContent = words; }

  offer(ringing) {
    for (const name of ["take", "refuse"]) this.section.querySelector(`[data-do=${name}]`).hidden = !ringing;
  }

  playNext() {
    if (!document.getElementById("handset-sound").checked) { this.queue = []; return; }
    if (!this.player.paused && !this.player.ended) return;
    const next = this.queue.shift();
    if (next) { this.player.src = next; this.player.play().catch(() => {}); }
  }

  hush() { this.queue = []; this.player.pause(); }

  // A call of Hariu's to this number rings here.
  async listen() {
    if (document.hidden || (this.call && this.waiting)) return;
    const calls = await fetch(`/phone/calls?phone=${encodeURIComponent(this.number)}`).then((found) => found.json()).catch(() => []);
    const ringing = calls.find((call) => call.waiting === "answer");
    if (ringing && ringing.call !== this.call) {
      this.list.replaceChildren();
      this.show({ ...ringing, heard: [], count: 0 });
    }
  }

  microphone() {
    const button = document.getElementById("handset-microphone");
    if (!navigator.mediaDevices || !window.MediaRecorder) return;
    let recorder = null;
    button.hidden = false;
    button.addEventListener("click", async () => {
      if (recorder) { recorder.stop(); recorder = null; button.textContent = "Speak into the microphone"; return; }
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true }).catch(() => null);
      if (!stream) { this.problem.textContent = "The microphone may not be used."; return; }
      const parts = [];
      recorder = new MediaRecorder(stream);
      recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
      recorder.addEventListener("stop", async () => {
        stream.getTracks().forEach((track) => track.stop());
        this.act("speak", { base64: await telephone(new Blob(parts)) });
      });
      this.hush();
      recorder.start();
      button.textContent = "Finished (#)";
    });
  }
}

// A WAV file of 8 kHz, mono, 16 bits in base64, from what the microphone gave.
async function telephone(blob) {
  const decoded = await new AudioContext().decodeAudioData(await blob.arrayBuffer());
  const offline = new OfflineAudioContext(1, Math.ceil(decoded.duration * 8000), 8000);
  const source = offline.createBufferSource();
  source.buffer = decoded;
  source.connect(offline.destination);
  source.start();
  const samples = (await offline.startRendering()).getChannelData(0);
  const view = new DataView(new ArrayBuffer(44 + samples.length * 2));
  const word = (at, text) => [...text].forEach((letter, n) => view.setUint8(at + n, letter.charCodeAt(0)));
  word(0, "RIFF"); view.setUint32(4, 36 + samples.length * 2, true); word(8, "WAVEfmt ");
  view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 1, true);
  view.setUint32(24, 8000, true); view.setUint32(28, 16000, true);
  view.setUint16(32, 2, true); view.setUint16(34, 16, true);
  word(36, "data"); view.setUint32(40, samples.length * 2, true);
  samples.forEach((value, n) => view.setInt16(44 + n * 2, Math.max(-1, Math.min(1, value)) * 32767, true));
  const bytes = new Uint8Array(view.buffer);
  let text = "";
  for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return btoa(text);
}

new Handset(document.getElementById("handset"));
