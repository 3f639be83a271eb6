"""The states of a version, from which of them what may be done, and what follows for one that is lost."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

import msgspec


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
# What is said of one that is lost: how it was, and what follows.
BY_ITSELF = "Another is trained by itself, of what is left."
REPLACED = "The backbone that it was trained on is not installed any more."
_BY_HAND = "Train another version: it is without them."
_OF_MANIFESTS = "It learned from manifests in a bucket: take their lines out of these, and train another version."


class Again(msgspec.Struct, frozen=True):
    """That a version is trained anew by the service itself: kept of the one that was lost, and of the one that follows.

    `of` is the digest of the model that was lost. Whoever was erased `since`, when the first of them was made, is in
    none that follows. `why` is what the StatusMessage of the lost one begins with. It is `over` once one followed, or
    none will.
    """

    of: str
    since: float
    why: str = ""
    over: bool = False


def what_follows(retrains: bool, asked: Collection[str]) -> str:
    """What follows for a version that is withdrawn, which was made with what is `asked`, in words.

    A copy is copied, not trained. And of what lies in a bucket nobody here removed anything.
    """
    if not retrains or "SourceProjectVersionArn" in asked:
        return _BY_HAND
    return _OF_MANIFESTS if "TrainingData" in asked else BY_ITSELF
