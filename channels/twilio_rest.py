"""What Twilio's REST interface shares, messages and calls alike: calling, refusals, files.

https://www.twilio.com/docs/usage/requests-to-twilio
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

from channels import http
from channels.base import (
    AddressBlocked,
    ChannelDown,
    Fetched,
    Rejected,
    SendError,
    Throttled,
    Unanswered,
)
from channels.fields import Json, text
from config.settings import Settings
from store.messages import Attachment

API = "https://api.twilio.com"
_PAUSE = 30.0


@dataclass(frozen=True, slots=True)
class Codes:
    """Twilio's error codes that are more than a refusal. https://www.twilio.com/docs/api/errors

    ``ours``: account or sender is at fault, so it may go once the operator has acted.
    """

    dead: Set[str]
    fast: Set[str]
    ours: Set[str]


class TwilioRest:
    """The account of ``chosen``, for the channel ``code``; ``folder`` is where its things lie."""

    def __init__(self, code: str, chosen: Settings, codes: Codes) -> None:
        self._code, self._codes = code, codes
        self._auth = (chosen.twilio_account_sid, chosen.twilio_auth_token.get_secret_value())
        self.base = (chosen.twilio_api or API).rstrip("/")
        self.folder = f"{self.base}/2010-04-01/Accounts/{chosen.twilio_account_sid}"

    def call(self, method: str, url: str, params: Mapping[str, str]) -> Json:
        """Call; ``params`` are the form of a POST, else the query. A path is one of the account."""
        query, form = (None, params) if method == "POST" else (params, None)
        whole = url if url.startswith(self.base) else f"{self.folder}/{url}"
        response = http.call(
            method, whole, code=self._code, params=query, data=form, auth=self._auth
        )
        answer = http.object_in(response)
        if not response.is_success:
            raise self._refusal(response.status_code, answer)
        if answer is None:
            raise Unanswered(f"{self._code}: unreadable answer", code="unreadable")
        return answer

    def _refusal(self, status: int, answer: Json | None) -> SendError:
        """The error for a 4xx (or 3xx). Twilio's sentences repeat the number, so only its code."""
        code = text(answer or {}, "code") or str(status)
        said = f"{self._code}: Twilio error {code}"
        if code in self._codes.fast:
            return Throttled(_PAUSE, said, code=code)
        at_fault = status in (401, 403, 404) or status < 400 or code in self._codes.ours
        if answer is None or at_fault:
            return ChannelDown(said, code=code)
        return (AddressBlocked if code in self._codes.dead else Rejected)(said, code=code)

    def file(self, attachment: Attachment) -> Fetched:
        """A file at Twilio: behind our password, or by a redirect in a file store without it."""
        answer = http.download(attachment.url, code=self._code, auth=self._auth)
        if answer.is_redirect:
            target = urljoin(attachment.url, answer.headers.get("location", ""))
            if urlsplit(target).scheme != urlsplit(self.base).scheme:
                raise Rejected("the file store is not safe", code="foreign")
            answer = http.download(target, code=self._code)
        if answer.status_code != 200:
            # Also a 404: the file may lag behind the message.
            raise ChannelDown(f"{self._code}: file not there", code=str(answer.status_code))
        content_type = attachment.content_type or answer.headers.get("content-type", "")
        return Fetched(answer.content, content_type, attachment.name)


def moment(written: str) -> datetime | None:
    """A date as Twilio writes it (RFC 2822); None for any other text."""
    try:
        found = parsedate_to_datetime(written)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
