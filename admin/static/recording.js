"use strict";
// Without this file recordings are played at their own speed, and clips are uploaded as files.

for (const button of document.querySelectorAll("[data-speed]")) {
  const player = button.closest(".recording").parentElement.querySelector(`audio[src$="/files/${button.closest(".recording").id.slice(10)}"]`);
  if (!player) continue;
  button.hidden = false;
  button.addEventListener("click", () => {
    player.playbackRate = Number(button.dataset.speed);
    player.play();
  });
}

// A WAV file of 8 kHz, mono, 16 bits, from what the microphone gave.
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
  return new Blob([view], { type: "audio/wav" });
}

for (const form of document.querySelectorAll("form[data-clip]")) {
  const button = form.querySelector("[data-record]");
  if (!navigator.mediaDevices || !window.MediaRecorder) continue;
  let recorder = null;
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (recorder) { recorder.stop(); return; }
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true }).catch(() => null);
    if (!stream) return;
    const parts = [];
    recorder = new MediaRecorder(stream);
    recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
    recorder.addEventListener("stop", async () => {
      stream.getTracks().forEach((track) => track.stop());
      const file = new DataTransfer();
      file.items.add(new File([await telephone(new Blob(parts))], "clip.wav", { type: "audio/wav" }));
      form.elements.file.files = file.files;
      form.requestSubmit();
    });
    recorder.start();
    button.textContent = button.dataset.stop;
  });
}
