"""The states of a version, and from which of them what may be done."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a version stands."""

    TRAINING = "TRAINING_IN_PROGRESS"
    TRAINED = "TRAINING_COMPLETED"
    TRAINING_FAILED = "TRAINING_FAILED"
    COPYING = "COPYING_IN_PROGRESS"
    COPIED = "COPYING_COMPLETED"
    COPYING_FAILED = "COPYING_FAILED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    FAILED = "FAILED"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    DELETING = "DELETING"
    # Withdrawn: its model is gone, and it comes back by nothing.
    EXPIRED = "EXPIRED"


# In which a job works on the version, and what comes of it: done or not.
ENDS = {
    State.TRAINING: (State.TRAINED, State.TRAINING_FAILED),
    State.COPYING: (State.COPIED, State.COPYING_FAILED),
}
# A job that failed can be tried again by the operator: what it comes to then counts.
DONE = {failed: done for done, failed in ENDS.values()} | {at: done for at, (done, _) in ENDS.items()}
# With a model that can be started, copied, or, of an adapter, asked at once.
READY = frozenset({State.TRAINED, State.COPIED, State.STOPPED, State.FAILED})
WITH_MODEL = READY | {State.STARTING, State.RUNNING, State.STOPPING}
# None may be deleted that is worked on, or answers.
HELD = frozenset({*ENDS, State.STARTING, State.RUNNING, State.STOPPING})
