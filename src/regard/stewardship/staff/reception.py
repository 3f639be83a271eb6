"""The reception as it opens: who may sign in, how, and for how long."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine

from regard.sealing import SealingKey
from regard.stewardship.staff.challenges import Challenges
from regard.stewardship.staff.passkeys import Passkeys
from regard.stewardship.staff.sessions import Sessions
from regard.stewardship.staff.staff import Kind, Role, Staff

LOCAL_NAME = "local"


@dataclass(frozen=True, slots=True)
class Reception:
    """People, passkeys and sessions on one database."""

    staff: Staff
    passkeys: Passkeys
    sessions: Sessions

    def local_link(self, organization: str) -> str:
        """The token of a link for whoever sits at the service's machine, to the operator's own organization."""
        return self.staff.invite(organization, LOCAL_NAME, Role.OPERATOR, Kind.LOCAL)


def open_reception(engine: Engine, key: SealingKey, clock: Callable[[], float] = time.time) -> Reception:
    """The reception on a database; `key` is the root key."""
    staff = Staff(engine, clock)
    return Reception(
        staff, Passkeys(engine, staff, Challenges(engine, key, clock), clock), Sessions(engine, key, clock)
    )
