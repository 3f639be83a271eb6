"""Whether a job still stands on what it was let in with: asked by work whose results leave without another call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from time import time
from typing import Any, Protocol

from regard.stewardship.gate.gate import Gate
from regard.stewardship.parties.keys import AccessKey
from regard.stewardship.policy.call import Call, Operation
from regard.stewardship.policy.denied import Denied

_REGION = "us-east-1"


class Started(Protocol):
    """What was started by a call: by which key, by which operation, and with which parameters."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def access_key(self) -> str:
        """The key that started it."""

    @property
    def operation(self) -> str:
        """The operation that started it."""

    @property
    def given(self) -> dict[str, Any]:
        """Its parameters."""


class Standing:
    """Asks the gate again what it was asked when a job was started.

    `find_key` gives the key that started it, and `operations` what is known of operations by their names.
    """

    def __init__(
        self,
        gate: Gate,
        find_key: Callable[[str], AccessKey | None],
        operations: Callable[[], Mapping[str, Operation]],
        clock: Callable[[], float] = time,
    ) -> None:
        self._gate, self._find_key, self._operations, self._clock = gate, find_key, operations, clock

    def require(self, job: Started) -> None:
        """Raise Denied where whoever started the job might not start it now. A refusal is an entry of the log."""
        self._gate.before(self.call(job))

    def refused(self, call: Call, denial: Denied) -> None:
        """Enter into the log that work on a job was refused by what was seen in it."""
        self._gate.refused(call, denial)

    def call(self, job: Started) -> Call:
        """The call that started a job, as it would be made now. Raises Denied where its key works no more."""
        key = self._find_key(job.access_key)
        if key is None or not key.enabled or key.expires <= self._clock():
            raise Denied("revoked-key", "The access key that started the job works no more.", appeal="start it again.")
        # From where it was started counted then.
        return Call(key.caller, self._operations()[job.operation], deepcopy(job.given), _REGION, job.id, loopback=True)
