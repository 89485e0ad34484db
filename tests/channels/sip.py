"""A small bridge from SIP to TwiML: a real telephone's signalling and sound, the sandbox's calls.

SIP over UDP (RFC 3261) for one call at a time, sound as PCMU in RTP (RFC 3550, 3551), keys as
telephone-events (RFC 4733). What Twilio does with documents, `channels.sandbox.voice_state` does.
"""

from __future__ import annotations

import io
import re
import select
import socket
import struct
import threading
import time
import wave
from array import array
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from channels.sandbox.voice_state import Call, Exchange
from config.wav import wav

FRAME = 160  # samples of 20 ms
KEYS = "0123456789*#"
EVENTS = 101


def to_ulaw(sample: int) -> int:
    """One 16-bit sample as mu-law: ITU-T G.711."""
    sign, value = (0x80, -sample) if sample < 0 else (0, sample)
    value = min(value, 32635) + 132
    exponent = max(0, value.bit_length() - 8)
    return ~(sign | exponent << 4 | (value >> (exponent + 3)) & 0x0F) & 0xFF


def from_ulaw(code: int) -> int:
    """One mu-law byte as a 16-bit sample."""
    code = ~code & 0xFF
    value = (((code & 0x0F) << 3) + 132 << ((code >> 4) & 7)) - 132
    return -value if code & 0x80 else value


_LINEAR = [from_ulaw(code) for code in range(256)]


@dataclass
class Sound:
    """The RTP of one call: what the caller says, the keys, and what we play."""

    socket: socket.socket
    far: tuple[str, int]
    keys: SimpleQueue[str] = field(default_factory=SimpleQueue)
    said: bytearray = field(default_factory=bytearray)
    sent: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)
    _last: int = -1

    def listen(self) -> None:
        """Take packets until the call is over."""
        while not self.stopped.is_set():
            if not select.select([self.socket], [], [], 0.1)[0]:
                continue
            packet = self.socket.recv(2048)
            kind, when = packet[1] & 0x7F, struct.unpack(">I", packet[4:8])[0]
            if kind == 0:
                self.said += packet[12:]
            elif kind == EVENTS and packet[13] & 0x80 and when != self._last:
                self._last = when  # the end of a key is told three times
                self.keys.put(KEYS[packet[12]])

    def play(self, content: bytes) -> str:
        """Play a WAV file in its own time; a key that cuts it short, or ""."""
        with wave.open(io.BytesIO(content)) as file:
            samples = array("h", file.readframes(file.getnframes()))
        coded, start = bytes(map(to_ulaw, samples)), time.monotonic()
        for number, place in enumerate(range(0, len(coded), FRAME)):
            if self.stopped.is_set():
                return ""
            head = struct.pack(">BBHII", 0x80, 0, self.sent & 0xFFFF, self.sent * FRAME, 7)
            self.socket.sendto(head + coded[place : place + FRAME].ljust(FRAME, b"\xff"), self.far)
            self.sent += 1
            try:
                return self.keys.get(timeout=max(0.001, start + number * 0.02 - time.monotonic()))
            except Empty:
                continue
        return ""

    def key(self, seconds: float) -> str:
        """The next key; "" when none comes, or the caller is gone."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.stopped.is_set():
            try:
                return self.keys.get(timeout=0.05)
            except Empty:
                continue
        return ""

    def heard(self, since: int) -> bytes:
        """What was said from byte ``since`` on, as a WAV file."""
        return wav(array("h", (_LINEAR[code] for code in self.said[since:])))


class Bridge:
    """Answers SIP calls on a port of its own and leads them through ``exchange``."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = int(self.socket.getsockname()[1])
        self.call: Call | None = None
        self.sound: Sound | None = None
        self.over = threading.Event()
        self._answer = b""
        self._closing = False
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._closing = True
        self.socket.close()

    def _serve(self) -> None:
        while not self._closing:
            try:
                message, sender = self.socket.recvfrom(65536)
            except OSError:
                return
            text = message.decode("utf-8", "replace")
            method = text.split(" ", 1)[0]
            if method == "INVITE" and not self._answer:
                self._invited(text, sender)
            elif method == "INVITE":
                self.socket.sendto(self._answer, sender)
            elif method in {"BYE", "CANCEL", "OPTIONS"}:
                self.socket.sendto(_reply(text, 200, "OK"), sender)
                if method == "BYE" and self.sound:
                    self.sound.stopped.set()

    def _invited(self, text: str, sender: tuple[str, int]) -> None:
        rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        rtp.bind(("127.0.0.1", 0))
        address = re.search(r"^c=IN IP4 (\S+)", text, re.M)
        port = re.search(r"^m=audio (\d+)", text, re.M)
        caller = re.search(r"^From:.*?sip:([^@;>]+)@", text, re.M | re.I)

        assert address is not None
        assert port is not None
        assert caller is not None
        self.sound = Sound(rtp, (address[1], int(port[1])))
        self.over.clear()
        self._answer = _reply(text, 200, "OK", _sdp(rtp.getsockname()[1]), self.port)
        self.socket.sendto(_reply(text, 180, "Ringing"), sender)
        threading.Thread(target=self.sound.listen, daemon=True).start()
        threading.Thread(target=self._lead, args=(caller[1], sender), daemon=True).start()

    def _lead(self, caller: str, sender: tuple[str, int]) -> None:
        """The call from its first document to its end."""
        sound = self.sound
        assert sound is not None
        call = self.call = self.exchange.dial(caller)
        self.socket.sendto(self._answer, sender)
        played = 0
        while call.status != "completed" and not sound.stopped.is_set():
            key = ""
            while played < len(call.sounds) and not key:
                key = sound.play(call.sounds[played])
                played += 1
            played = len(call.sounds)
            self._go_on(call, sound, key)
        self.exchange.hang_up(call)
        self._answer = b""
        self.over.set()

    def _go_on(self, call: Call, sound: Sound, key: str) -> None:
        """Keys, a voice or silence, as the document waits for it."""
        if call.waiting == "keys":
            key = key or sound.key(float(call.verbs[0].get("timeout", "5")))
            if key:
                self.exchange.press(call, key)
            elif not sound.stopped.is_set():
                self.exchange.wait(call)
        elif call.waiting == "voice":
            since = len(sound.said)
            sound.key(float(call.verbs[0].get("maxLength", "3600")))
            self.exchange.speak(call, sound.heard(since), hang_up=sound.stopped.is_set())


def _sdp(port: int) -> str:
    return (
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 0 {EVENTS}\r\na=rtpmap:0 PCMU/8000\r\n"
        f"a=rtpmap:{EVENTS} telephone-event/8000\r\na=fmtp:{EVENTS} 0-15\r\na=sendrecv\r\n"
    )


def _reply(text: str, status: int, reason: str, body: str = "", port: int = 0) -> bytes:
    """A response that repeats what RFC 3261, 8.2.6, says it must."""
    head, lines = text.split("\r\n\r\n")[0].split("\r\n"), [f"SIP/2.0 {status} {reason}"]
    for line in head[1:]:
        name = line.split(":", 1)[0].lower()
        if name in {"via", "v", "from", "f", "call-id", "i", "cseq", "record-route"}:
            lines.append(line)
        elif name in {"to", "t"}:
            lines.append(line if ";tag=" in line or status == 100 else f"{line};tag=hotline")
    if port:
        lines += [f"Contact: <sip:hotline@127.0.0.1:{port}>", "Content-Type: application/sdp"]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body]).encode()
