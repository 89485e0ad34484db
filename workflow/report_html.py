"""A report as one HTML file: nothing outside it, ready for a website or a printer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatch
from html import escape

from workflow.report_blocks import Box, Chart, Cover, Document, Grid, Heading, Para, Tiles, Turn

_STYLE = """
:root{--ink:#1f2933;--blue:#1f4e79;--rule:#c5ced6;--pale:#eef3f7}
body{font:17px/1.55 "Noto Serif",Georgia,"Times New Roman",serif;color:var(--ink);background:#fff;
max-width:52rem;margin:0 auto;padding:0 1.2rem 4rem}
header{border-top:8px solid var(--blue);padding:3rem 0 2rem;border-bottom:1px solid var(--rule)}
header .who{text-transform:uppercase;letter-spacing:.04em;font-size:.85rem;margin:0}
header h1{font-size:2.3rem;line-height:1.15;color:var(--blue);margin:2rem 0 .5rem}
header .span{font-size:1.15rem;margin:.2rem 0}
.warning{border:2px solid #9b1c1c;color:#9b1c1c;padding:.6rem 1rem;font-weight:bold}
h2{color:var(--blue);font-size:1.5rem;border-bottom:2px solid var(--blue);padding-bottom:.25rem;
margin:3rem 0 1rem}
h3{font-size:1.12rem;margin:2rem 0 .6rem}
.note{font-size:.88rem;color:#52606d}
table{border-collapse:collapse;width:100%;font-size:.92rem;margin:1rem 0}
th{background:var(--pale);text-align:left;border-bottom:2px solid var(--blue)}
th,td{padding:.4rem .6rem;vertical-align:top;overflow-wrap:anywhere}
td{border-bottom:1px solid var(--rule)}.n{text-align:right;white-space:nowrap}
caption{text-align:left;font-weight:bold;padding:.4rem 0}
.scroll{overflow-x:auto}.wide{font-size:.75rem;min-width:60rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:.8rem;padding:0;
list-style:none;margin:1.2rem 0}
.tiles li{background:var(--pale);border-left:4px solid var(--blue);padding:.7rem .9rem}
.tiles strong{display:block;font-size:1.6rem;line-height:1.2;color:var(--blue)}
.box{border-left:4px solid #b7791f;background:#fdf8ee;padding:.4rem 1.1rem;margin:1.2rem 0;
break-inside:avoid}.box h3{margin:.5rem 0 .2rem}
figure{margin:1rem 0;break-inside:avoid}svg{max-width:100%;height:auto}
nav ol{columns:2;padding-left:1.2rem}
@page{size:A4;margin:2cm}
@media print{body{max-width:none;font-size:11pt;padding:0}h2{break-after:avoid}
tr{break-inside:avoid}thead{display:table-header-group}.scroll{overflow:visible}.wide{min-width:0}}
"""


def render(document: Document, contents: str) -> str:
    """The whole page; ``contents`` is the heading of the table of contents."""
    chapters = [b for b in document.blocks if isinstance(b, Heading) and b.level == 1]
    links = "".join(
        f'<li><a href="#c{n}">{escape(chapter.text)}</a></li>' for n, chapter in enumerate(chapters)
    )
    toc = f"<nav><h2>{escape(contents)}</h2><ol>{links}</ol></nav>"
    body = "".join(_pieces(document, chapters, toc))
    return (
        f'<!doctype html>\n<html lang="{document.language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(document.running)}</title><style>{_STYLE}</style></head>"
        f"<body>{body}</body></html>\n"
    )


def _pieces(document: Document, chapters: list[Heading], toc: str) -> Iterator[str]:
    for block in document.blocks:
        if isinstance(block, Heading) and block.level == 1:
            place = next(n for n, chapter in enumerate(chapters) if chapter is block)
            yield f'<h2 id="c{place}">{escape(block.text)}</h2>'
            continue
        yield _html(block)
        if isinstance(block, Cover):
            yield toc


@singledispatch
def _html(block: object) -> str:
    raise TypeError(f"no HTML for {type(block).__name__}")


@_html.register
def _(block: Cover) -> str:
    warning = f'<p class="warning">{escape(block.warning)}</p>' if block.warning else ""
    return (
        f'<header><p class="who">{escape(block.organisation)}</p>'
        f'<p class="span">{escape(block.project)}</p><h1>{escape(block.title)}</h1>'
        f'<p class="span"><strong>{escape(block.kind)}</strong></p>'
        f'<p class="span">{escape(block.span)}</p><p class="note">{escape(block.made)}</p>'
        f"{warning}</header>"
    )


@_html.register
def _(block: Heading) -> str:
    return f"<h3>{escape(block.text)}</h3>"


@_html.register
def _(block: Para) -> str:
    kind = ' class="note"' if block.note else ""
    return f"<p{kind}>{escape(block.text)}</p>"


@_html.register
def _(block: Tiles) -> str:
    tiles = "".join(
        f"<li><strong>{escape(value)}</strong>{escape(name)}</li>" for name, value in block.items
    )
    return f'<ul class="tiles">{tiles}</ul>'


@_html.register
def _(block: Grid) -> str:
    def cells(row: tuple[str, ...] | list[str], tag: str, scope: str = "") -> str:
        return "".join(
            f"<{tag}{scope}{' class=n' if n in block.numbers else ''}>{escape(words)}</{tag}>"
            for n, words in enumerate(row)
        )

    caption = f"<caption>{escape(block.caption)}</caption>" if block.caption else ""
    rows = "".join(f"<tr>{cells(list(row), 'td')}</tr>" for row in block.rows)
    wide = ' class="wide"' if block.wide else ""
    return (
        f'<div class="scroll"><table{wide}>{caption}<thead><tr>'
        f"{cells(list(block.head), 'th', ' scope=col')}</tr></thead><tbody>{rows}</tbody>"
        "</table></div>"
    )


@_html.register
def _(block: Chart) -> str:
    return f"<figure>{block.svg}</figure>"


@_html.register
def _(block: Box) -> str:
    paragraphs = "".join(f"<p>{escape(part)}</p>" for part in block.text.split("\n") if part)
    return f'<div class="box"><h3>{escape(block.title)}</h3>{paragraphs}</div>'


@_html.register
def _(block: Turn) -> str:
    return ""
