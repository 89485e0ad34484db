"""A report as PDF, set by typst with the fonts it carries: the same on every machine."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import typst

from workflow.report_blocks import Chart, Document, Grid

_TEMPLATE = Path(__file__).with_name("report.typ")
_CHART = (
    "#set page(width: auto, height: auto, margin: 2pt)\n"
    '#image(bytes(sys.inputs.svg), format: "svg", width: 440pt)\n'
)


def _data(document: Document, contents: str) -> str:
    """The blocks as JSON, each with its kind; the template knows the rest."""
    blocks = []
    for block in document.blocks:
        item = {"block": type(block).__name__.lower(), **asdict(block)}
        if isinstance(block, Grid):
            item["numbers"] = sorted(block.numbers)
        blocks.append(item)
    whole = {"language": document.language, "running": document.running, "contents": contents}
    return json.dumps({**whole, "blocks": blocks}, ensure_ascii=False)


def render(document: Document, contents: str) -> bytes:
    """The PDF, tagged for screen readers."""
    return _compile(document, contents, "pdf")[0]


def pages(document: Document, contents: str, ppi: float = 80) -> list[bytes]:
    """The pages as PNG, to look at."""
    return _compile(document, contents, "png", ppi)


def _compile(
    document: Document, contents: str, kind: Literal["pdf", "png"], ppi: float | None = None
) -> list[bytes]:
    with tempfile.TemporaryDirectory(prefix="report-") as name:
        folder = Path(name)
        (folder / "data.json").write_text(_data(document, contents), "utf-8")
        source = folder / "report.typ"
        source.write_text(_TEMPLATE.read_text("utf-8"), "utf-8")
        made = typst.compile(str(source), root=name, format=kind, ppi=ppi, ignore_system_fonts=True)
    return made if isinstance(made, list) else [made]


def picture(chart: Chart) -> bytes:
    """A chart as PNG, for documents that cannot hold SVG."""
    with tempfile.TemporaryDirectory(prefix="chart-") as name:
        source = Path(name) / "chart.typ"
        source.write_text(_CHART, "utf-8")
        return typst.compile(
            str(source), root=name, format="png", ppi=160, ignore_system_fonts=True,
            sys_inputs={"svg": chart.svg},
        )  # fmt: skip
