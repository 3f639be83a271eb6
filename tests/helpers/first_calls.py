"""Fresh processes in which sixteen threads make their first calls at once: `… -m tests.helpers.first_calls KIND TIMES`.

KIND is `faces`, which is quick, or `all`: every capability. Whoever waits a minute too long shows where and fails. The
processes are forked, one after the other, of one that has imported what the service imports before it opens a model,
and has opened none: OpenVINO is not even imported there.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from skimage.data import astronaut

from regard.settings import from_environment
from regard.vision.faces.faces import FaceAnalyzer
from regard.vision.pictures.images import Picture
from regard.vision.things.equipment import EquipmentInspector
from regard.vision.things.labels import LabelFinder
from regard.vision.things.moderation import Moderator
from regard.vision.things.text import TextReader

CALLS = 16
_PICTURE = Picture(astronaut(), "PNG")
_ATTRIBUTES = frozenset(("ALL", "AGE_RANGE", "GENDER", "SMILE", "MOUTH_OPEN"))


def calls(kind: str) -> list[Callable[[], object]]:
    """What the operations ask of vision, none of it run yet."""
    settings = from_environment()
    faces = FaceAnalyzer.opened(settings)

    def described() -> object:
        return [faces.describe(_PICTURE, face, _ATTRIBUTES) for face in faces.detect(_PICTURE)]

    def embedded() -> object:
        return faces.embed(_PICTURE, faces.detect(_PICTURE))

    if kind == "faces":
        return [described, embedded]
    labels, text = LabelFinder.opened(settings), TextReader.opened(settings)
    moderator = Moderator.opened(settings, labels.scene)
    equipment = EquipmentInspector(faces, labels.objects)
    more = [lambda each=each: each(_PICTURE) for each in (labels, text, moderator, equipment)]
    return [described, embedded, *more]


def main(kind: str) -> None:
    faulthandler.dump_traceback_later(240 if kind == "all" else 60, exit=True)
    made = calls(kind)
    together = Barrier(CALLS)

    def call(number: int) -> None:
        together.wait()
        assert made[number % len(made)]() is not None

    with ThreadPoolExecutor(CALLS) as threads:
        answered = len(list(threads.map(call, range(CALLS))))
    print(f"{answered} answered")


def forked(kind: str) -> int:
    """Do so in a process of its own, and give its exit code."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        main(kind)
        sys.stdout.flush()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    assert "openvino" not in sys.modules
    for _ in range(int(sys.argv[2])):
        if code := forked(sys.argv[1]):
            sys.exit(code)
