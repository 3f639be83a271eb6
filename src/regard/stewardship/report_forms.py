"""The three forms of a transparency report: canonical JSON for programs, Markdown and HTML for people.

Reasons and names in a log are words of strangers: in both forms for people they are text and nothing else.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum

import msgspec
import rfc8785

from regard.stewardship.report import Report
from regard.stewardship.report_words import Block, Grid, Heading, Paragraph, blocks, title

# What marks Markdown up, and what some readers make links of by themselves.
_MARKS = re.compile(r"([\\`*_\[\]<>|~&#$@]|:(?=//)|(?<=www)\.)")
_STYLE = """\
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; width: 100%; }
caption { font-weight: bold; text-align: left; }
th, td { border-bottom: 1px solid; padding: 0.25rem 0.5rem; text-align: left; vertical-align: top; }
th, td { overflow-wrap: anywhere; }
thead th { overflow-wrap: normal; }
.figure { font-variant-numeric: tabular-nums; text-align: right; }
.loud { border: 0.25rem solid; font-weight: bold; padding: 0.5rem; }
@media print { body { margin: 0; max-width: none; } tr, .loud { break-inside: avoid; } h2, h3 { break-after: avoid; } }
"""


class Form(StrEnum):
    """A form of the report."""

    MARKDOWN = "md"
    HTML = "html"
    JSON = "json"


def rendered(report: Report, form: Form) -> bytes:
    """The bytes of the report in one of its forms."""
    match form:
        case Form.MARKDOWN:
            return markdown(blocks(report)).encode()
        case Form.HTML:
            return page(title(report), blocks(report)).encode()
        case Form.JSON:
            return rfc8785.dumps(msgspec.to_builtins(report))


def markdown(parts: Iterable[Block]) -> str:
    """The blocks as Markdown with tables, as GitHub and pandoc read it."""
    return "\n\n".join(map(_markdown, parts)) + "\n"


def page(name: str, parts: Iterable[Block]) -> str:
    """The blocks as one HTML page that needs nothing else: no script, no other file."""
    inside = "\n".join(map(_html, parts))
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{_safe(name)}</title>
<style>
{_STYLE}</style>
</head>
<body>
<main>
{inside}
</main>
</body>
</html>
"""


def _markdown(block: Block) -> str:
    match block:
        case Heading():
            return f"{'#' * block.level} {_plain(block.text)}"
        case Paragraph():
            return f"**{_plain(block.text)}**" if block.loud else _plain(block.text)
        case Grid():
            rule = ("---",) * block.words + ("---:",) * (len(block.columns) - block.words)
            rows = (map(_plain, row) for row in (block.columns, *block.rows))
            head, *body = (_line(row) for row in rows)
            return "\n".join((f"{_plain(block.caption)}:", "", head, _line(rule), *body))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _html(block: Block) -> str:
    match block:
        case Heading():
            return f"<h{block.level}>{_safe(block.text)}</h{block.level}>"
        case Paragraph():
            return f'<p class="loud">{_safe(block.text)}</p>' if block.loud else f"<p>{_safe(block.text)}</p>"
        case Grid():
            head = "".join(_cell("th", text, place, block, ' scope="col"') for place, text in enumerate(block.columns))
            body = "\n".join(f"<tr>{_row(row, block)}</tr>" for row in block.rows)
            return (
                f"<table>\n<caption>{_safe(block.caption)}</caption>\n<thead><tr>{head}</tr></thead>\n"
                f"<tbody>\n{body}\n</tbody>\n</table>"
            )


def _row(row: Iterable[str], grid: Grid) -> str:
    first, *rest = row
    cells = (_cell("td", text, place, grid) for place, text in enumerate(rest, 1))
    return _cell("th", first, 0, grid, ' scope="row"') + "".join(cells)


def _cell(tag: str, text: str, place: int, grid: Grid, scope: str = "") -> str:
    figure = ' class="figure"' if place >= grid.words else ""
    return f"<{tag}{scope}{figure}>{_safe(text)}</{tag}>"


def _safe(text: str) -> str:
    return html.escape(_visible(text))


def _plain(text: str) -> str:
    return _MARKS.sub(r"\\\1", _visible(text))


def _visible(text: str) -> str:
    # Marks that turn the direction of writing, and all that breaks a line, could make a row say what it does not.
    kept = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in text)
    return " ".join(kept.split())
