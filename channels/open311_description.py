"""The Open311 pages as an OpenAPI 3.1 document, made of the parameters that the pages read by.

https://spec.openapis.org/oas/v3.1.1.html - every address is told twice, for JSON and for XML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from channels import open311_fields as fields
from channels.open311_fields import Parameter
from channels.open311_formats import ITEMS, TYPES
from config.profile import profile
from config.settings import settings
from store.open311 import CLOSED, OPEN

Json = dict[str, Any]
VERSION = "2.0.0"  # of GeoReport; what we add to it is told of below
_WORDS: Json = {"type": "string"}
_MAYBE: Json = {"type": ["string", "null"]}
_MOMENT: Json = {"type": "string", "format": "date-time"}
_MAYBE_MOMENT: Json = {"type": ["string", "null"], "format": "date-time"}
_DEGREES: Json = {"type": ["number", "null"]}
_KEYS: list[Json] = [{"header": []}, {"query": []}]


def document() -> Json:
    """The description, for this instance."""
    return {
        "openapi": "3.1.0",
        "info": _info(),
        "servers": [{"url": settings().public_url}],
        "paths": _paths(),
        "components": {
            "schemas": _schemas(),
            "responses": _responses(),
            "securitySchemes": {
                "header": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
                "query": {"type": "apiKey", "in": "query", "name": fields.KEY.name},
            },
        },
    }


def _info() -> Json:
    body = profile().organisation
    return {
        "title": "Hariu: Open311 GeoReport v2",
        "version": VERSION,
        "summary": body.project.en,
        "description": "Services may be read by anybody. Filing and reading requests needs the "
        "key of a partner organisation, which sees what it filed and nothing else. Beyond the "
        "specification there are the headers X-Api-Key and Idempotency-Key and the parameter "
        "lang. https://wiki.open311.org/GeoReport_v2/",
        "contact": {"name": body.name.en},
    }


# -- addresses --------------------------------------------------------------------------------


def _paths() -> Json:
    common = fields.common()
    told: dict[str, Json] = {
        "/open311/discovery": {"get": _reads("discovery", common)},
        "/open311/v2/services": {"get": _reads("services", common)},
        "/open311/v2/services/{code}": {
            "get": _reads("service_definition", common, path="code")
        },
        "/open311/v2/requests": {
            "get": _reads("service_requests", fields.listing(), keyed=True),
            "post": _files(),
        },
        "/open311/v2/requests/{number}": {
            "get": _reads("service_requests", common, keyed=True,
                          path="number")
        },
        "/open311/v2/tokens/{token}": {
            "get": _reads("filed", common, keyed=True, path="token")
        },
    }  # fmt: skip
    paths = {
        f"{path}.{form}": {
            method: _in_form(operation, f"{method} {path}", form)
            for method, operation in methods.items()
        }
        for path, methods in told.items()
        for form in TYPES
    }
    return paths | {"/open311/v2/openapi.json": {"get": _itself()}}


def _reads(
    schema: str,
    known: Sequence[Parameter],
    *,
    keyed: bool = False,
    path: str = "",
) -> Json:
    """An address that is read; ``schema`` names its answer."""
    parameters = [_parameter(item) for item in known]
    if path:
        named = {"name": path, "in": "path", "required": True, "schema": _WORDS}
        parameters.insert(0, named)
    return {
        "parameters": parameters,
        "security": _KEYS if keyed else [],
        "schema": schema,
        "errors": ("400", "404", *(("403", "429") if keyed else ()), "503"),
    }


_PLACES = (["lat", "long"], ["address_string"], ["address_id"])


def _files() -> Json:
    known = fields.filing()
    body = {
        "type": "object",
        "properties": {item.name: _schema(item) for item in known},
        "required": [item.name for item in known if item.required],
        "anyOf": [{"required": names} for names in _PLACES],
        "dependentRequired": {"lat": ["long"], "long": ["lat"]},
    }
    again = {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Your own name for this request; sent again within 30 days it is not "
        "registered twice. Without it, the same content within a day is one request.",
        "schema": {"type": "string", "pattern": "^[!-~]{0,200}$"},
    }
    return {
        "parameters": [again],
        "requestBody": {
            "required": True,
            "content": {"application/x-www-form-urlencoded": {"schema": body}},
        },
        "security": [{"header": []}, {}],
        "schema": "filed",
        "errors": ("400", "403", "404", "413", "429", "503"),
    }


def _parameter(item: Parameter) -> Json:
    if item.many:
        schema = {"type": "array", "items": _schema(item)}
        more: Json = {"style": "form", "explode": False}
    else:
        schema, more = _schema(item), {}
    told = {"name": item.name, "in": "query", "description": item.about, "schema": schema}
    # "A null parameter should be treated as equivalent to a non-declared parameter."
    return told | more | {"allowEmptyValue": True}


def _schema(item: Parameter) -> Json:
    examples = _examples().get(item.name)
    return {**item.schema, "description": item.about} | ({"examples": examples} if examples else {})


def _examples() -> dict[str, list[str]]:
    ours = profile().open311
    return {
        "service_code": [item.code for item in profile().categories],
        "address_id": ["khovd", "darkhan-uul/darkhan"],
        "jurisdiction_id": [ours.jurisdiction] if ours else [],
    }


def _in_form(operation: Mapping[str, Any], title: str, form: str) -> Json:
    """The operation as it answers in one of the forms."""
    media = TYPES[form].partition(";")[0]
    words = title.replace("/open311", "").translate(str.maketrans("/ ", "__", "{}"))
    told = {name: operation[name] for name in ("parameters", "requestBody") if name in operation}
    return told | {
        "operationId": f"{words}_{form}",
        "security": operation["security"],
        "responses": {
            "200": {
                "description": "The answer.",
                "content": {media: {"schema": _ref("schemas", operation["schema"])}},
            }
        }
        | {status: _ref("responses", f"{status}_{form}") for status in operation["errors"]},
    }


def _itself() -> Json:
    content = {"application/json": {"schema": {"type": "object"}}}
    return {
        "operationId": "openapi",
        "security": [],
        "responses": {"200": {"description": "This document.", "content": content}},
    }


def _ref(family: str, name: str) -> Json:
    return {"$ref": f"#/components/{family}/{name}"}


# -- answers ----------------------------------------------------------------------------------

_ERRORS = {
    "400": "A parameter is missing or wrong, or the request cannot be fulfilled.",
    "403": "The key is missing or wrong.",
    "404": "No such service, jurisdiction, request or token.",
    "413": "The body is too large.",
    "429": "Too many requests.",
    "503": "The service is not running; come again.",
}


def _responses() -> Json:
    return {
        f"{status}_{form}": {
            "description": about,
            "content": {media.partition(";")[0]: {"schema": _ref("schemas", "errors")}},
        }
        | (_WAIT if status in {"429", "503"} else {})
        for status, about in _ERRORS.items()
        for form, media in TYPES.items()
    }


_WAIT: Json = {
    "headers": {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
}


def _schemas() -> Json:
    return {
        "discovery": _object("discovery", changeset=_WORDS, contact=_WORDS, key_service=_WORDS,
                             endpoints=_list("endpoints", _endpoint())),
        "services": _list("services", _service()),
        "service_definition": _object("service_definition", service_code=_WORDS,
                                      attributes=_list("attributes", _attribute())),
        "service_requests": _list("service_requests", _request()),
        "filed": _list("service_requests", _filed()),
        "errors": _list("errors", _object("error", code={"type": "integer"}, description=_WORDS)),
    }  # fmt: skip


def _object(name: str, /, **properties: Json) -> Json:
    told: Json = {"type": "object", "properties": properties, "required": list(properties)}
    return told | ({"xml": {"name": name}} if name else {})


def _list(name: str, item: Json) -> Json:
    """A bare array in JSON, an element around others in XML."""
    named = item | {"xml": {"name": ITEMS[name]}}
    return {"type": "array", "items": named, "xml": {"name": name, "wrapped": True}}


def _endpoint() -> Json:
    types = {"type": "string", "enum": ["production", "test"]}
    return _object("", specification=_WORDS, url=_WORDS, changeset=_WORDS, type=types,
                   formats=_list("formats", _WORDS))  # fmt: skip


def _service() -> Json:
    kinds = {"type": "string", "enum": ["realtime", "batch", "blackbox"]}
    return _object("", service_code=_WORDS, service_name=_WORDS, description=_WORDS,
                   metadata={"type": "boolean"}, type=kinds, keywords=_WORDS,
                   group=_WORDS)  # fmt: skip


def _attribute() -> Json:
    values = _list("values", _object("", key=_WORDS, name=_WORDS))
    yes = {"type": "boolean"}
    return _object("", variable=yes, code=_WORDS, datatype=_WORDS, required=yes,
                   datatype_description=_MAYBE, order={"type": "integer"}, description=_WORDS,
                   values=values)  # fmt: skip


def _filed() -> Json:
    """An answer holds the number, or a token while there is none."""
    told = _object("", service_request_id=_MAYBE, token=_WORDS, service_notice=_WORDS,
                   account_id={"type": "null"})  # fmt: skip
    return told | {"required": []}


def _request() -> Json:
    return _object(
        "",
        service_request_id=_WORDS,
        status={"type": "string", "enum": [OPEN, CLOSED]},
        status_notes=_WORDS,
        service_name=_MAYBE,
        service_code=_MAYBE,
        description=_MAYBE,
        agency_responsible=_MAYBE,
        service_notice=_MAYBE,
        requested_datetime=_MOMENT,
        updated_datetime=_MOMENT,
        expected_datetime=_MAYBE_MOMENT,
        address=_MAYBE,
        address_id=_MAYBE,
        zipcode={"type": "null"},
        lat=_DEGREES,
        long=_DEGREES,
        media_url={"type": "null"},
    )
