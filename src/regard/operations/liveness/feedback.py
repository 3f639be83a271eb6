"""Feedback in AWS's words: what was seen of a film that a person may mend, beside the names of checks of our own.

AWS has codes for a covered face, closed eyes, a poor video and too little or too much light as well. No check measures
those here, so that they are never told.
"""

from __future__ import annotations

from regard.liveness.session import Result
from regard.vision.liveness.checks import OVAL, SEEN

_FEEDBACK = {
    SEEN: ("FACE_NOT_VISIBLE", "The face was not seen in a part of the film. Keep it before the camera to the end."),
    OVAL: ("FACE_NOT_ALIGNED", "The face was not in the oval. Move until it fills the oval, and keep it there."),
}


def feedback(result: Result) -> list[dict[str, str]]:
    """{Code, Message} of each condition that kept a session from passing, of those that AWS has a code for."""
    found = [name for name in _FEEDBACK if name in result.lacking]
    if SEEN in found and result.reference is None:
        # There was no face at all: where it was nobody measured.
        found = [SEEN]
    return [dict(zip(("Code", "Message"), _FEEDBACK[name], strict=True)) for name in found]
