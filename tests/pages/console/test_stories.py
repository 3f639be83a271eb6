"""Stories of people at the console: an abuser, a councillor far away, and two reviewers who see two pictures."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, expect

from regard.ledger.tree.notes import Signer
from regard.stewardship.council.charter import Member
from regard.stewardship.council.council import Council
from regard.stewardship.council.member_keys import read_signer
from regard.stewardship.council.motions import Kind, Motion, Vote
from regard.stewardship.parties.edges import Edge, EdgeKind
from regard.stewardship.people.consent import NewConsent
from regard.stewardship.staff.staff import Role
from tests.helpers.browser import visiting
from tests.helpers.fakes import picture_of
from tests.helpers.peopled import NOTICE
from tests.pages.console.conftest import Served, authenticator

PNG = {"name": "a.png", "mimeType": "image/png", "buffer": picture_of(1)}


@pytest.mark.long
@pytest.mark.slow("a browser goes from page to page")
def test_an_abuser_is_refused(browser: Browser, served: Served) -> None:
    """A shop that hands on to the police asks under one key and under another, and the log says so to anybody."""
    orgs = served.office.organizations
    shop, police = orgs.register("A shop", "retail"), orgs.register("City police", "law-enforcement")
    orgs.edges.add(Edge(shop.id, EdgeKind.SUPPLIES, police.id))
    for purpose in ("content-moderation", "photo-library"):
        orgs.issue_key(shop.id, purpose)
    with visiting(browser, served.url) as visit:
        page = visit.page
        page.context.add_cookies([served.cookie("eve", Role.OPERATOR, shop.id)])
        visit.go("/console")
        for purpose in ("content-moderation", "photo-library"):
            page.locator(".who").get_by_role("link").click()
            page.get_by_label(purpose).check()
            page.get_by_role("button", name="Act under this key").click()
            page.get_by_role("link", name="Try").click()
            page.get_by_label("Faces").check()
            page.set_input_files("#picture", files=PNG)  # type: ignore[arg-type]
            page.get_by_role("button", name="Ask").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Refused")
            expect(page.locator(".loud")).to_contain_text("Law enforcement gets no face operation")
            assert page.locator("dd").all_inner_texts() == ["no-law-enforcement", "you → City police (law enforcement)"]
            assert page.locator("img").count() == 0
        receipt = page.get_by_role("link", name="The receipt of the log").get_attribute("href")
        # She is told to whom she may complain, and why it is so.
        page.get_by_role("link", name="Appeal against a refusal").click()
        expect(page.get_by_label("A decision about me")).to_be_visible()
        visit.go("/console/organizations")
        expect(page.get_by_role("row", name="A shop").first).to_contain_text("City police")
        assert not visit.wrong
    # Somebody who knows nobody here reads what was refused, by which rule, and not to whom.
    with visiting(browser, served.url, scripts=False) as visit:
        assert receipt
        assert visit.go(receipt).locator("body").inner_text().startswith("c2sp.org/tlog-proof")
        page = visit.go("/log?decision=denied")
        told = page.locator("main").inner_text()
        assert told.count("no-law-enforcement") >= 2
        assert "A shop" not in told
        assert shop.id not in told


@pytest.mark.long
@pytest.mark.slow("a browser, and commands of a machine that has nothing of the service")
def test_a_councillor_votes_from_another_machine(browser: Browser, served: Served, tmp_path: Path) -> None:
    """She reads the motion in a browser, signs where her key is, and anybody sees the ballot as she signed it."""
    may = Signer.generate("may")
    (tmp_path / "may.key").write_text(may.encode())
    (tmp_path / "may.key").chmod(0o600)
    motion = _moved(served, may)
    with visiting(browser, served.url) as visit:
        page = visit.page
        page.context.add_cookies([served.cookie("may", Role.COUNCIL)])
        visit.go("/console")
        expect(page.locator("main")).to_contain_text("Motions that wait for votes")
        page.get_by_role("link", name="Motions", exact=True).click()
        expect(page.locator("article")).to_contain_text(motion.hash)
        command = page.locator("pre", has_text="regard council vote").inner_text()
        told = _elsewhere(command.replace("NAME", "may").replace("FILE", str(tmp_path / "may.key")), tmp_path)
        assert "Higher than before" in told
        page.reload()
        expect(page.locator(".lead")).to_have_text("No motion waits.")
        assert not visit.wrong
    assert not (tmp_path / "nothing").exists()
    with visiting(browser, served.url, scripts=False) as visit:
        # What anybody reads is a second old at most.
        page = visit.go("/council")
        for _ in range(20):
            page.reload()
            if "Nobody has voted" not in (said := page.locator("main").inner_text()) and "Carried" in said:
                break
        votes = page.get_by_role("table").filter(has_text="approve").first
        assert "may" in votes.inner_text().split()
        ballot = page.locator("pre", has_text="regard.ballot").filter(has_text="— may").first
        assert motion.hash in str(ballot.text_content())


@pytest.mark.long
@pytest.mark.slow("two people register passkeys, one after the other")
def test_two_reviewers_confirm_with_two_pictures(browser: Browser, served: Served) -> None:
    """Alice agreed that her enrolled face is shown; nobody is told that it is her before two people saw both."""
    client, consents = served.client("access-control"), served.office.consents
    client.create_collection(CollectionId="gate", Tags={"regard:basis": "consent"})
    drawn = NewConsent("alice", "gate", "access-control", NOTICE, 30, portrait=True)
    key = served.office.organizations.keys.all(served.organization)[-1]
    consents.attest(key.caller, consents.draw_up(served.organization, drawn))
    client.index_faces(CollectionId="gate", Image={"Bytes": picture_of(5)}, ExternalImageId="alice")

    def found() -> list[Any]:
        told: dict[str, Any] = client.search_faces_by_image(CollectionId="gate", Image={"Bytes": picture_of(5, mark=9)})
        return [each["Face"]["ExternalImageId"] for each in told["FaceMatches"]]

    for name in ("rita", "remy"):
        assert found() == []
        with visiting(browser, served.url) as visit:
            page = visit.page
            authenticator(page)
            page.goto(served.link(name, "reviewer"))
            page.get_by_role("button", name="Go on").click()
            page.get_by_role("button", name="Register a passkey").click()
            page.get_by_role("link", name="Review", exact=True).click()
            expect(page.get_by_alt_text("the face that was searched with, candidate 1")).to_be_visible()
            expect(page.get_by_alt_text("the enrolled face of alice, candidate 1")).to_be_visible()
            assert "one picture only" not in page.locator("main").inner_text()
            page.get_by_role("button", name="Same person: candidate 1 of 1").click()
            expect(page.locator(".lead")).to_contain_text("You decided 1")
            assert not visit.wrong
    assert found() == ["alice"]


def _moved(served: Served, may: Signer) -> Motion:
    """A motion by the operator, whom it takes more than for that: she sits on the council too."""
    council = Council(served.office.engine)
    operator = read_signer("operator", served.folder / "council.key")
    charter = council.law().charter
    members = (*charter.members, Member("may", "worker-representative", str(may.verifier)))
    changed = msgspec.to_builtins(msgspec.structs.replace(charter, members=members))
    draft = council.draft(Kind.CHARTER, "May sits with us", {"charter": changed}, "operator")
    council.vote(council.propose(draft.signed(operator)), Vote.APPROVE, "", operator)
    floor = {"purpose": "photo-library", "floor": 90}
    return council.propose(council.draft(Kind.FLOOR, "Higher than before", floor, "operator").signed(operator))


def _elsewhere(command: str, folder: Path) -> str:
    """What a command says on a machine that has nothing of the service."""
    program, *words = shlex.split(command)
    assert program == "regard"
    environment = {**os.environ, "REGARD_DATA_DIR": str(folder / "nothing")}
    done = subprocess.run(
        [sys.executable, "-m", "regard.cli", *words], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
