"""The page of the person pictured: with a token they read, say "not me", withdraw and are erased; nobody else is."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, ClassVar, cast

import boto3
import httpx
import pytest
from playwright.sync_api import Browser
from starlette.requests import Request
from starlette.responses import Response

from regard.ledger.tree.checkpoints import Checkpoint
from regard.ledger.tree.notes import Note
from regard.ledger.tree.proof import Receipt, verify_receipt
from regard.ledger.witnesses.series import Keys
from regard.pages.me import Me
from regard.pages.people_api import PeopleApi
from regard.settings import Settings
from regard.stewardship.office import Office, open_office
from regard.stewardship.parties.keys import AccessKey
from regard.stewardship.people.subject_sessions import SubjectSessions
from tests.helpers.browser import look, visiting
from tests.helpers.customs import picture
from tests.helpers.own_client import OwnClient
from tests.helpers.running import Running, running

NOTICE = {"version": "2026-03", "language": "en", "sha256": "ab" * 32}
NAMED = "Club <b>&\u202e"


class Club:
    """An organization with a collection on consent, in a running service."""

    def __init__(self, service: Running, office: Office, portrait: bytes) -> None:
        self.service, self.office, self.portrait = service, office, portrait
        made = office.organizations.register(NAMED, "other")
        self.key: AccessKey = office.organizations.issue_key(made.id, "photo-library")
        self.ask = OwnClient(service.url, self.key.access_key_id, self.key.secret)
        session = boto3.session.Session(self.key.access_key_id, self.key.secret, region_name="us-east-1")
        self.rekognition: Any = session.client("rekognition", endpoint_url=service.url)
        self.rekognition.create_collection(CollectionId="members", Tags={"regard:basis": "consent"})

    def enrol(self, name: str) -> str:
        """Take in somebody who agreed, also to a portrait; the id of their receipt."""
        asked = {"subject": name, "collection": "members", "purpose": "photo-library", "notice": NOTICE}
        receipt = self.ask("POST", "/consents", asked | {"portrait": True}).json()["consent"]["receipt_id"]
        image = {"Bytes": self.portrait}
        self.rekognition.index_faces(CollectionId="members", Image=image, ExternalImageId=name)
        return str(receipt)

    def label(self, name: str) -> None:
        """Name somebody in a line that labels are learned from."""
        project = self.rekognition.create_project(ProjectName=f"with-{name}")["ProjectArn"]
        dataset = self.rekognition.create_dataset(ProjectArn=project, DatasetType="TRAIN")["DatasetArn"]
        line = picture("Sea", key=f"{name}.jpg") | {"regard-people": [name]}
        self.rekognition.update_dataset_entries(DatasetArn=dataset, Changes={"GroundTruth": json.dumps(line)})

    def find(self) -> list[str]:
        image = {"Bytes": self.portrait}
        found = self.rekognition.search_faces_by_image(CollectionId="members", Image=image)["FaceMatches"]
        return sorted(match["Face"]["ExternalImageId"] for match in found)

    def token(self, name: str) -> str:
        answer = self.ask("POST", "/subject-tokens", {"subject": name, "identity_check": "passport seen"})
        return str(answer.json()["token"])

    def visitor(self, name: str) -> Visitor:
        visitor = Visitor(self.service.url)
        assert visitor.post("/me", token=self.token(name)).status_code == 303
        return visitor


class Visitor:
    """Somebody at the page, with a browser's cookies and no scripts."""

    there: ClassVar[list[httpx.Client]] = []

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=url, timeout=60)
        self.there.append(self.client)

    def get(self, path: str = "/me") -> httpx.Response:
        return self.client.get(path)

    def post(self, path: str, headers: dict[str, str] | None = None, **given: str) -> httpx.Response:
        return self.client.post(path, data=given, headers=headers)

    def mark(self, name: str) -> str:
        (found, *_) = re.findall(
            rf'action="/me/{name}"><input type="hidden" name="mark" value="([0-9a-f]+)"', self.get().text
        )
        return str(found)

    def do(self, name: str, **given: str) -> httpx.Response:
        return self.post(f"/me/{name}", None, mark=self.mark(name), **given)


@pytest.fixture(autouse=True)
def _gone() -> Iterator[None]:
    """Whoever came leaves after the test."""
    yield
    while Visitor.there:
        Visitor.there.pop().close()


@pytest.fixture(scope="module")
def club(tmp_path_factory: pytest.TempPathFactory, portrait: bytes) -> Iterator[Club]:
    folder = tmp_path_factory.mktemp("me")
    with running(folder) as service:
        yield Club(service, open_office(Settings(data_dir=folder)), portrait)


def hidden(page: str, name: str) -> str:
    return str(re.findall(rf'name="{name}" value="([^"]+)"', page)[0])


def test_a_token_opens_the_page_once_and_a_cookie_holds_it(club: Club) -> None:
    visitor, token = Visitor(club.service.url), club.token("ann")
    assert "Your token" in visitor.get().text
    answer = visitor.post("/me", token=f" {token}\n")
    cookie = answer.headers["set-cookie"].lower()
    assert answer.headers["location"] == "/me"
    for part in ("httponly", "samesite=strict", "max-age=900", "path=/"):
        assert part in cookie
    page = visitor.get()
    assert (page.status_code, "Nothing is held on you" in page.text) == (200, True)
    assert page.headers["cache-control"] == "no-store"
    assert "ann" not in page.text.partition("</title>")[0]
    refused = Visitor(club.service.url).post("/me", token=token)
    assert (refused.status_code, "used before" in refused.text) == (403, True)


@pytest.mark.long
def test_it_tells_faces_searches_and_consents_in_words(club: Club) -> None:
    club.enrol("bea")
    club.label("bea")
    assert "bea" in club.find()
    page = club.visitor("bea").get().text
    for words in ("1 face of you", "1 search found you", "search faces by image", "your consent", "photo-library"):
        assert words in page
    for words in ("Labels that are learned from pictures of you", "s3://bucket/bea.jpg", "with-bea", "TRAIN"):
        assert words in page
    assert 'alt="your enrolled face, face-1.jpg"' in page
    assert "You also agreed that reviewers see a picture" in page
    assert "Club &lt;b&gt;&amp;" in page
    assert "<b>" not in page
    assert "\u202e" not in page


def test_not_me_and_taking_it_back_are_calls_in_the_log(club: Club) -> None:
    club.enrol("cat")
    club.find()
    visitor = club.visitor("cat")
    answer = visitor.do("not-me", request=hidden(visitor.get().text, "request"))
    page = visitor.get(answer.headers["location"]).text
    assert "you are told apart" in page
    assert "cat" not in club.find()
    receipt = verified(club, page)
    assert (receipt["operation"], receipt["rules"]) == ("RejectMatch", ["subject-token"])
    answer = visitor.do("take-back", mismatch=hidden(page, "mismatch"))
    assert "done=take-back" in answer.headers["location"]
    assert "cat" in club.find()


def test_what_is_of_somebody_else_is_refused(club: Club) -> None:
    theirs, _ = (club.enrol(name) for name in ("dan", "eve"))
    dan, eve = (club.visitor(name) for name in ("dan", "eve"))
    answer = eve.do("withdraw", receipt=theirs)
    assert (answer.status_code, "speaks for another person" in answer.text) == (403, True)
    club.find()
    dan.do("not-me", request=hidden(dan.get().text, "request"))
    eve.do("not-me", request=hidden(eve.get().text, "request"))
    assert eve.do("take-back", mismatch=hidden(dan.get().text, "mismatch")).status_code == 404
    assert eve.do("not-me", request="0" * 36).status_code == 404
    assert eve.post("/me/erase", mark=dan.mark("erase"), sure="yes").status_code == 403
    answer = eve.client.get("/stewardship/v1/subjects/dan/export")
    assert answer.status_code == 403
    assert "1 face of you" in dan.get().text


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"origin": "http://elsewhere.test"}])
def test_a_form_of_another_site_does_nothing(club: Club, headers: dict[str, str]) -> None:
    club.enrol("fay")
    visitor = club.visitor("fay")
    given = {"mark": visitor.mark("erase"), "sure": "yes"}
    assert visitor.post("/me/erase", headers, **given).status_code == 403
    assert visitor.post("/me/erase", mark="0" * 64, sure="yes").status_code == 403
    assert visitor.do("erase").status_code == 400
    assert "1 face of you" in visitor.get().text


def test_a_withdrawn_consent_takes_the_face_along(club: Club) -> None:
    receipt = club.enrol("gil")
    visitor = club.visitor("gil")
    assert "withdraw" in visitor.do("withdraw", receipt=receipt).headers["location"]
    assert "gil" not in club.find()
    page = visitor.get().text
    assert "no face" in page
    assert "; withdrawn " in page


def test_the_export_is_files_to_read_and_a_note_on_them_all(club: Club) -> None:
    club.enrol("hal")
    answer = club.visitor("hal").get("/me/export.zip")
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    files = {name: archive.read(name) for name in archive.namelist()}
    assert {*files} == {"access.html", "access.txt", "access.json", "access.note", "face-1.jpg"}
    assert json.loads(files["access.json"])["faces"][0]["collection"] == "members"
    assert b"<h1>What is held on you</h1>" in files["access.html"]
    for name in {*files} - {"access.note"}:
        assert f"{sha256(files[name]).hexdigest()} {name}" in files["access.note"].decode()
    told = OwnClient(club.service.url, token=club.token("hal"))("GET", "/subjects/hal/export").json()
    assert told["document"] == json.loads(told["json"])
    ours = club.ask("GET", "/subjects/hal/export").json()
    assert (ours["pictures"], len(told["pictures"])) == ({}, 1)


def test_whoever_leaves_is_out_and_the_old_cookie_opens_nothing(club: Club) -> None:
    visitor = club.visitor("ida")
    cookies = dict(visitor.client.cookies)
    assert visitor.do("leave").status_code == 303
    assert "Your token" in visitor.get().text
    again = Visitor(club.service.url)
    again.client.cookies.update(cookies)
    assert again.get().status_code == 403


def verified(club: Club, page: str) -> dict[str, Any]:
    """The entry whose receipt the page links to, once it is verified with the log's key."""
    (path,) = re.findall(r'href="(/log/[\d-]+/receipts/\d+)"', page)
    data = httpx.get(club.service.url + path).content
    origin = Checkpoint.parse(Note.parse(Receipt.parse(data).note).text).origin
    receipt, _ = verify_receipt(data, Keys(club.office.logbook.keys.verifiers)[origin], origin)
    found: dict[str, Any] = json.loads(receipt.entry)
    return found


@pytest.mark.long
def test_a_page_of_a_person_is_fit_to_be_looked_at(club: Club, browser: Browser) -> None:
    club.enrol("joy")
    club.label("joy")
    club.find()
    visitor = club.visitor("joy")
    visitor.do("not-me", request=hidden(visitor.get().text, "request"))
    (cookie,) = visitor.client.cookies.jar
    given = [{"name": cookie.name, "value": cookie.value, "url": club.service.url}]
    look(browser, club.service.url, "/me")
    look(browser, club.service.url, "/me?done=erase&entry=2026-11/1", given)
    assert len(visitor.get().content) < 100_000 + sum(map(len, re.findall(r"base64,([^\"]+)", visitor.get().text)))


@pytest.mark.long
def test_a_person_erases_themselves(club: Club, browser: Browser) -> None:
    """A story: on a telephone without scripts somebody reads what is held on them, and is erased for good."""
    club.enrol("kim")
    assert "kim" in club.find()
    telephone = {"viewport": {"width": 320, "height": 640}}
    with visiting(browser, club.service.url, scripts=False, **telephone) as visit:
        page = visit.go("/")
        page.get_by_role("link", name="What is held on me").first.click()
        page.get_by_label("Your token").fill(club.token("kim"))
        page.get_by_role("button", name="Open").click()
        assert page.get_by_role("heading", level=1).inner_text() == "What is held on you"
        assert "1 search found you" in page.locator("main").inner_text()
        page.get_by_label("Yes, for good").check()
        page.get_by_role("button", name="Erase everything on me").click()
        told = page.locator("main").inner_text()
        assert "You are erased" in told
        assert "Nothing is held on you" in told
        entry = verified(club, page.content())
        assert (entry["kind"], entry["faces"]) == ("regard/erasure", 1)
        receipt = page.url.partition("entry=")[2]
        page.get_by_role("button", name="Close this page").click()
        assert page.get_by_label("Your token").is_visible()
        assert not visit.wrong
    # At another desk the receipt is checked by the key alone.
    with visiting(browser, club.service.url) as visit:
        page = visit.go(f"/log/verify.html#{receipt}")
        page.get_by_label("Public key of the log").fill("\n".join(map(str, club.office.logbook.keys.verifiers)))
        page.get_by_role("button", name="Check the receipt").click()
        page.get_by_role("heading", name="Verified", exact=True).wait_for()
        assert "regard/erasure" in page.locator("#more").inner_text()
    assert "kim" not in club.find()
    (empty,) = [club.visitor("kim").get("/me/export.zip").content]
    told = json.loads(zipfile.ZipFile(io.BytesIO(empty)).read("access.json"))
    assert (told["faces"], told["receipts"], told["events"]) == ([], [], [])


@pytest.mark.parametrize(
    ("scheme", "behind_proxy", "cookie"),
    [("https", False, "__Host-regard-me"), ("http", True, "__Host-regard-me"), ("http", False, "regard-me")],
)
def test_by_tls_the_cookie_is_this_hosts_alone(scheme: str, behind_proxy: bool, cookie: str) -> None:
    me = Me(cast(PeopleApi, None), cast(SubjectSessions, None), str, behind_proxy=behind_proxy)
    request = Request({"type": "http", "scheme": scheme, "path": "/me", "headers": [], "server": ("a.example", 443)})
    answer = Response()
    me._set_cookie(request, answer, "secret", 900)
    told = answer.headers["set-cookie"]
    assert told.startswith(f"{cookie}=secret;")
    assert ("Secure" in told) == cookie.startswith("__Host-")
    assert "Domain" not in told
