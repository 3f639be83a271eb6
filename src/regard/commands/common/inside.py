"""The service in this process, for commands that work without a server. The gate is the same."""

from __future__ import annotations

import time
import uuid
from typing import Any

import msgspec

from regard.house import open_house
from regard.operations.common.registry import answered, ours
from regard.settings import Settings
from regard.stewardship.office import Office, open_office
from regard.stewardship.policy.call import Call, Caller, Operation
from regard.stewardship.policy.service_model import service_model
from regard.wire.callers import working
from regard.wire.protocol import check_parameters

_REGION = "us-east-1"


class Inside:
    """Answers operations as the holder of an access key. What a server would refuse is refused here too."""

    def __init__(self, settings: Settings, key_id: str | None = None) -> None:
        # A command loads what it asks for, when it does.
        office = open_office(msgspec.structs.replace(settings, warm=()))
        self.caller = caller_of(office, key_id)
        self._key = office.organizations.key
        self._service = open_house(office).service

    def ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """The answer to one operation, parameters and answer in the words of the API. Raises ApiError."""
        return self.ask_with_remarks(operation, **parameters)[0]

    def ask_with_remarks(self, operation: str, **parameters: Any) -> tuple[dict[str, Any], dict[str, str]]:
        """The answer, and what a server would say in its `x-regard-…` headers."""
        given = {name: value for name, value in parameters.items() if value is not None}
        check_parameters(service_model().operation_model(operation), given)
        return self._answer(answered()[operation], given)

    def ask_ours(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """The answer to one of our own operations. Raises ApiError."""
        return self._answer(ours()[operation], parameters)[0]

    def _answer(self, operation: Operation, given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        # As over HTTP: a key that is revoked or ends while a command runs works no more from the next call on.
        caller = working(self._key(self.caller.access_key_id), time.time()).caller
        call = Call(caller, operation, given, _REGION, str(uuid.uuid4()), loopback=True)
        return self._service.answer(call), call.remarks


def caller_of(office: Office, key_id: str | None) -> Caller:
    """The holder of an access key that works, by default of the oldest. Raises LookupError."""
    keys = [key for key in office.organizations.keys.all() if key.works(time.time())]
    for key in keys:
        if key_id in (None, key.access_key_id):
            return key.caller
    raise LookupError(
        f"the access key {key_id} is not there or does not work any more"
        if key_id
        else "no access key works any more; `regard keys issue` makes one"
    )
