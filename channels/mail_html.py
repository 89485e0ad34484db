"""The words of an HTML mail as plain text; quotations get their ``>``. Pure."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

LONGEST = 500_000
DEEPEST = 5  # quotations in one another; a hostile mail nests thousands
_SILENT = {"script", "style", "head", "title", "template", "svg", "math"}
_BLOCKS = {
    "address", "article", "aside", "blockquote", "center", "dd", "div", "dl", "dt", "fieldset",
    "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol",
    "p", "pre", "section", "table", "tr", "ul",
}  # fmt: skip
_PARAGRAPHS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "pre"}
_COMMENTS = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAGS = re.compile(r"<(script|style)\b.*?(</\1\s*>|$)|<[^>]*>?", re.DOTALL | re.IGNORECASE)


def plain_text(source: str) -> str:
    """What a reader of ``source`` sees, line by line; never raises."""
    # The parser looks for the end of each comment anew, which takes hours where none has one.
    source = _COMMENTS.sub("", source[:LONGEST])
    reader = _Reader()
    try:
        reader.feed(source)
        reader.close()
    except AssertionError:  # html.parser on "<![" that opens nothing
        return html.unescape(_TAGS.sub("\n", source))
    return reader.text()


class _Reader(HTMLParser):
    """Gathers lines; ``_depth`` is how many quotations the present one lies in."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._line: list[str] = []
        self._silent: list[str] = []
        self._depth = 0
        self._pre = 0
        self._link = ("", 0)

    def text(self) -> str:
        """The lines so far."""
        self._end_line()
        return "\n".join(self._lines)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "body":  # ends a head that was never closed
            self._silent.clear()
        elif self._silent:
            if tag == self._silent[-1]:
                self._silent.append(tag)
        elif tag in _SILENT:
            self._silent.append(tag)
        elif tag == "br":
            self._end_line(keep_empty=True)
        elif tag in _BLOCKS:
            self._block(tag)
            self._depth += tag == "blockquote"
            self._pre += tag == "pre"
            self._line.extend(["- "] if tag == "li" else [])
        elif tag in ("td", "th"):
            self._line.append(" ")
        elif tag == "a":
            self._link = (dict(attrs).get("href") or "", len(self._line))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _SILENT:  # HTML knows no <script/>, and an empty one would swallow the rest
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            if tag == self._silent[-1]:
                self._silent.pop()
        elif tag in _BLOCKS:
            self._block(tag)
            self._depth = max(0, self._depth - (tag == "blockquote"))
            self._pre = max(0, self._pre - (tag == "pre"))
        elif tag == "a":
            self._end_link()

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        if not self._pre:
            self._line.append(re.sub(r"[ \t\r\n]+", " ", data))
            return
        first, *others = data.splitlines() or [""]
        self._line.append(first)
        for line in others:
            self._end_line(keep_empty=True)
            self._line.append(line)

    def _block(self, tag: str) -> None:
        self._end_line()
        if tag in _PARAGRAPHS and self._lines and self._lines[-1].strip("> "):
            self._lines.append(self._prefix)

    @property
    def _prefix(self) -> str:
        return "> " * min(self._depth, DEEPEST)

    def _end_link(self) -> None:
        """A link's address is kept where its words do not show it: evidence lies behind some."""
        address, start = self._link
        self._link = ("", 0)
        shown = "".join(self._line[start:])
        if address.startswith(("http://", "https://")) and len(address) < 500:
            bare = address.partition("://")[2].rstrip("/")
            if bare not in shown:
                self._line.append(f" ({address})")

    def _end_line(self, *, keep_empty: bool = False) -> None:
        line = "".join(self._line).strip() if not self._pre else "".join(self._line)
        self._line.clear()
        self._link = (self._link[0], 0)
        if line or keep_empty:
            self._lines.append(self._prefix + line)
