"""The console as people use it: with a passkey, on a desk and on a phone, by keys alone."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from regard.stewardship.council.council import Council
from regard.stewardship.council.member_keys import read_signer
from regard.stewardship.council.motions import Kind
from regard.stewardship.holdings import open_holdings
from regard.stewardship.parties.edges import Edge, EdgeKind
from regard.stewardship.people.flows import Flow, Flows
from regard.stewardship.people.inbox import About, Filing, open_inbox
from regard.stewardship.people.reviewers import Reviewers
from regard.stewardship.policy.packs import Pack
from regard.stewardship.staff.staff import Role
from tests.helpers.browser import PLACE, look, look_here, visiting
from tests.helpers.fakes import picture_of
from tests.helpers.streaming import FACES, HOME, begun
from tests.pages.console.conftest import Served, authenticator

pytestmark = pytest.mark.long

_OF_OPERATORS = [
    *("", "/try", "/collections", "/collections/door", "/search", "/jobs", "/streams", "/keys", "/organizations"),
    *("/motions", "/people", "/inbox", "/health", "/under"),
]
_OUTSIDE = ["/sign-in", "/enter"]


@pytest.fixture(scope="module")
def filled(served: Served) -> Served:
    """The service with three people in a collection, each of whom a search found: two people look at each."""
    client = served.client("access-control")
    client.create_collection(CollectionId="door", Tags={"regard:basis": "attested"})
    for person in (1, 2, 3):
        client.index_faces(CollectionId="door", Image={"Bytes": picture_of(person)}, ExternalImageId=f"person-{person}")
        client.search_faces_by_image(CollectionId="door", Image={"Bytes": picture_of(person, mark=9)})
    Flows(served.office.engine).define(served.organization, Flow("all"))
    arn = f"arn:aws:sagemaker:us-east-1:{served.organization}:flow-definition/all"
    config = {"HumanLoopName": "picture-1", "FlowDefinitionArn": arn}
    told = client.detect_moderation_labels(Image={"Bytes": picture_of(1)}, MinConfidence=0, HumanLoopConfig=config)
    assert told["HumanLoopActivationOutput"]["HumanLoopArn"]
    _governed(served)
    return served


def _governed(served: Served) -> None:
    """A collection to try in, motions, ties that a refusal comes through, a call that is refused, and an appeal."""
    album = served.client("development")
    album.create_collection(CollectionId="album", Tags={"regard:basis": "attested"})
    album.index_faces(CollectionId="album", Image={"Bytes": picture_of(1)}, ExternalImageId="person-1")
    orgs, council = served.office.organizations, Council(served.office.engine)
    shop, police = orgs.register("A shop", "retail"), orgs.register("City police", "law-enforcement")
    orgs.edges.add(Edge(shop.id, EdgeKind.SUPPLIES, police.id))
    with suppress(ClientError):
        served.client("content-moderation", police.id).detect_faces(Image={"Bytes": picture_of(1)})
    signer = read_signer("operator", served.folder / "council.key")
    opened = {"policy": council.store(Pack.shipped("open")), "pack": "open"}
    for kind, payload in ((Kind.POLICY, opened), (Kind.FLOOR, {"purpose": "photo-library", "floor": 90})):
        council.propose(council.draft(kind, f"A motion about {kind}", payload, "operator").signed(signer))
    streams = open_holdings(served.office).streams
    begun(streams, served.organization, "hall", HOME)
    begun(streams, shop.id, "gate", FACES)
    inbox = open_inbox(served.office.settings, served.office.engine, served.office.key, served.office.logbook)
    inbox.file(Filing(About.APPEAL, "I was refused"), "198.51.100.1")


@pytest.mark.slow("a browser and axe-core look at each page four times")
@pytest.mark.parametrize("path", _OF_OPERATORS)
def test_a_page_is_fit_to_be_looked_at(browser: Browser, filled: Served, path: str) -> None:
    look(browser, filled.url, f"/console{path}", [filled.cookie("olga", Role.OPERATOR)])


@pytest.mark.slow("a browser goes from page to page")
@pytest.mark.parametrize("path", ["/review", "/pictures"])
def test_what_a_reviewer_sees_is_fit_to_be_looked_at(browser: Browser, filled: Served, path: str) -> None:
    look(browser, filled.url, f"/console{path}", [filled.cookie("rita", Role.REVIEWER)])


@pytest.mark.slow("a browser and axe-core look at each page four times")
def test_without_scripts_a_member_of_the_council_stops_whoever_searches_faces(browser: Browser, filled: Served) -> None:
    cookie = filled.cookie("may", Role.COUNCIL)
    look(browser, filled.url, "/console/streams", [cookie])
    with visiting(browser, filled.url, scripts=False) as visit:
        visit.page.context.add_cookies([cookie])
        page = visit.go("/console/streams")
        row = page.get_by_role("row").filter(has_text="gate of")
        expect(row).to_contain_text("STARTING")
        expect(page.get_by_role("button", name="Stop hall")).to_have_count(0)
        page.get_by_role("button", name="Stop gate of").click()
        expect(row).to_contain_text("STOPPING")
        assert not visit.wrong


@pytest.mark.slow("a browser and axe-core look at each page four times")
def test_what_forms_lead_to_is_fit_to_be_looked_at(browser: Browser, filled: Served) -> None:
    """What was found in a picture, who is like somebody, and a refusal."""
    png: Any = {"name": "a.png", "mimeType": "image/png", "buffer": picture_of(1, 2)}
    police = next(each for each in filled.office.organizations.all() if each.name == "City police").id
    with visiting(browser, filled.url, bypass_csp=True) as visit:
        page = visit.page
        for organization, heading in ((filled.organization, "What does it answer?"), (police, "Refused")):
            page.context.add_cookies([filled.cookie("olga", Role.OPERATOR, organization)])
            visit.go("/console/try")
            page.get_by_label("Faces").check()
            page.set_input_files("#picture", files=png)
            page.get_by_role("button", name="Ask").click()
            expect(page.get_by_role("heading", level=1)).to_have_text(heading)
            look_here(page)
        page.context.add_cookies([filled.cookie("olga", Role.OPERATOR)])
        visit.go("/console/search")
        page.get_by_label("In which collection?").select_option("album")
        page.get_by_label("What is it for?").fill("case 7")
        page.set_input_files("#picture", files=png)
        page.get_by_role("button", name="Search").click()
        expect(page.locator("main")).to_contain_text("one false match")
        look_here(page)


@pytest.mark.slow("a browser goes from page to page")
def test_without_scripts_a_reviewer_decides(browser: Browser, filled: Served) -> None:
    reviewers = Reviewers(filled.office.engine)
    name, secret = f"{filled.organization}/rosa", reviewers.appoint(filled.organization, "rosa")
    login = {"http_credentials": {"username": name, "password": secret}}
    look(browser, filled.url, "/review", **login)
    with visiting(browser, filled.url, scripts=False, **login) as visit:
        page = visit.go("/review")
        page.get_by_role("button", name="Same person: candidate 1 of 3").click()
        expect(page.get_by_role("button", name="Same person: candidate 2 of 2")).to_be_visible()
        expect(page.get_by_role("button", name="of 3")).to_have_count(0)
        assert not visit.wrong


@pytest.mark.parametrize("path", _OUTSIDE)
def test_the_door_is_fit_to_be_looked_at(browser: Browser, filled: Served, path: str) -> None:
    look(browser, filled.url, f"/console{path}")


@pytest.mark.slow("a browser goes from page to page")
def test_somebody_is_invited_signs_in_out_and_is_let_go(browser: Browser, served: Served) -> None:
    with visiting(browser, served.url) as visit:
        page = visit.page
        authenticator(page)
        page.goto(served.link("ada", "operator"))
        expect(page).to_have_url(f"{served.url}/console/enter")
        page.get_by_role("button", name="Go on").click()
        page.get_by_role("button", name="Register a passkey").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("What needs you now")
        kept: Any = page.context.cookies()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in to the console")
        page.context.add_cookies(kept)
        visit.go("/console")
        expect(page).to_have_url(f"{served.url}/console/sign-in")
        _sign_in(page)
        page.get_by_role("link", name="Keys").click()
        page.get_by_label("What is it for?").select_option("content-moderation")
        page.get_by_role("button", name="Issue the key").click()
        expect(page.get_by_role("heading", name="is made")).to_be_visible()
        served.revoke("ada")
        visit.go("/console")
        expect(page).to_have_url(f"{served.url}/console/sign-in")
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.locator(".loud")).to_contain_text("This passkey opens nothing here")
        assert not visit.wrong


def test_without_a_passkey_the_page_says_so_and_nobody_comes_in(browser: Browser, served: Served) -> None:
    with visiting(browser, served.url) as visit:
        session = visit.page.context.new_cdp_session(visit.page)
        session.send("WebAuthn.enable")
        options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
        session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        page = visit.go("/console/sign-in")
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.get_by_role("alert")).to_contain_text("No passkey answered")


def test_boxes_lie_where_the_api_says_and_no_picture_stays(browser: Browser, served: Served) -> None:
    data = _noisy(4, 7)
    told = served.client("content-moderation").detect_faces(Image={"Bytes": data})["FaceDetails"]
    assert len(told) == 2
    with visiting(browser, served.url) as visit:
        visit.page.context.add_cookies([served.cookie("olga", Role.OPERATOR)])
        page = visit.go("/console/try")
        page.get_by_label("Faces").check()
        page.set_input_files("#picture", files={"name": "a.png", "mimeType": "image/png", "buffer": data})
        page.get_by_role("button", name="Ask").click()
        expect(page.locator(".lead")).to_have_text("DetectFaces found 2 things.")
        frame = page.locator(".over img").bounding_box()
        for number, face in enumerate(told):
            drawn = page.locator(".over rect").nth(number).evaluate(PLACE)
            assert _apart(drawn, frame, face["BoundingBox"]) <= 1
        assert not visit.wrong
        page.get_by_role("link", name="The receipt of this call").click()
        expect(page.locator("body")).to_contain_text("c2sp.org/tlog-proof")
    assert not _on_disk(served.folder, data)


@pytest.mark.slow("a browser goes from page to page")
def test_by_keys_alone_a_reviewer_signs_in_decides_three_times_and_signs_out(browser: Browser, filled: Served) -> None:
    with visiting(browser, filled.url) as visit:
        page = visit.page
        authenticator(page)
        page.goto(filled.link("kim", "reviewer"))
        _press(page, "Go on")
        _press(page, "Register a passkey, and sign in")
        expect(page.get_by_role("heading", level=1)).to_have_text("What needs you now")
        _press(page, "Sign out")
        _press(page, "Sign in with a passkey")
        _press(page, "Review", role="link")
        for number in (1, 2, 3):
            expect(page.locator(".lead")).to_contain_text(f"Candidate {number} of 3")
            _press(page, f"Same person: candidate {number} of 3")
        expect(page.locator(".lead")).to_contain_text("You decided 3")
        _press(page, "Sign out")
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in to the console")
        assert not visit.wrong


def _sign_in(page: Page) -> None:
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What needs you now")


def _press(page: Page, name: str, role: Any = "button") -> None:
    """Go by Tab to what has a name, and press Enter; where one is, is seen at each step."""
    wanted = page.get_by_role(role, name=name, exact=True)
    expect(wanted).to_be_visible()
    page.evaluate("document.activeElement.blur()")
    for _ in range(60):
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") in ("solid", "auto")
        if wanted.evaluate("each => each === document.activeElement"):
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"{name} is not reached by Tab")


def _noisy(*persons: int) -> bytes:
    """A picture of these persons whose bytes are nobody else's."""
    pixels = np.asarray(Image.open(io.BytesIO(picture_of(*persons)))).copy()
    pixels[96:, :, 2] = np.random.default_rng(7).integers(0, 255, pixels[96:, :, 2].shape)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def _apart(found: Any, frame: Any, told: dict[str, float]) -> float:
    """How many pixels a box on the screen is from where the API says."""
    wanted = (
        frame["x"] + told["Left"] * frame["width"],
        frame["y"] + told["Top"] * frame["height"],
        told["Width"] * frame["width"],
        told["Height"] * frame["height"],
    )
    return max(float(abs(found[side] - each)) for side, each in zip(("x", "y", "width", "height"), wanted, strict=True))


def _on_disk(folder: Path, data: bytes) -> list[str]:
    """The files that have some of the picture: its middle, or its pixels as they are decoded."""
    middle = data[len(data) // 2 : len(data) // 2 + 64]
    row = np.asarray(Image.open(io.BytesIO(data)))[97].tobytes()[:64]
    files = [each for each in folder.rglob("*") if each.is_file()]
    assert files
    return [str(each) for each in files if middle in (found := each.read_bytes()) or row in found]
