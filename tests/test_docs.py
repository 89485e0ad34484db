"""What the documents say is what the code does: tables, diagram, links, commands, units, files."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

import click
import pytest

from channels.web import create_app
from config.__main__ import lines
from config.cli import hariu
from config.i18n import statuses_count
from tests.house import ROOT

DEPLOY = ROOT / "config" / "deploy"
UNITS = DEPLOY / "systemd"
README = (ROOT / "README.md").read_text("utf-8")
ALLOWED = {
    *("admin", "bot", "channels", "config", "store", "workflow", "tests", ".ci"),
    *("pyproject.toml", "Procfile", "README.md", "Makefile", "LICENSE", "CHANGELOG.md"),
    *(
        "CONTRIBUTING.md",
        "requirements.lock",
        "requirements-dev.lock",
        ".gitignore",
        ".gitattributes",
    ),
}
# Written so that this file does not contain them itself.
FOREIGN = [
    *("pypi" + ".org", "python" + "hosted.org", "npmjs" + ".com", "npmjs" + ".org"),
    *("/wor" + "k/", "/roo" + "t/", "/hom" + "e/", "/Use" + "rs/"),
]


def committed() -> list[Path]:
    """Every file git knows, as paths from the root."""
    try:
        done = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("NOT RUN: no git, or no repository")
    return [Path(name) for name in done.stdout.split("\0") if (ROOT / name).is_file()]


def documents() -> list[Path]:
    return [path for path in committed() if path.suffix == ".md"]


def procfile() -> dict[str, str]:
    rows = (line.partition(":") for line in (ROOT / "Procfile").read_text().splitlines())
    return {name.strip(): command.strip() for name, _, command in rows}


def printed(*command: str) -> str:
    code = "from config.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *command], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_settings_table_is_what_python_m_config_prints() -> None:
    found = re.search(r"^\| setting \| default \| meaning \|\n(?:\|.*\n)+", README, re.M)
    assert found
    assert found[0].splitlines() == lines(), "paste the output of python -m config"


def test_the_diagram_is_the_procedure() -> None:
    found = re.search(r"```mermaid\n(.*?)\n```", README, re.S)
    assert found
    now = printed("procedure", "--mermaid", "--lang", "en")
    assert found[1] == now, "paste the output of hariu procedure --mermaid --lang en"


def test_the_review_status_of_the_texts_is_told() -> None:
    """Every status by its name, the numbers right but for a tenth: texts come and go daily."""
    names = {"mn": "Mongolian", "kk": "Kazakh", "en": "English"}
    for language, found in statuses_count().items():
        told = re.search(rf"(\d+) in {names[language]} \(([^)]*)\)", README)
        assert told
        numbers = {
            status: int(number) for number, status in re.findall(r"(\d+) ([a-z-]+)", told[2])
        }
        assert numbers.keys() == found.keys()
        assert sum(numbers.values()) == int(told[1])
        wrong = sum(abs(numbers[status] - number) for status, number in found.items())
        assert wrong <= found.total() / 10, f"{names[language]}: now {dict(found)}"


def test_every_relative_link_leads_somewhere() -> None:
    broken = []
    for path in documents():
        text = re.sub(r"```.*?```", "", (ROOT / path).read_text("utf-8"), flags=re.S)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            inside = target.partition("#")[0]
            if inside and "://" not in target and not (ROOT / path.parent / inside).exists():
                broken.append(f"{path}: {target}")
    assert broken == []


def test_every_command_of_the_documents_exists() -> None:
    context = click.Context(hariu)
    unknown = []
    for path in documents():
        text = (ROOT / path).read_text("utf-8")
        for words in re.findall(r"(?:`|bin/)hariu ([a-z][^`\n]*)", text):
            first, *rest = words.replace("\\|", "|").split()
            command = hariu.get_command(context, first)
            if command is None:
                unknown.append(f"{path}: hariu {words}")
            elif isinstance(command, click.Group) and rest:
                inner = set(rest[0].split("|")) - set(command.list_commands(context))
                unknown += [f"{path}: hariu {first} {name}" for name in sorted(inner)]
    assert unknown == []


def test_every_command_is_in_the_readme() -> None:
    told = set(re.findall(r"^\| `hariu ([a-z]+)", README, re.M))
    assert told == set(hariu.list_commands(click.Context(hariu)))


def test_every_make_target_of_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    for path in documents():
        told = re.findall(r"(?:`|^ {4})make ([a-z]+)", (ROOT / path).read_text("utf-8"), re.M)
        assert set(told) <= targets, path


def test_nothing_else_lies_at_the_root() -> None:
    assert {path.parts[0] for path in committed()} <= ALLOWED


def test_no_file_names_this_machine_or_a_registry() -> None:
    found = []
    for path in committed():
        text = (ROOT / path).read_bytes().decode("utf-8", "replace")
        found += [f"{path}: {word}" for word in FOREIGN if word in text]
    assert found == []


@pytest.mark.parametrize(("name", "command"), procfile().items())
def test_every_process_has_a_unit(name: str, command: str) -> None:
    (unit,) = [path for path in UNITS.glob("hariu-*.service") if re.fullmatch(
        rf"hariu-{name}@?", path.stem)]  # fmt: skip
    started = re.search(r"^ExecStart=(.*)$", unit.read_text(), re.M)
    assert started
    program, *arguments = shlex.split(started[1])
    wanted = shlex.split(command)
    assert program.endswith(f"/{wanted[0]}")
    assert [word for word in arguments if word != "-P"] == wanted[1:]


def test_every_unit_is_a_process_and_hardened() -> None:
    units = {path.stem.removeprefix("hariu-").rstrip("@") for path in UNITS.glob("*.service")}
    assert units == set(procfile())
    common = (UNITS / "hariu-.service.d" / "common.conf").read_text().splitlines()
    assert {"NoNewPrivileges=yes", "ProtectSystem=strict", "User=hariu"} <= set(common)


def test_the_example_names_real_settings() -> None:
    known = set(re.findall(r"`(HARIU_\w+)`", "\n".join(lines())))
    told = re.findall(r"^#?(HARIU_\w+)=", (DEPLOY / "hariu.env.example").read_text(), re.M)
    assert {"HARIU_SECRET_KEY", "HARIU_DATA_KEY", "HARIU_METRICS_TOKEN"} <= set(told) <= known


def nginx_passes(path: str) -> bool:
    text = re.sub(r"^ *#.*\n", "", (DEPLOY / "nginx.conf").read_text(), flags=re.M)
    ways: dict[str, Callable[[str], bool]] = {
        "": path.startswith,
        "=": path.__eq__,
        "~": lambda pattern: re.match(pattern, path) is not None,
    }
    found = re.findall(r"location ([=~]?) ?(\S+) \{([^}]*:8000;)", text)
    return any(ways[way](pattern) for way, pattern, _ in found)


def caddy_passes(path: str) -> bool:
    found = re.search(r"@hariu path (.*)", (DEPLOY / "Caddyfile").read_text())
    assert found
    return any(fnmatchcase(path, pattern) for pattern in found[1].split())


@pytest.mark.parametrize("passes", [nginx_passes, caddy_passes])
def test_the_proxies_pass_every_public_route(passes: Callable[[str], bool]) -> None:
    """``/readyz`` is for the machine itself."""
    rules = {re.sub("<[^>]*>", "x", rule.rule) for rule in create_app().url_map.iter_rules()}
    assert [path for path in sorted(rules - {"/readyz"}) if not passes(path)] == []
    assert not passes("/readyz")
    assert not passes("/admin")


def test_pictures_are_small() -> None:
    images = list((ROOT / "config" / "guides" / "images").glob("*.png"))
    assert images
    assert [path.name for path in images if path.stat().st_size >= 200_000] == []
