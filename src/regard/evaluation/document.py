"""A document of headings, paragraphs, tables and charts, written once and read as Markdown or as a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0}th,td{padding:.25rem .7rem;border-bottom:1px solid #ddd;"
    "text-align:left;vertical-align:top}th{font-weight:600}svg{max-width:100%;height:auto}"
)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is the title."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Points, one below the other."""

    points: Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under their columns."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as SVG. It shows nothing that a table beside it does not say, so Markdown goes without."""

    svg: str


Block = Heading | Paragraph | Listing | Table | Chart


def as_markdown(blocks: Sequence[Block]) -> str:
    """The document in Markdown."""
    return "\n\n".join(text for text in map(_markdown, blocks) if text) + "\n"


def as_html(blocks: Sequence[Block]) -> str:
    """The document as one page that needs nothing else."""
    title = next((block.text for block in blocks if isinstance(block, Heading)), "")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>\n<body>\n'
        + "\n".join(map(_html, blocks))
        + "\n</body></html>\n"
    )


def _markdown(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {text}"
        case Paragraph(text):
            return text
        case Listing(points):
            return "\n".join(f"- {point}" for point in points)
        case Table(columns, rows):
            lines = [columns, ["---"] * len(columns), *rows]
            return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
        case Chart():
            return ""


def _html(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{escape(text)}</h{level}>"
        case Paragraph(text):
            return f"<p>{escape(text)}</p>"
        case Listing(points):
            return f"<ul>{''.join(f'<li>{escape(point)}</li>' for point in points)}</ul>"
        case Table(columns, rows):
            head = "".join(f"<th>{escape(cell)}</th>" for cell in columns)
            body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
            return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        case Chart(svg):
            return f"<figure>{svg}</figure>"
