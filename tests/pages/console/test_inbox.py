"""The inbox: appeals and reports, answered by their keeper."""

from __future__ import annotations

from tests.helpers.consoled import Console
from tests.helpers.filled import filled


def test_the_keeper_answers_what_is_due(console: Console) -> None:
    filled(console)
    (standing,) = console.inbox.all()
    ada = console.somebody()
    assert "I am not her" in ada.get("/console/inbox").text
    assert ada.post("/console/inbox", {"report": standing.report}).status_code == 400
    assert ada.post("/console/inbox", {"report": standing.report, "verdict": "upheld", "words": "sorry"}).is_redirect
    assert console.inbox.standing(standing.report).outcome == "upheld"
    assert "Nobody waits" in ada.get("/console/inbox").text
    firm = console.office.organizations.register("A shop", "retail").id
    console.office.organizations.issue_key(firm, "development")
    assert console.somebody("eve", organization=firm).get("/console/inbox").status_code == 403
