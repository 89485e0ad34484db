"""SMS through local gateways: Kannel, operators, aggregators; one channel each.

What goes where is in the profile (`config.gateway`), addresses and passwords are settings. A
gateway signs nothing, so a token of ours stands in its calls, and its address may be allow-listed.
It is answered with an empty body: some gateways text whatever they get to the citizen.
"""

from __future__ import annotations

import codecs
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_address
from urllib.parse import parse_qsl, quote

import httpx

from channels import http
from channels.base import (
    BadSignature,
    Channel,
    ChannelDown,
    Problem,
    Rejected,
    Request,
    SendError,
    Unanswered,
    Unparseable,
)
from channels.fields import parsed, same, text
from config.clock import now
from config.gateway import PLACE, Gateway
from config.profile import profile
from config.settings import Settings, SettingsError
from store import phones
from store.messages import (
    Capabilities,
    DeliveryReport,
    Inbound,
    Outbound,
    OutboundState,
    SendResult,
)
from store.text import measure, split_text

TOKEN_HEADER = "x-hariu-token"  # noqa: S105 - the header's name
LONGEST_ID = 100

Fields = Mapping[str, str]


def gateways(chosen: Settings) -> Iterator[Channel]:
    """The gateways that have settings. Raises `SettingsError` naming all that is missing."""
    known, problems = profile().gateways, []
    secrets = {
        name: {key: value.get_secret_value() for key, value in given.items()}
        for name, given in chosen.gateways.items()
    }
    given = {name: keys for name, keys in secrets.items() if any(keys.values())}
    for name, keys in given.items():
        if name not in known:
            problems.append(
                f"the profile has no [gateways.{name}] for HARIU_GATEWAY_{name.upper()}_…"
            )
            continue
        if missing := sorted(key for key in known[name].needs if not keys.get(key)):
            names = ", ".join(f"HARIU_GATEWAY_{name.upper()}_{key.upper()}" for key in missing)
            problems.append(f"gateway {name} is only half configured: set {names} as well")
    if problems:
        raise SettingsError("; ".join(problems))
    for name, keys in given.items():
        yield SmsGateway(name, known[name], keys, chosen.public_url)


class SmsGateway:
    """The gateway ``name`` of the profile; ``account`` is our number or name there."""

    takes_get = True

    def __init__(
        self, name: str, gateway: Gateway, given: Mapping[str, str], public_url: str
    ) -> None:
        self.code = f"gateway-{name}"
        self.account = given.get("sender", name)
        self.capabilities = Capabilities(
            form="sms",
            longest=gateway.longest,
            units=134,
            per_second=gateway.per_second,
            latin=gateway.latin,
        )
        self._gateway = gateway
        self._given = given
        self._token = given["token"]
        # Kannel reads "%" in a report's address as an escape of its own.
        token = quote(self._token, safe="").replace("%", "%%")
        self._report_url = f"{public_url}/in/gateway/{name}/report?token={token}"

    def verify(self, request: Request) -> None:
        """The token in query or header, and the caller's address where there is an allow-list."""
        given = request.query.get("token") or request.headers.get(TOKEN_HEADER, "")
        if not same(given, self._token):
            raise BadSignature("the token is missing or wrong")
        if self._gateway.allow and not self._allowed(request.remote):
            raise BadSignature("the caller is not on the allow-list")

    def parse(self, request: Request) -> Sequence[Inbound | DeliveryReport]:
        """One message, or below ``/report`` one report; nothing where no field is ours."""
        raw = _fields(request)
        if not raw:
            raise Unparseable("no fields")
        report = request.path.endswith("/report")
        names = self._gateway.report if report else self._gateway.inbound
        found: dict[str, str] = {role: raw[name] for role, name in names.items() if raw.get(name)}
        if not found:
            return []
        said = self._report(found) if report else self._inbound(found)
        return [said] if said else []

    def send(self, outbound: Outbound) -> SendResult:
        """One call for each text of at most ``longest``; the gateway cuts it into SMS."""
        parts = split_text(outbound.text, self.capabilities.longest)
        if not parts:
            raise Rejected("the text is empty", code="empty")
        # Ours, so that reports find it although Kannel tells no id; the same for every try.
        identity = hashlib.sha256(outbound.key.encode()).hexdigest()[:32]
        told = ""
        for part in parts:
            message = {
                "to": self._number(outbound.address),
                "text": part,
                "id": identity,
                "coding": "2" if measure(part).encoding == "UCS-2" else "0",
                "report_url": self._report_url,
            }
            told = self._taken(self._call({**self._given, **message}))
        return SendResult(told[:LONGEST_ID] or identity)

    def check(self) -> Iterator[Problem]:
        """Whether anybody answers at the address; asking for more would send an SMS."""
        try:
            http.call("HEAD", self._given["url"], code=self.code)
        except SendError as error:
            advice = f"The gateway does not answer ({error.code}): is its address right, is it up?"
            yield Problem(f"{self.code}.down", advice)

    def _allowed(self, remote: str) -> bool:
        try:
            address = ip_address(remote)
        except ValueError:
            return False
        return any(address in network for network in self._gateway.allow)

    def _inbound(self, found: Fields) -> Inbound:
        sender = found.get("from", "").strip()
        if not sender:
            raise Unparseable("no sender", code="unparseable.sender")
        words = _decoded(found.get("text", ""), found.get("charset", ""))
        # A short number or a name is kept as it is.
        address = phones.normalise(sender) or _decoded(sender)
        at = _moment(found.get("time", ""))
        identity = _decoded(found.get("id", "")) or self._made_up(address, words, found)
        return Inbound(self.code, self.account, identity, address, text=words, sent_at=at)

    def _made_up(self, address: str, words: str, found: Fields) -> str:
        """An id from sender, text and the operator's time.

        Without a time it is our minute: a gateway repeats an unanswered call within seconds, and a
        person who sends the same words again after a minute means it. Keyed, because the id is
        kept in the clear.
        """
        time = found.get("time") or now().strftime("%Y-%m-%dT%H:%M")
        said = "\0".join((address, words, time)).encode("utf-8", "surrogatepass")
        return hmac.new(self._token.encode(), said, "sha256").hexdigest()[:40]

    def _report(self, found: Fields) -> DeliveryReport | None:
        identity, word = _decoded(found.get("id", "")), _decoded(found.get("state", ""))
        if not identity:
            raise Unparseable("report without id", code="unparseable.id")
        states = {
            OutboundState.DELIVERED: self._gateway.delivered,
            OutboundState.FAILED: self._gateway.failed,
            OutboundState.SENT: self._gateway.sent,
        }
        for state, pattern in states.items():
            if pattern.search(word):
                error = word[:40] if state is OutboundState.FAILED else ""
                return DeliveryReport(self.code, self.account, identity, state, error=error)
        return None

    def _number(self, address: str) -> str:
        plain = address.removeprefix("+")
        if self._gateway.number == "plus":
            return address
        return plain.removeprefix(phones.COUNTRY) if self._gateway.number == "national" else plain

    def _call(self, values: Mapping[str, str]) -> httpx.Response:
        params = _filled(self._gateway.params, values)
        headers = _filled(self._gateway.headers, values)
        get, as_json = self._gateway.method == "GET", self._gateway.body == "json"
        return http.call(
            self._gateway.method,
            values["url"],
            code=self.code,
            params=params if get else None,
            data=None if get or as_json else params,
            json=params if as_json and not get else None,
            headers=headers,
        )

    def _taken(self, response: httpx.Response) -> str:
        """The provider's id, if it told one. Answers may repeat number and text: never shown."""
        body, status = response.text, str(response.status_code)
        if self._gateway.refused and (refused := self._gateway.refused.search(body)):
            code = refused.groupdict().get("code") or "refused"
            raise Rejected(f"{self.code}: refused", code=code)
        if response.is_success:
            if accepted := self._gateway.accepted.search(body):
                return accepted.groupdict().get("id") or ""
            raise Unanswered(f"{self.code}: unreadable answer", code="unreadable")
        if status in ("400", "413", "422"):
            raise Rejected(f"{self.code}: refused", code=status)
        # Wrong password or address: the message goes once the operator has acted.
        raise ChannelDown(f"{self.code}: refused", code=status)


def _filled(templates: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    return {
        name: PLACE.sub(lambda match: values[match[1]], template)
        for name, template in templates.items()
    }


def _fields(request: Request) -> dict[str, str]:
    """The fields of query or body; each byte of a form as one character, see `_decoded`."""
    body = request.body or request.url.partition("?")[2].encode("latin-1", "replace")
    if body.lstrip()[:1] in (b"{", b"["):
        found = parsed(body)
        if not isinstance(found, dict):
            raise Unparseable("not an object")
        return {name: _bytewise(text(found, name)) for name in found}
    pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    return {name: value for name, value in pairs if name != "token"}


def _bytewise(words: str) -> str:
    return words.encode("utf-8", "surrogatepass").decode("latin-1")


def _decoded(raw: str, charset: str = "") -> str:
    """Text of bytes: Kannel without ``mo-recode`` sends Cyrillic as raw UTF-16BE, and says so."""
    content, name = raw.encode("latin-1", "replace"), "utf-8"
    with suppress(LookupError):
        name = codecs.lookup(charset).name if charset else name
    if not re.fullmatch(r"(utf|iso8859|cp125|ascii)[\w-]*", name):  # no codec that is no charset
        name = "utf-8"
    return content.decode(name, "replace")


def _moment(words: str) -> datetime | None:
    """Unix seconds, or a date and time; one without a zone is local. None if it is neither."""
    try:
        if re.fullmatch(r"\d{9,10}", words):
            return datetime.fromtimestamp(int(words), UTC)
        at = datetime.fromisoformat(words)
    except (ValueError, OverflowError):
        return None
    return (at if at.tzinfo else at.replace(tzinfo=profile().timezone)).astimezone(UTC)
