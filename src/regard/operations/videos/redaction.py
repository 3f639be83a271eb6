"""VideoRedact, our own operation: a film on this machine written anew, its faces covered, its sound left out."""

from __future__ import annotations

from pathlib import Path

from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.operations.images.redaction import cover_of
from regard.operations.videos.frames import metadata
from regard.operations.videos.looking import remark_damage, watched
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.vision.pictures.findings import Box
from regard.vision.pictures.images import Picture
from regard.vision.pictures.redaction import Style, covered
from regard.vision.video.covering import covering

# Looks a second: between two of them a face moves by less than its own size, and `covering` covers what is between.
LOOKS = 10


@operation("VideoRedact", Capability.DETECT, DataClass.FACES, ours=True)
def video_redact(call: Call, rooms: Rooms) -> Answer:
    """Cover the faces of every frame of `Video`, and write the film to `To`, in the form that `Form` stands for.

    The file is whole when the answer is there; whoever asked moves it to where it is to be.
    """
    # What encodes is imported when a film is written: services start without it.
    from regard.vision.video.writing import Writer

    given = call.parameters
    style, found = Style(given.get("Style", Style.FILL)), [0, 0, 0]

    def look(picture: Picture) -> list[Box]:
        faces = rooms.faces.detect_all(picture)
        found[0] += len(faces)
        return [cover_of(face) for face in faces]

    with rooms.films.whole(Path(given["Video"])) as film:
        every = max(1, int(film.about.rate / LOOKS))
        with Writer(Path(given["To"]), given["Form"], film.about.rate) as to:
            for frame, areas in covering(film, look, every):
                watched(call, film, frame)
                found[1] += bool(areas)
                found[2] = max(found[2], len(areas))
                to.add(frame.milliseconds, covered(frame.picture, areas, style))
    remark_damage(call, film)
    call.account["counts"] = {"found": found[0]}
    assert film.ended is not None
    return {
        "VideoMetadata": metadata(film),
        "frames": film.ended.frames,
        "frames_with_covers": found[1],
        "looks_every": every,
        "style": style.value,
        "sound": "left out" if film.about.sounds else "none",
    }
