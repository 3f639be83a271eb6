from __future__ import annotations

from pathlib import Path

import pytest

from regard.ledger.tree.notes import Signer, sign_note
from regard.stewardship.parties.attestations import BadAttestation, attest, declaration
from regard.stewardship.parties.edges import Edge, EdgeKind
from tests.helpers.stewarding import Stewardship


def test_a_customer_declared_while_an_attestation_is_checked_does_not_count_as_signed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Stewardship(tmp_path)
    register, signer = room.organizations, Signer.generate("acme")
    acme = register.register("Acme", "technology", verifier=str(signer.verifier)).id
    customer = register.register("Customer", "retail").id
    note = sign_note(declaration(register, acme, int(room.now) + 1000), [signer])
    store = register.edges.attest

    def a_moment_later(organization: str, note: bytes, until: float, customers: list[str]) -> bool:
        register.edges.add(Edge(acme, EdgeKind.SUPPLIES, customer))
        return store(organization, note, until, customers)

    monkeypatch.setattr(register.edges, "attest", a_moment_later)
    with pytest.raises(BadAttestation, match="not the list"):
        attest(register, acme, note, room.now)
    assert register.get(acme).attested_until == 0
