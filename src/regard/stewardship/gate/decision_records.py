"""What the gate's decisions leave in the database's record. What the public log says of a call is in `accounts`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sqlalchemy import Engine

from regard.database import RECORDS, writing
from regard.stewardship.gate.questions import Asked
from regard.stewardship.gate.thresholds import RAISED
from regard.stewardship.policy.call import Call
from regard.stewardship.policy.denied import Denied
from regard.stewardship.policy.policy import Request
from regard.stewardship.records import records

_POLICY = "regard/policy"  # a kind of record
_log = logging.getLogger(__name__)


class DecisionRecords:
    """Records denials, raised thresholds, and what decisions stood on, each of the last once. Thread-safe."""

    def __init__(self, engine: Engine, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._clock = clock
        self._told: set[tuple[str, str]] = set()
        self._told_policy = ""

    def policy(self, policy: str) -> None:
        """Say in the record which policy calls are decided by, when it is another than was said last."""
        if policy == self._told_policy:
            return
        with suppress(LookupError):
            self._told_policy = records.last(self._engine, _POLICY).body["policy"]
        if policy != self._told_policy:
            with writing(self._engine, RECORDS) as connection:
                records.append(connection, _POLICY, self._clock(), {"policy": policy})
        self._told_policy = policy

    def defaults(self, organization: str, collection: str) -> None:
        """Say in the record, once a collection, that it is from before the policy: the key's defaults count."""
        if (organization, collection) in self._told:
            return
        body = {"organization": organization, "collection": collection}
        with writing(self._engine, RECORDS) as connection:
            records.append_once(connection, "collection-defaults", self._clock(), body)
        self._told.add((organization, collection))

    def floor(self, call: Call, request: Request) -> None:
        """Say in the record that a threshold was raised to a floor, where it was."""
        if RAISED not in call.remarks:
            return
        body = {
            "request_id": call.request_id,
            "organization": call.caller.organization,
            "operation": call.operation.name,
            "purpose": request.purpose,
            "floor": f"{request.floor:g}",
        }
        with writing(self._engine, RECORDS) as connection:
            records.append(connection, "floor-raised", self._clock(), body)

    def denial(self, call: Call, denial: Denied, asked: Asked | None) -> None:
        """Record a denial, which `explanation` decides again offline. Where that fails, the denial stands."""
        # Not the whole denial: its words may name the person pictured.
        _log.warning("%s %s denied: [%s]", call.request_id, call.operation.name, denial.rule)
        body: dict[str, Any] = {
            "request_id": call.request_id,
            "access_key_id": call.caller.access_key_id,
            "organization": call.caller.organization,
            "operation": call.operation.name,
            "rule": denial.rule,
            "path": list(denial.path),
        }
        if asked is not None:
            body |= {
                "policy": asked.snapshot.law.policy,
                "request": asked.request.as_record(),
                "rules": list(asked.decision.rules),
            }
        try:
            with writing(self._engine, RECORDS) as connection:
                records.append(connection, "denial", self._clock(), body)
        except Exception:
            _log.exception("the denial of %s could not be recorded", call.request_id)
