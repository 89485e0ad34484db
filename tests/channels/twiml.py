"""What TwiML may hold, written from Twilio's tables of verbs, attributes and nesting.

https://www.twilio.com/docs/voice/twiml and the page of each verb below it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree

URL = re.compile(r"https?://[^\s]+|/[^\s]*").fullmatch
BOOL = re.compile(r"true|false").fullmatch
METHOD = re.compile(r"GET|POST").fullmatch
KEYS = re.compile(r"[0-9#*]*").fullmatch
NATURAL = re.compile(r"[1-9]\d*").fullmatch
WHOLE = re.compile(r"\d+").fullmatch

Check = Callable[[str], object]

# verb: (attribute -> what it may be), nested verbs, whether text stands in it
VERBS: dict[str, tuple[dict[str, Check], set[str], bool]] = {
    "Response": ({}, {"Play", "Pause", "Gather", "Record", "Dial", "Redirect", "Hangup", "Reject"},
                 False),
    "Play": ({"loop": WHOLE, "digits": re.compile(r"[0-9wW*#]+").fullmatch}, set(), True),
    "Pause": ({"length": NATURAL}, set(), False),
    "Gather": (
        {
            "action": URL, "method": METHOD, "finishOnKey": KEYS, "numDigits": NATURAL,
            "timeout": NATURAL, "input": re.compile(r"dtmf|speech|dtmf speech").fullmatch,
            "actionOnEmptyResult": BOOL, "language": str, "hints": str, "bargeIn": BOOL,
        },
        {"Play", "Pause", "Say"},
        False,
    ),
    "Record": (
        {
            "action": URL, "method": METHOD, "timeout": NATURAL, "finishOnKey": KEYS,
            "maxLength": NATURAL, "playBeep": BOOL, "transcribe": BOOL,
            "trim": re.compile(r"trim-silence|do-not-trim").fullmatch,
            "recordingStatusCallback": URL, "recordingStatusCallbackMethod": METHOD,
            "recordingStatusCallbackEvent": re.compile(
                r"(in-progress|completed|absent)( (in-progress|completed|absent))*"
            ).fullmatch,
        },
        set(),
        False,
    ),
    "Dial": (
        {
            "action": URL, "method": METHOD, "timeout": NATURAL, "callerId": str,
            "hangupOnStar": BOOL, "timeLimit": NATURAL, "answerOnBridge": BOOL,
        },
        {"Number", "Client", "Sip", "Conference", "Queue"},
        True,
    ),
    "Number": ({"url": URL, "method": METHOD, "sendDigits": str, "statusCallback": URL}, set(), True),
    "Redirect": ({"method": METHOD}, set(), True),
    "Hangup": ({}, set(), False),
    "Reject": ({"reason": re.compile(r"rejected|busy").fullmatch}, set(), False),
}  # fmt: skip
# Nothing after these is ever reached.
_LAST = {"Redirect", "Hangup", "Reject"}


def check(document: ElementTree.Element) -> None:
    """Fail where a document breaks a table."""
    assert document.tag == "Response", document.tag
    _check(document)


def _check(element: ElementTree.Element) -> None:
    attributes, nested, has_text = VERBS[element.tag]
    for name, value in element.attrib.items():
        assert name in attributes, f"{element.tag} has no attribute {name}"
        assert attributes[name](value), f"{element.tag} {name}={value!r}"
    words = (element.text or "").strip()
    assert has_text or not words, f"{element.tag} holds no text"
    if element.tag in {"Play", "Redirect"}:
        assert URL(words), f"{element.tag} needs an address, not {words!r}"
    for place, child in enumerate(element):
        assert child.tag in nested, f"{child.tag} in {element.tag}"
        assert child.tag not in _LAST or place == len(element) - 1, f"verbs after {child.tag}"
        _check(child)
