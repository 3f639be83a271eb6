"""What a motion does beyond the law when it carries, and whether it could: the law itself follows from `chain`."""

from __future__ import annotations

from sqlalchemy import Connection

from regard.stewardship.council.chain import Law, apply
from regard.stewardship.council.collections import check_loosening, loosen
from regard.stewardship.council.live_search import check_live
from regard.stewardship.council.motions import BadMotion, Kind, Motion
from regard.stewardship.council.stored_packs import read_pack
from regard.stewardship.council.suspensions import STOPPABLE
from regard.stewardship.council.vectors import check_mark, heed_basis, settle_mark
from regard.stewardship.parties.admission import write_decision
from regard.stewardship.parties.organization import Standing
from regard.stewardship.parties.organization_rows import read_standing
from regard.stewardship.policy.call import Capability
from regard.stewardship.policy.policy import policy_of

SENSITIVE = ("emotions", Capability.LIVENESS)


def check(connection: Connection, law: Law, motion: Motion, now: float) -> None:
    """Refuse now what could not be done later: nobody should vote on it. Raises BadMotion, BadPack, LookupError."""
    payload = motion.payload
    match motion.kind:
        case Kind.POLICY:
            pack = read_pack(connection, str(payload.get("policy")))
            policy_of(pack)
            if payload.get("pack") != pack.name:
                raise BadMotion(f"this hash is of the pack {pack.name}")
        case Kind.FLOOR:
            known = policy_of(read_pack(connection, law.policy)).purposes
            if str(payload.get("purpose")) not in known:
                raise BadMotion(f"{payload.get('purpose')!r} is no purpose. There are: {', '.join(known)}.")
        case Kind.CAPABILITY if payload.get("capability") not in SENSITIVE:
            raise BadMotion(f"a motion enables one of: {', '.join(SENSITIVE)}")
        case Kind.SUSPENSION if payload.get("capability") not in STOPPABLE:
            raise BadMotion(f"a motion suspends one of: {', '.join(STOPPABLE)}")
        case Kind.ADMISSION:
            if payload.get("standing") not in ("admitted", "refused"):
                raise BadMotion("an admission has the standing admitted or refused")
            read_standing(connection, str(payload.get("organization")))
        case Kind.TAGS:
            check_loosening(connection, payload, policy_of(read_pack(connection, law.policy)).purposes)
        case Kind.LIVE_SEARCH:
            check_live(connection, payload, motion.opened)
        case Kind.VECTORS:
            check_mark(connection, payload)
    apply(law, motion, now)


def carry_out(connection: Connection, motion: Motion, now: float) -> None:
    """Do what a motion that carried asks for, in the transaction that settles it."""
    payload = motion.payload
    match motion.kind:
        case Kind.ADMISSION:
            standing, by = Standing(payload["standing"]), f"motion {motion.hash[:12]}"
            write_decision(connection, payload["organization"], standing, by, motion.title, now)
        case Kind.TAGS:
            loosen(connection, payload)
            heed_basis(connection, payload["organization"], payload["collection"])
        case Kind.VECTORS:
            settle_mark(connection, motion)
