"""A document of headings, paragraphs, tables, charts and plain texts, written once, read as Markdown or as a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from string import Template

# A page that needs nothing else, with places for its $title and its $blocks.
PAGE = Template(
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>$title</title>'
    '<meta name="viewport" content="width=device-width"><style>'
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0}th,td{padding:.25rem .7rem;border-bottom:1px solid #ddd;"
    "text-align:left;vertical-align:top}th{font-weight:600}svg{max-width:100%;height:auto}"
    # Where columns have no room, cells stand below one another.
    "@media(max-width:40rem){body{margin:1rem auto;overflow-wrap:anywhere}table,tbody,tr,th,td{display:block}"
    "th,td{border:0;padding:.1rem 0}tr{border-bottom:1px solid #ddd;padding:.5rem 0}"
    "thead{left:-100rem;position:absolute}td[data-of]::before{color:#555;content:attr(data-of) ': '}}"
    "</style></head>\n<body>\n$blocks\n</body></html>\n"
)
_TICKS = re.compile("`+")
_BARE_PIPE = re.compile(r"(?<!\\)\|")

Words = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is the title. `anchor` is what a page finds it by: hexadecimal digits, letters and dashes."""

    text: str
    level: int = 2
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; `loud` is what nobody should overlook."""

    text: str
    loud: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """Points, one below the other."""

    points: Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under their columns.

    With a caption its first column heads the rows, and what comes after the first `words` columns is figures.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    words: int = 1


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as SVG. It shows nothing that a table beside it does not say, so Markdown goes without."""

    svg: str


@dataclass(frozen=True, slots=True)
class Markup:
    """What a page alone shows, as HTML in which strangers' words are safe already; Markdown goes without."""

    html: str


@dataclass(frozen=True, slots=True)
class Folded:
    """A text as it stands, line by line; on a page folded away under what it is."""

    summary: str
    text: str


Block = Heading | Paragraph | Listing | Table | Chart | Markup | Folded


def as_markdown(blocks: Iterable[Block], words: Words = str) -> str:
    """The document in Markdown, with tables as GitHub and pandoc read them.

    `words` takes from text what marks Markdown up, where strangers wrote some of it.
    """
    return "\n\n".join(text for block in blocks if (text := _markdown(block, words))) + "\n"


def as_html(blocks: Iterable[Block], page: Template = PAGE, words: Words = escape) -> str:
    """The document as one page. `words` makes text safe in HTML."""
    blocks = list(blocks)
    title = next((block.text for block in blocks if isinstance(block, Heading)), "")
    return page.substitute(title=words(title), blocks="\n".join(_html(block, words) for block in blocks))


def _markdown(block: Block, words: Words) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {words(text)}"
        case Paragraph(text, loud):
            return f"**{words(text)}**" if loud else words(text)
        case Listing(points):
            return "\n".join(f"- {words(point)}" for point in points)
        case Table(columns, rows, caption, heads):
            figures = len(columns) - heads if caption else 0
            rule = [*["---"] * (len(columns) - figures), *["---:"] * figures]
            lines = [_line(map(words, columns)), _line(rule), *(_line(map(words, row)) for row in rows)]
            return "\n".join([*([f"{words(caption)}:", ""] if caption else []), *lines])
        case Chart() | Markup():
            return ""
        case Folded(summary, text):
            # A fence is longer than any within (CommonMark, 4.5), so that the text cannot end it.
            fence = "`" * max([3, *(len(ticks) + 1 for ticks in _TICKS.findall(text))])
            return f"{words(summary)}:\n\n{fence}\n{text}\n{fence}"


def _line(cells: Iterable[str]) -> str:
    escaped = (_BARE_PIPE.sub(r"\|", cell) for cell in cells)
    return f"| {' | '.join(escaped)} |"


def _html(block: Block, words: Words) -> str:
    match block:
        case Heading(text, level, anchor):
            place = f' id="{words(anchor)}"' if anchor else ""
            return f"<h{level}{place}>{words(text)}</h{level}>"
        case Paragraph(text, loud):
            return f'<p class="loud">{words(text)}</p>' if loud else f"<p>{words(text)}</p>"
        case Listing(points):
            return f"<ul>{''.join(f'<li>{words(point)}</li>' for point in points)}</ul>"
        case Table():
            return _table(block, words)
        case Chart(svg):
            return f"<figure>{svg}</figure>"
        case Markup(html):
            return html
        case Folded(summary, text):
            return f"<details><summary>{words(summary)}</summary><pre>{words(text)}</pre></details>"


def _table(table: Table, words: Words) -> str:
    def around(place: int, scope: str) -> tuple[str, str]:
        tag = "th" if scope == "col" or (table.caption and scope) else "td"
        # Where a page is too narrow for columns, each cell says of what it is.
        of = f' data-of="{words(table.columns[place])}"' if table.caption and tag == "td" else ""
        figure = ' class="figure"' if table.caption and place >= table.words else ""
        scope = f' scope="{scope}"' if table.caption and scope else ""
        return f"<{tag}{scope}{figure}{of}>", f"</{tag}>"

    def line(cells: Sequence[str], tags: Sequence[tuple[str, str]]) -> str:
        return "".join([f"{begin}{words(text)}{end}" for text, (begin, end) in zip(cells, tags, strict=True)])

    places = range(len(table.columns))
    head = line(table.columns, [around(place, "col") for place in places])
    cells = [around(place, "" if place else "row") for place in places]
    rows = (line(row, cells) for row in table.rows)
    caption = [f"<caption>{words(table.caption)}</caption>"] if table.caption else []
    lines = (*caption, f"<thead><tr>{head}</tr></thead>", "<tbody>", *(f"<tr>{row}</tr>" for row in rows), "</tbody>")
    return ("\n" if table.caption else "").join(("<table>", *lines, "</table>"))
