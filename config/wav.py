"""WAV files of telephone quality: 8 kHz, mono, 16 bits. Pure.

https://www.twilio.com/docs/voice/twiml/play: higher qualities are only made smaller on the line.
"""

from __future__ import annotations

import io
import math
import struct
import sys
import wave
import zlib
from array import array
from itertools import islice, pairwise

RATE = 8000
LONGEST_SECONDS = 120.0
_STEP = 0.12  # seconds of one beep of a placeholder


def wav(samples: array[int]) -> bytes:
    """The file that holds ``samples``."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(_little(samples).tobytes())
    return out.getvalue()


def to_telephone(content: bytes) -> bytes:
    """Any PCM WAV file of 8 or 16 bits as one of telephone quality.

    Raises ``wave.Error``, ``EOFError`` or ``ValueError`` with what is wrong with it.
    """
    with wave.open(io.BytesIO(_with_length(content)), "rb") as file:
        channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
        frames = file.readframes(file.getnframes())
    if width not in (1, 2) or rate < RATE or not frames:
        raise ValueError("a recording of 8 or 16 bits and at least 8 kHz is needed")
    if len(frames) > LONGEST_SECONDS * rate * channels * width:
        raise ValueError(f"longer than {LONGEST_SECONDS:.0f} seconds")
    samples = array("h", frames[: len(frames) // 2 * 2]) if width == 2 else _from_bytes(frames)
    samples = _little(samples) if width == 2 else samples
    return wav(_slower(_mono(samples, channels), rate))


def _with_length(content: bytes) -> bytes:
    """What is written to a pipe cannot tell its length and says the most there is."""
    place = content.find(b"data", 12)
    if content[:4] != b"RIFF" or place < 0:
        raise ValueError("not a WAV file")
    length = len(content) - place - 8
    head = b"RIFF" + struct.pack("<I", len(content) - 8) + content[8:place]
    told = struct.unpack("<I", content[place + 4 : place + 8].ljust(4, b"\0"))[0]
    return head + b"data" + struct.pack("<I", min(told, length)) + content[place + 8 :]


def _from_bytes(frames: bytes) -> array[int]:
    return array("h", ((value - 128) << 8 for value in frames))


def _little(samples: array[int]) -> array[int]:
    if sys.byteorder == "little":
        return samples
    turned = array("h", samples)
    turned.byteswap()
    return turned


def _mono(samples: array[int], channels: int) -> array[int]:
    if channels == 1:
        return samples
    pairs = zip(*(islice(samples, n, None, channels) for n in range(channels)), strict=False)
    return array("h", (sum(pair) // channels for pair in pairs))


def _slower(samples: array[int], rate: int) -> array[int]:
    """Each new sample is the mean of those it stands for: that also takes the highest tones out."""
    if rate == RATE:
        return samples
    count = len(samples) * RATE // rate
    edges = [place * rate // RATE for place in range(count + 1)]
    return array(
        "h",
        (sum(samples[start:end]) // (end - start) for start, end in pairwise(edges)),
    )


def tone(name: str, seconds: float) -> bytes:
    """A sound that nobody takes for a person: beeps at a pitch of the clip; silence for no name."""
    size = int(RATE * _STEP)
    pitch = 300 + zlib.crc32(name.encode()) % 12 * 50
    beep = array("h", (int(2500 * math.sin(2 * math.pi * pitch * n / RATE)) for n in range(size)))
    silence = array("h", bytes(2 * size))
    pattern = (beep if name else silence) + silence
    whole = int(seconds * RATE)
    return wav((pattern * (whole // len(pattern) + 1))[:whole])
