"""The door as it opens: the gate over what is held, and the audits of the face model that it asks for."""

from __future__ import annotations

from regard.stewardship.gate.audits import Audits
from regard.stewardship.gate.gate import Gate
from regard.stewardship.holdings import Holdings
from regard.stewardship.office import Office
from regard.stewardship.people.retention import CurrentCollections
from regard.vision.faces.faces import VERSIONS


def open_audits(office: Office) -> Audits:
    """The audits of the face model in use."""
    return Audits(office.engine, VERSIONS[office.settings.profile], office.settings.audit_days)


def open_gate(office: Office, holdings: Holdings, audits: Audits) -> Gate:
    """The gate that every call passes, whoever makes it."""
    return Gate(
        office.engine,
        office.settings,
        office.logbook,
        CurrentCollections(office.engine, holdings.retention),
        office.consents.covers,
        audited=audits.current,
        missing=office.consents.missing,
        register=office.consents,
    )
