"""A document in its two forms: what strangers wrote ends nothing and marks nothing up."""

from __future__ import annotations

from regard.evaluation.document import Folded, as_html, as_markdown


def test_a_text_as_it_stands_cannot_end_its_own_fence() -> None:
    told = as_markdown([Folded("A ballot", "```\n# no heading\n````")])
    assert told == "A ballot:\n\n`````\n```\n# no heading\n````\n`````\n"
    assert as_markdown([Folded("A ballot", "plain")]) == "A ballot:\n\n```\nplain\n```\n"


def test_a_text_as_it_stands_is_folded_away_on_a_page() -> None:
    page = as_html([Folded("A <ballot>", "</pre><script>")])
    assert "<details><summary>A &lt;ballot&gt;</summary><pre>&lt;/pre&gt;&lt;script&gt;</pre></details>" in page
