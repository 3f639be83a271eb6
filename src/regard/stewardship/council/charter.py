"""The charter: who sits on the council, and how many of whom it takes."""

from __future__ import annotations

import msgspec

from regard.ledger.tree.notes import NoteError, Verifier

ROLES = ("maintainer", "worker-representative", "affected-community", "auditor", "operator")
DAY = 86_400
DEFAULT = "default"


class BadCharter(ValueError):
    """A charter that could not work; the text says why."""


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member: `key` is the text form of a note verifier, under the member's name."""

    name: str
    role: str
    key: str

    @property
    def verifier(self) -> Verifier:
        """The key that the member's ballots are verified with."""
        return Verifier.parse(self.key)


class Quota(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many approvals a motion needs, and how many of them from which role."""

    approvals: int
    roles: dict[str, int] = {}


class Charter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The council's own rules. `quotas` are by kind of motion, or "default". Durations are in seconds.

    A motion carries after its discussion `window` at the earliest and expires after `expires`. Members in a
    role that is in `veto` can end it. One member's suspension of a capability lasts `suspension` at most.
    """

    members: tuple[Member, ...]
    quotas: dict[str, Quota]
    window: int = 0
    expires: int = 14 * DAY
    veto: tuple[str, ...] = ()
    suspension: int = 3 * DAY

    def member(self, name: str) -> Member | None:
        """The member of this name, or None."""
        return next((each for each in self.members if each.name == name), None)

    def quota(self, kind: str) -> Quota:
        """How many approvals a motion of this kind takes: its own quota, or the one called "default"."""
        return self.quotas.get(kind, self.quotas[DEFAULT])

    @property
    def alone(self) -> bool:
        """Whether one person is the whole council: then nobody else can approve what they propose."""
        return len(self.members) == 1

    def check(self) -> Charter:
        """This charter. Raises BadCharter when no motion could ever carry under it."""
        self._check_members()
        if DEFAULT not in self.quotas:
            raise BadCharter('the charter has no quota "default"')
        if not 0 <= self.window < self.expires or self.suspension <= 0:
            raise BadCharter("the discussion window must end before a motion expires, and times are positive")
        unknown = {*self.veto}.union(*(quota.roles for quota in self.quotas.values())) - {*ROLES}
        if unknown:
            raise BadCharter(f"no such role: {', '.join(sorted(unknown))}. There are: {', '.join(ROLES)}.")
        for kind, quota in self.quotas.items():
            self._check_quota(kind, quota)
        return self

    def _check_members(self) -> None:
        names = {each.name for each in self.members}
        if not names or len(names) < len(self.members):
            raise BadCharter("the council has no member, or two of one name")
        for each in self.members:
            if each.role not in ROLES:
                raise BadCharter(f"{each.role!r} is no role. There are: {', '.join(ROLES)}.")
            try:
                verifier = each.verifier
            except NoteError as error:
                raise BadCharter(f"the key of {each.name} cannot be read: {error}") from None
            if verifier.name != each.name:
                raise BadCharter(f"the key of {each.name} is made out to {verifier.name}")
        if len({each.verifier.public for each in self.members}) < len(self.members):
            raise BadCharter("two members have one key")

    def _check_quota(self, kind: str, quota: Quota) -> None:
        # Nobody approves their own motion, so a quota must be within reach without its proposer.
        others = len(self.members) - (not self.alone)
        if not 1 <= quota.approvals <= others or min(quota.roles.values(), default=0) < 0:
            raise BadCharter(f"the quota for {kind} needs {quota.approvals} of {others} who may approve")
        for role, number in quota.roles.items():
            if number > sum(each.role == role for each in self.members):
                raise BadCharter(f"the quota for {kind} needs {number} of role {role}, and there are fewer")
