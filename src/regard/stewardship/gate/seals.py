"""Sealed collections, whose key the council holds in shares. `gallery.templates.seals` makes those, `pages.seals` asks.

Only who sits on the council opens: the share of a member who left does not count. While a collection is open the
service gives the council new shares whenever it changes, and the old ones open nothing any more.
"""

from __future__ import annotations

import logging

from regard.gallery.gallery import Gallery
from regard.gallery.templates.seals import Holder, Seal, WrongShare
from regard.stewardship.council.charter import Charter
from regard.stewardship.council.council import Council
from regard.stewardship.council.member_keys import sealing_key
from regard.stewardship.logbook.logbook import Logbook

KIND = "regard/seal"
_log = logging.getLogger(__name__)


class CouncilSeals:
    """Seals collections and opens them again. Thread-safe."""

    def __init__(self, gallery: Gallery, council: Council, logbook: Logbook) -> None:
        self._gallery = gallery
        self._council = council
        self._logbook = logbook

    def seal(self, organization: str, collection: str, needed: int) -> Seal:
        """Have a collection open only to `needed` members. Raises NoSuchCollection, CollectionSealed, ValueError."""
        holders = _holders(self._council.law().charter)
        sealed = self._gallery.seal(organization, collection, needed, holders)
        self._tell(sealed, "sealed", organization=organization)
        return sealed

    def give(self, seal: str, member: str, share: bytes) -> Seal:
        """Take a member's share; the last one that is needed opens the collection in this process until it ends.

        Raises WrongShare, LookupError, NotLogged.
        """
        found = self._gallery.seals.check(seal, member, share)
        charter = self._council.law().charter
        held = {each.holder: each.key for each in found.shares}
        sitting = charter.member(member)
        if sitting is None or sitting.key != held[member]:
            raise WrongShare(f"{member} does not sit on the council with the key that this share is for")
        # The log says first that somebody is about to open it, as with everything.
        self._tell(found, "share given", role=sitting.role)
        given = self._gallery.give(seal, member, share)
        self.follow()
        return given

    def get(self, seal: str) -> Seal:
        """A seal, and how many shares were given to this process. Raises LookupError."""
        return self._gallery.seals.get(seal)

    def all(self) -> list[Seal]:
        """Every seal there is."""
        return self._gallery.seals.all()

    def follow(self) -> None:
        """Give the council of today the shares of what is open here."""
        for seal in self._gallery.seals.all():
            if not self._gallery.seals.is_open(seal.collection):
                continue
            holders = _holders(self._council.law().charter)
            if {(holder.name, holder.key) for holder in holders} == {(each.holder, each.key) for each in seal.shares}:
                continue
            if len(holders) < seal.needed:
                _log.warning("the seal %s needs %d members, and the council has fewer", seal.id, seal.needed)
                continue
            self._tell(self._gallery.share_anew(seal, holders), "shared anew")

    def _tell(self, seal: Seal, change: str, **more: str) -> None:
        body = {"change": change, "seal": seal.id, "needed": seal.needed, "shares": len(seal.shares), **more}
        self._logbook.write(KIND, body)


def _holders(charter: Charter) -> list[Holder]:
    return [Holder(member.name, member.key, sealing_key(member.verifier)) for member in charter.members]
