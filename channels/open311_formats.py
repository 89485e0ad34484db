"""Answers as XML and as JSON. One value serves both, by the Spark convention.

https://wiki.open311.org/JSON_and_XML_Conversion/ - a list is an element around equal elements in
XML and a bare array in JSON; the outermost element has no name in JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from flask import Response

TYPES = {"xml": "text/xml; charset=utf-8", "json": "application/json; charset=utf-8"}
# What each list calls one of its own.
ITEMS = {
    "services": "service", "attributes": "attribute", "values": "value",
    "service_requests": "request", "errors": "error", "endpoints": "endpoint",
    "formats": "format",
}  # fmt: skip
_DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>\n'
# XML 1.0 has no way to write these. https://www.w3.org/TR/xml/#charsets
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def answer(name: str, value: Any, form: str, status: int = 200) -> Response:
    """``value`` (objects, lists, words, numbers, None) under the outermost ``name``."""
    if form == "json":
        body = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    else:
        root = Element(name)
        _fill(root, value)
        body = _DECLARATION + tostring(root, encoding="utf-8", xml_declaration=False)
    return Response(body, status, content_type=TYPES[form])


def _fill(element: Element, value: Any) -> None:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _fill(SubElement(element, name), inner)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            _fill(SubElement(element, ITEMS[element.tag]), inner)
    elif isinstance(value, bool):
        element.text = "true" if value else "false"
    elif value is not None:
        element.text = _UNWRITABLE.sub("", str(value))
