"""``/open311/``: programs of partners file and ask by Open311 GeoReport v2, in XML and JSON.

https://wiki.open311.org/GeoReport_v2/ - anybody may read which services there are; filing and
reading requests needs a partner's key, and a key sees what its partner filed and nothing else. So
no number alone opens anything here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from channels import open311_fields as fields
from channels import open311_rows as rows
from channels import open311_words as words
from channels import site_form, site_words
from channels.open311_description import document
from channels.open311_fields import Parameter, Problem, Refusal, refusal
from channels.open311_formats import answer
from config import clock, i18n, log
from config.errors import HariuError
from config.profile import profile
from store.api_keys import Holder
from store.open311 import Wanted

PATH = "/open311"
_FORM = "<any(json, xml):form>"
_URLENCODED = "application/x-www-form-urlencoded"
# Visible ASCII, as in https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_PUBLIC_SECONDS = 300
_NUMBER, _TOKEN = re.compile("[0-9]{1,12}"), re.compile("[a-z]{24}")

blueprint = Blueprint("open311", __name__, url_prefix=PATH)


@blueprint.before_request
def _is_open() -> None:
    """Without its table in the profile there is no such page."""
    if profile().open311 is None:
        raise NotFound


# -- services: for everybody ------------------------------------------------------------------


@blueprint.get(f"/discovery.{_FORM}")
def discovery(form: str) -> Response:
    """Where the pages are."""
    _given(fields.common())
    return _public(answer("discovery", words.discovery(rows.services_changed()), form))


@blueprint.get(f"/v2/services.{_FORM}")
def services(form: str) -> Response:
    """What can be filed."""
    _given(fields.common())
    return _public(answer("services", words.services(), form))


@blueprint.get(f"/v2/services/<code>.{_FORM}")
def service(code: str, form: str) -> Response:
    """What is asked about one service."""
    _given(fields.common())
    if profile().category(code) is None:
        raise refusal(404, "service_code")
    return _public(answer("service_definition", words.definition(code), form))


@blueprint.get("/v2/openapi.json")
def openapi() -> Response:
    """These pages, described."""
    return _public(answer("", document(), "json"))


def _public(response: Response) -> Response:
    response.headers["Cache-Control"] = f"public, max-age={_PUBLIC_SECONDS}"
    response.headers["Vary"] = "Accept-Language"
    return response


# -- requests: with a key ---------------------------------------------------------------------


@blueprint.post(f"/v2/requests.{_FORM}")
def file(form: str) -> Response:
    """Register one request; sent again it is the same."""
    given = _posted()
    holder = _holder(given, files=True)
    filed = rows.file(given, holder, _idempotency_key())
    log.get().info("filed by a program", channel=rows.CHANNEL, row=holder.key_id)
    if filed.receipt is None:
        told: dict[str, Any] = {"token": filed.token, "service_notice": words.t("notice.token")}
    else:
        told = {
            "service_request_id": filed.receipt.reference,
            "service_notice": words.notice(filed.receipt, given),
        }
    return answer("service_requests", [told | {"account_id": None}], form)


@blueprint.get(f"/v2/requests.{_FORM}")
def requests(form: str) -> Response:
    """Where those stand that this partner filed."""
    given = _given((*fields.listing(), fields.KEY))
    holder = _holder(given)
    named = tuple(filter(None, given.get("service_request_id", "").split(",")))
    if named:
        return _requests(holder, Wanted(references=named), form)
    start, end = fields.moments(given, clock.now())
    codes = tuple(filter(None, given.get("service_code", "").split(",")))
    if any(profile().category(code) is None for code in codes):
        raise refusal(404, "service_code")
    states = tuple(filter(None, given.get("status", "").split(",")))
    return _requests(holder, Wanted((), start, end, codes, states), form)


@blueprint.get(f"/v2/requests/<number>.{_FORM}")
def one(number: str, form: str) -> Response:
    """Where one of them stands; what another filed is as unknown as what nobody did."""
    given = _given((*fields.common(), fields.KEY))
    holder = _holder(given)
    found = rows.requests(holder, Wanted(references=(number,))) if _NUMBER.fullmatch(number) else []
    if not found:
        raise refusal(404, "request")
    return answer("service_requests", found, form)


def _requests(holder: Holder, wanted: Wanted, form: str) -> Response:
    return answer("service_requests", rows.requests(holder, wanted), form)


@blueprint.get(f"/v2/tokens/<token>.{_FORM}")
def token(token: str, form: str) -> Response:
    """The number of a request that could not be registered while its sender waited."""
    given = _given((*fields.common(), fields.KEY))
    holder = _holder(given)
    reference = rows.reference_of(holder, token) if _TOKEN.fullmatch(token) else None
    if reference is None:
        raise refusal(404, "token")
    told = {"service_request_id": reference or None, "token": token}
    return answer("service_requests", [told], form)


# -- what came --------------------------------------------------------------------------------


def _given(known: Sequence[Parameter]) -> dict[str, str]:
    """The parameters of the address."""
    return _understood(request.query_string, known)


def _posted() -> dict[str, str]:
    """The parameters of the body, which is a form in UTF-8."""
    request.max_content_length = fields.LONGEST_BODY
    named = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != _URLENCODED or named not in {"utf-8", "utf8"}:
        raise refusal(400, "type", type=f"{_URLENCODED}; charset=utf-8")
    body = request.get_data(cache=False, parse_form_data=False)
    return _understood(body, fields.filing())


def _understood(raw: bytes, known: Sequence[Parameter]) -> dict[str, str]:
    sent = fields.sent(raw)
    wished = sent.get("lang", [""])[0]
    g.language = wished if wished in profile().languages else site_words.language()
    given = fields.read(sent, known)
    ours = profile().open311
    if ours and given.get("jurisdiction_id", ours.jurisdiction) != ours.jurisdiction:
        raise refusal(404, "jurisdiction")
    return given


def _holder(given: Mapping[str, str], *, files: bool = False) -> Holder:
    key = request.headers.get("X-Api-Key") or given.get("api_key", "")
    return rows.holder(key, site_form.visitor(request), files=files)


def _idempotency_key() -> str:
    key = request.headers.get("Idempotency-Key", "")
    if key and not _IDEMPOTENCY_KEY.fullmatch(key):
        raise refusal(400, "wrong", name="Idempotency-Key")
    return key


# -- errors in the form of the specification --------------------------------------------------


def is_here() -> bool:
    """Whether the request is one of these pages, also where no route knows it."""
    return request.path.startswith(f"{PATH}/")


def _errors(status: int, problems: Sequence[Problem]) -> Response:
    form = "json" if request.path.endswith(".json") else "xml"
    told = [
        {
            "code": status,
            "description": i18n.text(f"open311.error.{key}", site_words.language(), **values),
        }
        for key, values in problems
    ]
    response = answer("errors", told, form, status)
    if status == 429:
        response.headers["Retry-After"] = str(rows.retry_after(clock.now()))
    return response


@blueprint.errorhandler(Refusal)
def _refused(error: Refusal) -> Response:
    return _errors(error.status, error.problems)


@blueprint.errorhandler(HTTPException)
def refused(error: HTTPException) -> Response:
    """What the server itself refuses: no such page, another method, too large a body."""
    status = error.code or 500
    key = {404: "page", 405: "method", 413: "body", 500: "fault"}.get(status, "bad")
    response = _errors(status, [(key, {})])
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    return response


@blueprint.errorhandler(HariuError)
def away(error: HariuError) -> Response:
    """The store is away: come again."""
    log.get().error("page failed", code=error.code)
    response = _errors(503, [("away", {})])
    response.headers["Retry-After"] = "30"
    return response
