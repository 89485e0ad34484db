"""People who write, and providers that carry it: signed webhooks by the vendors' written rules.

Knows nothing of the adapters. Every message keeps the journal of its attempts, which is all that
the checker believes about what was sent and what was accepted.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from urllib.parse import urlencode

import httpx

TELEGRAM_TOKEN = "7100000001:faults-invented-token-00000000000000"
TELEGRAM_SECRET = "faults-invented-secret"
TWILIO_ACCOUNT = "AC" + "f" * 32
TWILIO_TOKEN = "f" * 32
TWILIO_FROM = "+97675000009"
SENTENCES = (
    "Манай багийн худаг ширгэсэн, ус зөөж чадахгүй байна",
    "Сумын төвд интернэт хэдэн өдөр ажиллахгүй байна",
    "Зам эвдэрсэн, машин явж чадахгүй байна",
    "Біздің ауылда интернет жоқ, бірнеше күн болды",
)
REPEATED = 0.2  # share of the messages that come once more, exactly as they were
BURST = 0.15  # share of the people who do not wait for an answer before they go on
LINES = 64  # calls of all providers at one time
TWILIO_SECONDS = 15.0  # https://www.twilio.com/docs/messaging/guides/webhook-request


@dataclass(frozen=True, slots=True)
class Attempt:
    """One webhook call; ``status`` is None when no answer came. Moments are Unix time."""

    began: float
    ended: float
    status: int | None


@dataclass(slots=True)
class Message:
    """One message as a provider knows it; ``repeats`` counts the needless calls among ``attempts``."""

    channel: str
    address: str
    external_id: str
    text: str
    body: bytes
    headers: dict[str, str]
    readable: bool = True
    repeats: int = 0
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def accepted_at(self) -> float | None:
        """When the first 200 came."""
        return min((a.ended for a in self.attempts if a.status == 200), default=None)

    @property
    def began_at(self) -> float | None:
        """When it was sent first."""
        return min((a.began for a in self.attempts), default=None)

    def journal(self) -> str:
        """The message and its attempts as a line of JSON."""
        kept = asdict(self) | {"body": self.body.decode(), "headers": {}}
        return json.dumps(kept, ensure_ascii=False)


@dataclass(slots=True)
class Person:
    """Somebody with one phone who sends ``messages`` in order, or all at once (``hasty``)."""

    channel: str
    address: str
    hasty: bool
    messages: list[Message] = field(default_factory=list)


def people(count: int, public_url: str, seed: int) -> list[Person]:
    """Invented people who send ``count`` messages between them, one to five each."""
    made: list[Person] = []
    dice, left = random.Random(seed), count
    while left:
        number, own = len(made), min(left, dice.randint(1, 5))
        channel = dice.choice(("sms", "telegram"))
        address = f"+97688{number:06}" if channel == "sms" else str(710_000_000 + number)
        person = Person(channel, address, dice.random() < BURST)
        for index in range(own):
            text = f"{dice.choice(SENTENCES)} (хүн {number}, {index + 1}-р мессеж)"
            person.messages.append(written(channel, address, index, text, public_url))
        made.append(person)
        left -= own
    return made


def written(channel: str, address: str, index: int, text: str, public_url: str) -> Message:
    """A message on the wire as its provider would send it."""
    make = _sms if channel == "sms" else _telegram
    return make(address, index, text, public_url)


def _sms(address: str, index: int, text: str, public_url: str) -> Message:
    sid = f"SM{hmac.digest(address.encode(), bytes([index]), 'md5').hex()}"
    return signed_form(address, sid, text, public_url, {"MessageSid": sid, "From": address})


def signed_form(
    address: str, sid: str, text: str, public_url: str, identity: dict[str, str]
) -> Message:
    """https://www.twilio.com/docs/usage/security: URL, then every parameter by name, HMAC-SHA1."""
    url = f"{public_url}/in/sms"
    form = identity | {
        "AccountSid": TWILIO_ACCOUNT, "ApiVersion": "2010-04-01", "Body": text, "NumMedia": "0",
        "NumSegments": "1", "SmsStatus": "received", "To": TWILIO_FROM,
    }  # fmt: skip
    signed = url + "".join(name + form[name] for name in sorted(form))
    digest = hmac.digest(TWILIO_TOKEN.encode(), signed.encode(), "sha1")
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": base64.b64encode(digest).decode(),
    }
    return Message("sms", address, sid, text, urlencode(form).encode(), headers)


def _telegram(address: str, index: int, text: str, public_url: str) -> Message:
    """https://core.telegram.org/bots/api#update, with the ``secret_token`` of setWebhook."""
    chat, number = int(address), 100 + index
    message = {
        "message_id": number,
        "from": {"id": chat, "is_bot": False, "first_name": "Туршилт"},
        "chat": {"id": chat, "type": "private", "first_name": "Туршилт"},
        "date": int(time.time()),
        "text": text,
    }
    update = {"update_id": chat * 10 + index, "message": message}
    return _update(address, f"{chat}:{number}", text, update)


def _update(address: str, external_id: str, text: str, update: dict[str, object]) -> Message:
    headers = {
        "Content-Type": "application/json",
        "X-Telegram-Bot-Api-Secret-Token": TELEGRAM_SECRET,
    }
    body = json.dumps(update, ensure_ascii=False).encode()
    return Message("telegram", address, external_id, text, body, headers)


def unreadable(number: int, public_url: str) -> Person:
    """A provider's genuine event that nobody can read: it must be kept, with a reason."""
    if number % 2:
        message = _update("", "", "", {"something": f"new {number}"})
    else:
        message = signed_form("", "", f"{number}", public_url, {"From": "+97688999999"})
    message.readable = False
    return Person(message.channel, "", hasty=False, messages=[message])


class Senders:
    """Carries what ``people`` send at about ``rate`` messages a second; see `run`."""

    def __init__(
        self, people: list[Person], public_url: str, rate: float, seed: int, patience: float
    ) -> None:
        self.people, self._url, self._patience = people, public_url, patience
        self._dice = random.Random(seed)
        self._seconds = sum(len(person.messages) for person in people) / rate
        self._side: set[asyncio.Task[None]] = set()
        self._http: httpx.AsyncClient
        self._lines: asyncio.Semaphore

    def run(self) -> None:
        """Send everything; returns when each message was accepted or given up."""
        asyncio.run(self._all())

    def messages(self) -> Iterator[Message]:
        """All messages of all people."""
        return (message for person in self.people for message in person.messages)

    async def _all(self) -> None:
        # Our own limit: many who wait for httpx's pool and give up leave it stuck for good.
        self._lines = asyncio.Semaphore(LINES)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=16)
        async with httpx.AsyncClient(
            timeout=TWILIO_SECONDS, limits=limits, trust_env=False
        ) as self._http:
            await asyncio.gather(*(self._live(person) for person in self.people))
            await asyncio.gather(*self._side)

    async def _live(self, person: Person) -> None:
        """One person, begun at a moment of their own, so that people mix as they like."""
        await asyncio.sleep(self._dice.uniform(0, self._seconds * 0.9))
        if person.hasty:
            mixed = self._dice.sample(person.messages, len(person.messages))
            await asyncio.gather(*(self._carry(message) for message in mixed))
            return
        for message in person.messages:
            await self._carry(message)
            await asyncio.sleep(self._dice.expovariate(1.0))

    async def _carry(self, message: Message) -> None:
        """Call until a 200 comes, as providers do, and at times once more than needed."""
        if self._dice.random() < REPEATED:
            task = asyncio.create_task(self._again(message, self._dice.choice((0.0, 0.5, 4.0))))
            self._side.add(task)
        end, pause = time.monotonic() + self._patience, 0.2
        while not await self._call(message) and time.monotonic() < end:
            await asyncio.sleep(pause * self._dice.uniform(0.8, 1.2))
            pause = min(2 * pause, 2.0)

    async def _again(self, message: Message, pause: float) -> None:
        await asyncio.sleep(pause)
        message.repeats += 1
        await self._call(message)

    async def _call(self, message: Message) -> bool:
        url, status = f"{self._url}/in/{message.channel}", None
        async with self._lines:
            began = time.time()
            with suppress(httpx.HTTPError):
                answer = await self._http.post(url, content=message.body, headers=message.headers)
                status = answer.status_code
        message.attempts.append(Attempt(began, time.time(), status))
        return status == 200
