"""The new words of a mail apart from what it quotes: clients in mn, kk, ru and en. Pure.

What is cut here stays in the raw event. A mistake in either direction is possible (people write
letters that look like headers), so whoever cuts everything away gets everything back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# "On … wrote:" as clients write it; Gmail and mail.ru in Russian have no verb at all.
_VERBS = re.compile(
    r"\b(wrote|writes|пишет|писала?|написала?|написал\(а\)|бичсэн|бичсэн нь|бичив|бичлээ|бичжээ"
    r"|жазды|жазған|жазып|schrieb|a écrit)\b",
    re.IGNORECASE,
)
_TIME = re.compile(r"\b\d{1,2}[:.]\d{2}\b")
_DATE = re.compile(r"\b(19|20)\d{2}\b|\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b")
_ADDRESS = re.compile(r"\S@\S")
_LONGEST_ATTRIBUTION = 3  # lines

_LABELS = {
    "from": "from|от|от кого|илгээгч|хэнээс|кімнен|жіберуші",
    "sent": "sent|date|отправлено|дата|илгээсэн|илгээсэн огноо|огноо|жіберілді|жіберілген күні"
    "|жіберілген уақыты|күні",
    "to": "to|кому|хүлээн авагч|хэнд|кімге|алушы",
    "cc": "cc|копия|хуулбар|көшірме|көшірмесі",
    "subject": "subject|тема|гарчиг|сэдэв|тақырып|тақырыбы",
}
_LABEL = re.compile(
    r"[ \t*]*(?:" + "|".join(f"(?P<{role}>{words})" for role, words in _LABELS.items())
    + r")\s*\*?\s*:\*?\s*(?P<value>.*)",
    re.IGNORECASE,
)  # fmt: skip
_AHEAD = 8  # lines in which a header block, or a quotation, shows

_ORIGINAL = re.compile(
    r"\s*-{2,}\s*(original message|original appointment|исходное сообщение|оригинальное сообщение"
    r"|анхны мессеж|анхны захидал|эх захидал|эх мессеж|бастапқы хабар|бастапқы хат"
    r"|түпнұсқа хабарлама|reply message)\s*-{2,}\s*",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"\s*(-{2,}\s*(forwarded message|forwarded by .*|пересылаемое сообщение|пересланное сообщение"
    r"|перенаправленное сообщение|дамжуулсан захидал|дамжуулсан мессеж|дамжуулсан зурвас"
    r"|қайта жіберілген хабар|қайта жіберілген хат|бағытталған хабар)\s*-{2,}"
    r"|begin forwarded message:|начало переадресованного сообщения:"
    r"|начало пересылаемого сообщения:)\s*",
    re.IGNORECASE,
)
# What phones and apps add below: both a device and a word for sending, in one short line.
_DEVICE = re.compile(
    r"iphone|ipad|android|samsung|galaxy|huawei|honor|xiaomi|redmi|\bmi\b|oppo|nokia|outlook|gmail"
    r"|yahoo|k-9|thunderbird|proton|mail\.ru|яндекс|почт|windows|телефон|утас",
    re.IGNORECASE,
)
_SENT = re.compile(
    r"\s*(sent (from|with|via|using) .*|get (outlook|yahoo|bluemail)\b.*"
    r"|отправлено (с|из|от|через) .*|.* илгээ(в|сэн|лээ)\.?|.* жібер(ілді|ілген|ген)\.?)\s*",
    re.IGNORECASE,
)
_LONGEST_FOOTER = 80


def own_words(text: str, ours: str, *, forwarded: bool = False) -> str:
    """``text`` without quotations and signature, "" where nothing else is there.

    What was forwarded to us is no quotation: only our own letters are, known by our address
    ``ours``. ``forwarded`` says that the subject calls the mail a forwarded one, which some
    clients mark by nothing else.
    """
    lines = text.splitlines()
    kept: list[str] = []
    at = 0
    while at < len(lines):
        ahead = lines[at : at + _AHEAD]
        if _FORWARDED.fullmatch(ahead[0]) or (forwarded and _header_block(ahead)):
            return _joined(_unsigned(kept), () if _names(ahead, ours) else lines[at:])
        if _ORIGINAL.fullmatch(ahead[0]) or _header_block(ahead):
            break
        if length := _attribution(ahead):
            at += length
            if not _quoted(ahead[length:]):
                break
            continue
        if not ahead[0].startswith(">"):
            kept.append(ahead[0])
        at += 1
    return _joined(_unsigned(kept))


def _joined(own: Sequence[str], forwarded: Sequence[str] = ()) -> str:
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(own)).strip()
    return "\n\n".join(part for part in (text, "\n".join(forwarded).strip()) if part)


def _names(lines: Sequence[str], ours: str) -> bool:
    """Whether the head of a forwarded mail says that it came from us."""
    for line in lines:
        label = _LABEL.fullmatch(line)
        if label and label["from"]:
            return ours in label["value"].lower()
    return False


def _attribution(lines: Sequence[str]) -> int:
    """How many lines "On … wrote:" takes here, 0 where there is none.

    It may be wrapped; it begins at the last line from which it is whole, not at what stands above.
    """
    for length in range(1, _LONGEST_ATTRIBUTION + 1):
        if len(lines) < length or not lines[length - 1].strip() or lines[0].startswith(">"):
            return 0
        if lines[length - 1].rstrip().endswith(":"):
            before_quotation = _quoted(lines[length:])
            if length == 1 and before_quotation and _VERBS.search(lines[0]):
                return 1
            whole = [
                start
                for start in range(length)
                if _says_who_and_when(lines[start:length], before_quotation)
            ]
            return length if whole == [0] else 0
    return 0


def _says_who_and_when(lines: Sequence[str], before_quotation: bool) -> bool:
    line = " ".join(lines)
    who = bool(_VERBS.search(line) or _ADDRESS.search(line))
    when = bool(_TIME.search(line)), bool(_DATE.search(line))
    # Somebody's own sentence may end with "wrote:"; it hardly tells date and time as well.
    return who and (any(when) if before_quotation else all(when))


def _quoted(lines: Sequence[str]) -> bool:
    """Whether the next line that is not empty is a quoted one."""
    following = next((line for line in lines if line.strip()), "")
    return following.startswith(">")


def _header_block(lines: Sequence[str]) -> bool:
    """Whether "From: … Sent: … To: …" begins here, in whatever language."""
    first = _LABEL.fullmatch(lines[0])
    if not (first and first["from"]):
        return False
    roles, values = set(), []
    for line in lines:
        label = _LABEL.fullmatch(line)
        if label and label.lastgroup:
            roles |= {role for role in _LABELS if label[role]}
            values.append(label["value"])
    said = " ".join(values)
    return len(roles) >= 3 and bool(_ADDRESS.search(said) or _TIME.search(said))


def _unsigned(lines: Sequence[str]) -> Sequence[str]:
    """Without the signature below "-- " and the lines phones add."""
    kept = list(lines)
    if "-- " in kept and any(line.strip() for line in kept[: kept.index("-- ")]):
        del kept[kept.index("-- ") :]
    _drop_empty(kept)
    if len(kept) > 1 and _is_footer(kept[-1]):
        kept.pop()
        _drop_empty(kept)
    return kept


def _is_footer(line: str) -> bool:
    return len(line) < _LONGEST_FOOTER and bool(_DEVICE.search(line) and _SENT.fullmatch(line))


def _drop_empty(lines: list[str]) -> None:
    """Drop empty lines and rules at the end."""
    while lines and set(lines[-1]) <= set("-_ "):
        lines.pop()
