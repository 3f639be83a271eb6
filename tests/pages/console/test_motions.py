"""The page of motions: how a policy would change, and for whom."""

from __future__ import annotations

from dataclasses import replace

import pytest

from regard.operations.common.registry import answered
from regard.stewardship.council.member_keys import read_signer
from regard.stewardship.council.motions import Ballot, Kind, Vote
from regard.stewardship.policy.call import Call
from regard.stewardship.policy.denied import Denied
from regard.stewardship.policy.packs import Pack
from regard.stewardship.staff.staff import Role
from tests.helpers.consoled import Console, Somebody
from tests.helpers.filled import filled, signer

MARKUP = "<b>bold"


def test_a_motion_shows_how_the_policy_would_change_and_for_whom(console: Console) -> None:
    council, orgs = console.council, console.office.organizations
    police = orgs.register(f"City police {MARKUP}", "law-enforcement")
    caller = orgs.issue_key(police.id, "content-moderation").caller
    call = Call(caller, answered()["DetectFaces"], {}, "us-east-1", "1", loopback=True)
    with pytest.raises(Denied):
        console.house.service.gate.before(call)
    payload = {"policy": council.store(Pack.shipped("open")), "pack": "open"}
    council.propose(
        council.draft(Kind.POLICY, "Open it", payload, "operator").signed(
            read_signer("operator", console.folder / "council.key")
        )
    )
    may = console.somebody("may", Role.COUNCIL)
    text = _motions(may)
    assert "--- in force" in text
    assert "-@id(&#34;no-law-enforcement&#34;)" in text
    row = text[text.index("Whom it would affect") :].partition("City police")[2].partition("</tr>")[0]
    assert "Find faces and describe them, from the service&#39;s own machine" in row.partition("would be allowed")[2]
    assert "no-law-enforcement" in row
    assert MARKUP not in text
    assert "Of the last 1 calls that were refused it would allow 1." in text
    assert "police detect nothing: would be allowed" in text
    # Others are told that there are some, and not who they are.
    shop = orgs.register("A shop", "retail").id
    orgs.issue_key(shop, "development")
    eve = console.somebody("eve", Role.AUDITOR, organization=shop)
    text = _motions(eve)
    assert "City police" not in text
    assert police.id not in text
    assert "A shop" in text
    assert "other organizations, which the operator" in text


@pytest.mark.long
def test_motions_of_many_words_leave_room_on_a_page(console: Console) -> None:
    council, signer = console.council, read_signer("operator", console.folder / "council.key")
    for number in range(10):
        pack = replace(
            Pack.shipped("open"), name=f"own-{number}", rules=Pack.shipped("open").rules + "// words\n" * 4000
        )
        payload = {"policy": council.store(pack), "pack": pack.name}
        council.propose(council.draft(Kind.POLICY, "x" * 100, payload, "operator").signed(signer))
    text = _motions(console.somebody("may", Role.COUNCIL))
    assert len(text.encode()) < 100_000
    assert text.count("there is no room here") >= 8
    assert text.count("Whom it would affect") == 10


def _motions(somebody: Somebody) -> str:
    """The page, once all is worked out that takes longer than a page may."""
    for _ in range(200):
        if "looked at so far" not in (text := somebody.get("/console/motions").text):
            return text
    raise AssertionError("nobody learns whom it would affect")


def test_a_ballot_that_was_signed_elsewhere_is_cast(console: Console) -> None:
    filled(console)
    (docket,) = console.council.dockets()
    member = console.somebody("may", Role.COUNCIL)
    shown = member.get("/console/motions").text
    assert docket.motion.hash in shown
    assert "regard council vote" in shown
    assert "none signed" not in shown
    assert member.post("/console/motions", {"note": "nonsense"}).status_code == 400
    now = int(docket.motion.opened)
    note = Ballot(docket.motion.hash, "operator", Vote.APPROVE, "", now).signed(docket.motion, signer(console))
    pasted = member.post("/console/motions", {"note": note.decode().replace("\n", "\r\n")})
    assert (pasted.status_code, "The ballot was taken" in pasted.text) == (201, True)
    again = member.post("/console/motions", files={"file": ("ballot", note, "text/plain")})
    assert again.status_code == 400
    auditor = console.somebody("al", Role.AUDITOR)
    assert auditor.post("/console/motions", {"note": "x"}).status_code == 403
