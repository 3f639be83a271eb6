"""The three forms of a transparency report: canonical JSON for programs, Markdown and HTML for people.

Reasons and names in a log are words of strangers: in both forms for people they are text and nothing else.
"""

from __future__ import annotations

import html
import re
import unicodedata
from enum import StrEnum
from string import Template

import msgspec
import rfc8785

from regard.evaluation.document import as_html, as_markdown
from regard.stewardship.reports.report import Report
from regard.stewardship.reports.report_words import blocks

# What marks Markdown up, and what some readers make links of by themselves.
_MARKS = re.compile(r"([\\`*_\[\]<>|~&#$@]|:(?=//)|(?<=www)\.)")
_PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>$title</title>
<style>
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
</style>
</head>
<body>
<main>
$blocks
</main>
</body>
</html>
""")


class Form(StrEnum):
    """A form of the report."""

    MARKDOWN = "md"
    HTML = "html"
    JSON = "json"


def rendered(report: Report, form: Form) -> bytes:
    """The bytes of the report in one of its forms."""
    match form:
        case Form.MARKDOWN:
            return as_markdown(blocks(report), _plain).encode()
        case Form.HTML:
            return as_html(blocks(report), _PAGE, _safe).encode()
        case Form.JSON:
            return rfc8785.dumps(msgspec.to_builtins(report))


def _safe(text: str) -> str:
    return html.escape(_visible(text))


def _plain(text: str) -> str:
    return _MARKS.sub(r"\\\1", _visible(text))


def _visible(text: str) -> str:
    # Marks that turn the direction of writing, and all that breaks a line, could make a row say what it does not.
    kept = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in text)
    return " ".join(kept.split())
