"""The OpenAPI document of the Open311 pages: sound by itself, and true of what the pages do."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from channels import open311_fields
from channels.open311_fields import Parameter
from channels.web import create_app
from config import profile
from tests.channels.program import Program, spark
from tests.channels.website import served

Json = Mapping[str, Any]
METHODS = {"get", "post"}
_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str, "number": (int, float), "integer": int, "boolean": bool, "object": dict,
    "array": list, "null": type(None),
}  # fmt: skip

pytestmark = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


@pytest.fixture
def program(store: str) -> Iterator[Program]:
    with served() as url:
        yield Program(url)


@pytest.fixture
def document(program: Program) -> Json:
    found: Json = program.http.get("/openapi.json").json()
    return found


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def resolved(document: Json, part: Json) -> Json:
    while "$ref" in part:
        found: Any = document
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from ([part["$ref"]] if "$ref" in part else [])
        part = list(part.values())
    if isinstance(part, list):
        for item in part:
            yield from references(item)


def broken(document: Json, schema: Json, value: Any, where: str = "") -> Iterator[str]:
    """What of ``value`` is otherwise than ``schema`` says; a name it does not know is one too."""
    schema = resolved(document, schema)
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(isinstance(value, _TYPES[kind]) for kind in kinds):
        yield f"{where}: {value!r} is no {kinds}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is not among {schema['enum']}"
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from broken(document, schema["items"], item, f"{where}[{number}]")
    elif isinstance(value, dict) and "properties" in schema:
        yield from (
            f"{where}.{name} is missing" for name in schema["required"] if name not in value
        )
        for name, item in value.items():
            known = schema["properties"].get(name)
            if known is None:
                yield f"{where}.{name} is not described"
            else:
                yield from broken(document, known, item, f"{where}.{name}")


def test_the_document_is_sound(document: Json) -> None:
    assert document["openapi"] == "3.1.0"
    assert document["info"].keys() >= {"title", "version"}
    assert json.dumps(document, ensure_ascii=True)
    for reference in references(document):
        assert resolved(document, {"$ref": reference}), reference
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names)) == 15
    for path, method, operation in operations(document):
        assert method in METHODS
        parameters = operation.get("parameters", [])
        assert all({"name", "in", "schema"} <= item.keys() for item in parameters)
        inside = {item["name"] for item in parameters if item["in"] == "path" and item["required"]}
        assert inside == set(re.findall(r"{(\w+)}", path))
        for status, answer in operation["responses"].items():
            assert re.fullmatch("[2-5][0-9]{2}", status)
            assert resolved(document, answer)["description"]
        for needed in operation["security"]:
            assert needed.keys() <= document["components"]["securitySchemes"].keys()


def test_every_route_is_described_and_none_besides(document: Json) -> None:
    there = set()
    for rule in create_app().url_map.iter_rules():
        if not rule.rule.startswith("/open311/"):
            continue
        path = re.sub(r"<(\w+)>", r"{\1}", rule.rule)
        forms = ["json", "xml"] if "form" in rule.arguments else [""]
        for form in forms:
            exact = re.sub(r"<any\(json, xml\):form>", form, path)
            there |= {(exact, m.lower()) for m in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    assert there == {(path, method) for path, method, _ in operations(document)}


def test_every_parameter_that_is_read_is_described(
    program: Program, document: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[set[str]] = []
    read = open311_fields.read

    def noted(given: Mapping[str, Sequence[str]], known: Sequence[Parameter]) -> dict[str, str]:
        asked.append({item.name for item in known})
        return read(given, known)

    monkeypatch.setattr(open311_fields, "read", noted)
    schemes = {item["name"] for item in document["components"]["securitySchemes"].values()}
    for path, method, operation in operations(document):
        if path.endswith("openapi.json"):
            continue
        asked.clear()
        address = f"{program.http.base_url.copy_with(path='')}{re.sub('{.*?}', 'x', path)}"
        form = {"Content-Type": "application/x-www-form-urlencoded"} if method == "post" else {}
        httpx.request(method, address, headers=form)
        (read_by_it,) = asked
        told = {item["name"] for item in operation.get("parameters", []) if item["in"] == "query"}
        if "requestBody" in operation:
            (media,) = operation["requestBody"]["content"].values()
            told |= media["schema"]["properties"].keys()
        assert read_by_it - schemes == told - schemes, (method, path)
        keyed = any(operation["security"])
        assert (schemes & read_by_it != set()) is keyed, (method, path)


@pytest.mark.parametrize("form", ["json", "xml"])
def test_what_the_pages_answer_is_what_is_described(
    program: Program, document: Json, form: str
) -> None:
    posted = program.post(form, lat="49.5", long="105.9")
    sealed = program.filed(service_code="ethics")
    (told,) = posted.json() if form == "json" else spark(posted.content)
    number = told["service_request_id"]
    answers = {
        ("/open311/v2/requests", "post"): posted,
        ("/open311/v2/requests", "get"): program.get(f"/requests.{form}"),
        ("/open311/v2/requests/{number}", "get"): program.get(f"/requests/{number}.{form}"),
        ("/open311/v2/services", "get"): program.get(f"/services.{form}"),
        ("/open311/v2/services/{code}", "get"): program.get(f"/services/other.{form}"),
        ("/open311/discovery", "get"): program.get(f"/../discovery.{form}"),
    }
    assert sealed in answers["/open311/v2/requests", "get"].text
    for (path, method), answer in answers.items():
        described = document["paths"][f"{path}.{form}"][method]["responses"]
        assert answer.status_code == 200
        assert not _differs(document, described["200"], answer), (path, method)
    for path, status, answer in (
        ("/open311/v2/requests", "403", program.http.get(f"/requests.{form}")),
        ("/open311/v2/requests/{number}", "404", program.get(f"/requests/1.{form}")),
        ("/open311/v2/requests", "400", program.get(f"/requests.{form}", status="x")),
    ):
        described = document["paths"][f"{path}.{form}"]["get"]["responses"][status]
        assert answer.status_code == int(status)
        assert not _differs(document, described, answer), path


def _differs(document: Json, described: Json, answer: httpx.Response) -> list[str]:
    """How an answer differs from its description; numbers of XML are all of one kind."""
    content = resolved(document, described)["content"]
    media = answer.headers["Content-Type"].partition(";")[0]
    if media == "application/json":
        return list(broken(document, content[media]["schema"], answer.json()))
    value = json.loads(json.dumps(spark(answer.content)), parse_float=_whole)
    return list(broken(document, content[media]["schema"], value))


def _whole(text: str) -> float | int:
    return int(float(text)) if float(text).is_integer() else float(text)


@pytest.mark.skipif(shutil.which("curl") is None, reason="NOT RUN: no curl")
def test_the_examples_of_the_guide_work(program: Program) -> None:
    guide = Path(profile.__file__).parent / "guides" / "open311.md"
    base = str(program.http.base_url.copy_with(path="")).rstrip("/")
    number = program.filed()
    said = []
    for line in re.findall(r"^    (curl .*)$", guide.read_text("utf-8"), re.M):
        for name, value in (
            ("https://hariu.example.org", base), ("$KEY", program.key), ("$NUMBER", number),
        ):  # fmt: skip
            line = line.replace(name, value)
        done = subprocess.run(
            [*shlex.split(line), "-sS"], capture_output=True, text=True, check=True, timeout=30
        )
        said.append(done.stdout)
    services, definition, filed, one, listed, wrong = said
    assert "service_code" in services
    assert definition.startswith("<?xml")
    assert "private code" in filed
    assert number in one
    assert number in listed
    assert json.loads(wrong)[0]["code"] == 400
