"""Facebook Messenger: the chat of one page, and private answers to comments on it.

`messenger_event` reads what people do into `Inbound`.
https://developers.facebook.com/documentation/business-messaging/messenger-platform
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from channels import http
from channels.base import (
    AddressBlocked,
    BadSignature,
    ChannelDown,
    Fetched,
    Problem,
    Rejected,
    Request,
    Response,
    SendError,
    Throttled,
    Unanswered,
    Unparseable,
    WindowClosed,
)
from channels.fields import Json, obj, objects, parsed, same, text
from channels.menu import menu
from channels.messenger_event import COMMENT, POST, Said, read, short
from config.i18n import LANGUAGES
from config.i18n import text as words
from config.settings import LOOPBACK, Settings
from store.messages import Attachment, Capabilities, Outbound, SendResult
from store.text import shorten, split_text

# v25.0 of 2026-02-18 is served until 2028-07-29.
# https://developers.facebook.com/docs/graph-api/changelog/versions/
API = "https://graph.facebook.com/v25.0"
FIELDS = (
    "messages", "messaging_postbacks", "messaging_optins", "messaging_referrals",
    "message_deliveries", "message_edits", "feed",
)  # fmt: skip
HUB = ".fbcdn.net", ".fbsbx.com", ".facebook.com"

# Whoever's language Messenger does not know gets Mongolian.
_LOCALES = {"mn": "default", "kk": "kk_KZ", "en": "en_US"}

# https://developers.facebook.com/documentation/business-messaging/messenger-platform/error-codes
_WINDOW = {("10", "2018065"), ("10", "2018278"), ("10", "2534022")}
_NO_PERSON = {"1545041", "2018001", "2018108"}
_TOO_FAST = {"4", "17", "32", "613", "80006"}
# A comment may be answered in private once, within 7 days (10900 already, 10901 too old …).
_ANSWERED = {"10900", "10901", "10902", "10903"}
_PAUSE = 60.0


class Messenger:
    """The page of ``chosen.messenger_page_token``; "me" is the Graph API's own name for it."""

    code = "messenger"
    account = "me"
    capabilities = Capabilities(
        form="chat",
        longest=2000,
        buttons=13,
        button_label=20,
        media=True,
        window_hours=24,
        per_second=20.0,
        abroad=True,
    )

    def __init__(self, chosen: Settings) -> None:
        token = chosen.messenger_page_token.get_secret_value()
        self._secret = chosen.messenger_app_secret.get_secret_value().encode()
        self._verify_token = chosen.messenger_verify_token.get_secret_value()
        self._base = (chosen.messenger_api or API).rstrip("/")
        # In a header: addresses end up in logs.
        self._headers = {"Authorization": f"Bearer {token}"}
        # https://developers.facebook.com/docs/graph-api/guides/secure-requests
        self._proof = hmac.new(self._secret, token.encode(), "sha256").hexdigest()

    def verify(self, request: Request) -> None:
        """Of a GET the verify token, of a POST the signature over the raw body.

        https://developers.facebook.com/docs/graph-api/webhooks/getting-started
        """
        if request.method == "GET":
            token = request.query.get("hub.verify_token", "")
            if request.query.get("hub.mode") != "subscribe" or not same(token, self._verify_token):
                raise BadSignature("the verify token is missing or wrong")
            return
        signature = hmac.new(self._secret, request.body, "sha256").hexdigest()
        if not same(request.headers.get("x-hub-signature-256", ""), f"sha256={signature}"):
            raise BadSignature("X-Hub-Signature-256 is missing or wrong")

    def respond(self, request: Request) -> Response | None:
        """Echo the challenge of the verification request."""
        if request.method != "GET":
            return None
        return Response(request.query.get("hub.challenge", ""))

    def parse(self, request: Request) -> Said:
        """What a batch says; nothing where it is about another product than pages."""
        event = parsed(request.body)
        if not isinstance(event, dict) or not text(event, "object"):
            raise Unparseable("not an event")
        return read(event) if event["object"] == "page" else []

    def send(self, outbound: Outbound) -> SendResult:
        """https://developers.facebook.com/documentation/business-messaging/messenger-platform/reference/send-api"""
        parts = self._parts(outbound)
        if not parts:
            raise Rejected("the text is empty", code="empty")
        sent: Json = {}
        for number, part in enumerate(parts, 1):
            message: dict[str, object] = {"text": part}
            if outbound.choices and number == len(parts):
                message["quick_replies"] = self._quick_replies(outbound)
            call = {
                "recipient": _recipient(outbound.address),
                "messaging_type": "RESPONSE",
                "message": message,
            }
            sent = self._call("POST", "me/messages", call)
        if not text(sent, "message_id"):
            raise Unanswered("messenger: answer without a message id", code="unreadable")
        author = text(sent, "recipient_id") if _in_public(outbound.address) else ""
        return SendResult(short(text(sent, "message_id")), address=author)

    def fetch(self, attachment: Attachment) -> Fetched:
        """The address is signed and lapses after some days; it asks for no token."""
        if not self._of_the_platform(attachment.url):
            raise Rejected("the file is not at Facebook", code="foreign")
        return http.file(attachment.url, attachment, code=self.code)

    def set_up(self, public_url: str) -> Iterator[str]:
        """Get-started, greeting and menu; the webhook itself is set in the app's dashboard.

        https://developers.facebook.com/documentation/business-messaging/messenger-platform/reference/messenger-profile-api
        """
        profile = {
            "get_started": {"payload": "/start"},
            "greeting": [
                {"locale": _LOCALES[name], "text": words("messenger.greeting", name)}
                for name in LANGUAGES
            ],
            "persistent_menu": [_menu(name) for name in LANGUAGES],
        }
        self._call("POST", "me/messenger_profile", profile)
        yield f"Messenger: get-started, greeting and menu set in {', '.join(LANGUAGES)}"
        yield (
            f"Messenger: in the app's dashboard give the webhook {public_url}/in/messenger and"
            f" your verify token, and subscribe the page to {', '.join(FIELDS)}"
        )

    def check(self) -> Iterator[Problem]:
        """Whether the page token works and the profile is set."""
        try:
            self._call("GET", "me", {"fields": "id"})
            wanted = {"fields": "get_started,persistent_menu"}
            profile = objects(self._call("GET", "me/messenger_profile", wanted), "data")
        except SendError as error:
            if error.code == "190":
                advice = "Facebook refuses HARIU_MESSENGER_PAGE_TOKEN: make a new page token"
                yield Problem("messenger.token", advice)
            else:
                yield Problem("messenger.down", f"Facebook does not answer ({error.code})")
            return
        if not any("get_started" in item for item in profile):
            advice = "get-started and the menu are not set: run `hariu channel set-up messenger`"
            yield Problem("messenger.profile", advice)

    def _parts(self, outbound: Outbound) -> Sequence[str]:
        longest = self.capabilities.longest
        if _in_public(outbound.address):  # there is one message, not two
            return [shorten(outbound.text.strip(), longest)] if outbound.text.strip() else []
        return split_text(outbound.text, longest)

    def _quick_replies(self, outbound: Outbound) -> list[dict[str, str]]:
        longest = self.capabilities.button_label
        return [
            {
                "content_type": "text",
                "title": shorten(choice.label, longest),
                "payload": choice.value,
            }
            for choice in outbound.choices
        ]

    def _of_the_platform(self, url: str) -> bool:
        """Whether ``url`` is Facebook's, or of a double on this machine."""
        parts, beside = urlsplit(url), urlsplit(self._base).hostname in LOOPBACK
        if beside and parts.hostname in LOOPBACK:
            return True
        return parts.scheme == "https" and (parts.hostname or "").endswith(HUB)

    def _call(self, method: str, path: str, params: Json) -> Json:
        """Call the Graph API; ``params`` are the query of a GET, else a JSON body."""
        query = {"appsecret_proof": self._proof}
        get = method == "GET"
        response = http.call(
            method,
            f"{self._base}/{path}",
            code=self.code,
            params={**params, **query} if get else query,
            json=None if get else params,
            headers=self._headers,
        )
        answer = http.object_in(response)
        if answer is not None and "error" in answer:
            raise _refusal(obj(answer, "error"))
        if response.is_success and answer is not None:
            return answer
        if response.is_success:
            raise Unanswered("messenger: unreadable answer", code="unreadable")
        status = str(response.status_code)
        raise ChannelDown(f"messenger: unreadable refusal {status}", code=status)


def _in_public(address: str) -> bool:
    """Whether it is something written on the page, and no person's chat."""
    return address.startswith((COMMENT, POST))


def _recipient(address: str) -> dict[str, str]:
    """https://developers.facebook.com/documentation/business-messaging/messenger-platform/discovery/private-replies"""
    for handle, name in ((COMMENT, "comment_id"), (POST, "post_id")):
        if address.startswith(handle):
            return {name: address.removeprefix(handle)}
    return {"id": address}


def _greeting(language: str) -> dict[str, str]:
    return {"locale": _LOCALES[language], "text": words("messenger.greeting", language)}


def _menu(language: str) -> dict[str, object]:
    actions = [
        {"type": "postback", "title": title, "payload": f"/{command}"}
        for command, title in menu(language)
    ]
    return {"locale": _LOCALES[language], "call_to_actions": actions}


def _refusal(error: Json) -> SendError:
    """The error Meta names. Its sentences may repeat ids, so only code and subcode."""
    code, subcode = text(error, "code"), text(error, "error_subcode")
    said = f"messenger: Meta error {code}" + (f"/{subcode}" if subcode else "")
    if (code, subcode) in _WINDOW or code in _ANSWERED:
        return WindowClosed(said, code=code)
    if code == "551" or subcode in _NO_PERSON:
        return AddressBlocked(said, code=code)
    if code in _TOO_FAST or (code.startswith("36") and len(code) == 5):
        return Throttled(_PAUSE, said, code=code)
    if code == "100":
        return Rejected(said, code=code)
    # 190, and 10 or 200 without a person's subcode, are the operator's: the page token expired
    # or lost its permissions. Nobody's address is at fault, and the message goes once it is mended.
    return ChannelDown(said, code=code or "unreadable")
