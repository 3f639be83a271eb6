"""Organizations, keys, and what the council decided."""

from __future__ import annotations

from regard.ledger.tree.notes import Signer, sign_note
from regard.operations.common.registry import answered
from regard.stewardship.council.motions import Kind
from regard.stewardship.parties.attestations import attest, declaration
from regard.stewardship.parties.edges import Edge, EdgeKind
from regard.stewardship.parties.organization import Standing
from regard.stewardship.policy.packs import Pack
from tests.helpers.lived.house import Lived
from tests.helpers.lived.known import Known


def parties(house: Lived, known: Known) -> None:
    """A firm with whom it supplies and who owns it, the police, two who are refused, and their keys."""
    orgs = house.office.organizations
    known.operator = orgs.operator().id
    signer = Signer.generate("firm")
    (house.folder.parent / "firm.key").write_text(signer.encode())
    firm = orgs.register(
        "A firm", "retail", aliases=["Firm & Sons"], identifiers=[("uei", "A1")], verifier=str(signer.verifier)
    )
    shop, owner = orgs.register("A shop", "retail"), orgs.register("An owner", "media")
    police = orgs.register("City police", "law-enforcement")
    suspect, _ = orgs.register("Frontex", "technology"), orgs.register("Europol Ltd", "technology")
    orgs.admission.decide(suspect.id, Standing.REFUSED, "me", "it is")
    orgs.edges.add(Edge(firm.id, EdgeKind.SUPPLIES, shop.id))
    orgs.edges.add(Edge(firm.id, EdgeKind.OWNED_BY, owner.id))
    until = int(house.office.logbook._clock()) + 86_400
    attest(orgs, firm.id, sign_note(declaration(orgs, firm.id, until), [signer]))
    issued = {
        "first": orgs.keys.all(known.operator)[0],
        "photos": orgs.issue_key(firm.id, "photo-library", operations=sorted(answered())),
        "door": orgs.issue_key(firm.id, "access-control", session_token=True),
        "police": orgs.issue_key(police.id, "photo-library"),
    }
    known.firm, known.keys = firm.id, {name: key.access_key_id for name, key in issued.items()}
    known.revoked = orgs.issue_key(firm.id, "photo-library").access_key_id
    orgs.keys.revoke(known.revoked)


def decided(house: Lived) -> None:
    """Another pack, two floors of which one is voted for, and a stop."""
    house.council.store(Pack.shipped("open"))
    house.vote(Kind.FLOOR, {"purpose": "photo-library", "floor": 85})
    house.propose(Kind.FLOOR, {"purpose": "photo-library", "floor": 90})
    house.council.suspend("compare", "a test", house.operator(), 1)
