"""An organization as a value, and what has been decided about it; `organizations` is the register of all."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from regard.names import legible

AGENCY_CODE, NAICS = "agency-code", "naics"


class Standing(StrEnum):
    """What has been decided about an organization."""

    ADMITTED = "admitted"
    REVIEW = "review"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization. `identifiers` are (scheme, value) pairs as `identified` has them; times seconds since 1970.

    `attested_until` is None for one that declared no end customers; 0 while what it declared is not attested.
    """

    id: str
    name: str
    sector: str
    jurisdictions: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    identifiers: tuple[tuple[str, str], ...] = ()
    standing: Standing = Standing.ADMITTED
    operator: bool = False
    verifier: str | None = None
    attested_until: float | None = None


def identified(scheme: str, value: str) -> tuple[str, str]:
    """An identifier as it is kept and compared: agency_code 07012 and Agency-Code 7012 are one."""
    scheme = "-".join(legible(scheme).lower().replace("_", " ").split())
    value = "".join(legible(value).upper().split())
    return scheme, value.lstrip("0") or value if scheme == AGENCY_CODE else value


class NoSuchOrganization(LookupError):
    """There is no organization of this id."""
