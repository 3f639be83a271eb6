"""The console's list of consents: page by page, the newest first, and back to its page after a withdrawal."""

from __future__ import annotations

import re

import pytest

from regard.pages.console import people
from regard.stewardship.people.consent import NewConsent
from tests.helpers.consoled import Console, Somebody
from tests.helpers.filled import asked, filled
from tests.helpers.peopled import NOTICE


def shown(ada: Somebody, query: str = "") -> tuple[list[str], list[str]]:
    """Whose consents a page lists, and where it leads on to."""
    text = ada.get(f"/console/people{query}").text
    return re.findall(r'<th scope="row">(.*?)</th>', text), re.findall(r'href="(/console/people\?[^"]*)"', text)


def test_consents_are_read_page_by_page(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "MOST_SHOWN", 2)
    caller, consents = console.office.organizations.keys.all()[0].caller, console.office.consents
    for name in ("ann", "bo:co", "cat", "bo:co", "bo:co"):
        asked = NewConsent(name, "staff", "development", NOTICE, 30)
        consents.attest(caller, consents.draw_up(console.organization, asked))
    newest = [each.consent.pii_principal_id for each in reversed(consents.all(console.organization))]
    ada, found = console.somebody(), []
    for page, links in ((1, [2]), (2, [1, 3]), (3, [2])):
        names, leads = shown(ada, f"?page={page}")
        assert leads == [f"/console/people?page={each}" for each in links]
        found += names
    assert found == newest
    assert shown(ada, "?page=999") == shown(ada, "?page=3")
    assert shown(ada, "?page=x") == shown(ada)
    names, leads = shown(ada, "?subject=bo:co&page=2")
    assert (names, leads) == (["bo:co"], ["/console/people?subject=bo%3Aco&amp;page=1"])


def test_whoever_withdraws_a_consent_stays_on_its_page(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "MOST_SHOWN", 1)
    caller, consents = console.office.organizations.keys.all()[0].caller, console.office.consents
    for _ in range(2):
        asked = NewConsent("alice", "staff", "development", NOTICE, 30)
        consents.attest(caller, consents.draw_up(console.organization, asked))
    ada = console.somebody()
    form = dict(re.findall(r'name="(\w+)" value="(\w+)"', ada.get("/console/people?subject=alice&page=2").text))
    done = ada.post("/console/people/consents/withdrawn", {name: form[name] for name in ("consent", "subject", "page")})
    assert done.headers["location"] == "/console/people?subject=alice&page=2"
    assert consents.get(console.organization, form["consent"]).withdrawn
    assert "no: withdrawn" in ada.get(done.headers["location"]).text


def test_a_person_is_erased_with_a_receipt_once_their_name_was_written_twice(console: Console) -> None:
    filled(console)
    ada = console.somebody()
    assert "alice" in ada.get("/console/people").text
    assert ada.post("/console/people/erased", {"subject": "alice", "again": "bob"}).status_code == 400
    assert asked(console, "ListFaces", CollectionId="staff")["Faces"]
    done = ada.post("/console/people/erased", {"subject": "alice", "again": "alice"})
    assert re.search(r'href="/log/[\d-]+/receipts/\d+"', done.text)
    assert not asked(console, "ListFaces", CollectionId="staff")["Faces"]


def test_a_consent_is_withdrawn_and_a_token_issued_once(console: Console) -> None:
    filled(console)
    ada = console.somebody()
    (receipt,) = console.office.consents.all(console.organization)
    ada.post("/console/people/consents/withdrawn", {"consent": receipt.consent.receipt_id})
    assert console.office.consents.get(console.organization, receipt.consent.receipt_id).withdrawn
    assert ada.post("/console/people/tokens", {"subject": "alice"}).status_code == 400
    made = ada.post("/console/people/tokens", {"subject": "alice", "check": "passport"})
    assert "regard-subject-" in made.text
    assert "regard-subject-" not in ada.get("/console/people").text
