"""VideoRedact, our own operation: a film on this machine written anew, its faces covered, with or without its sound."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from regard.operations.common.errors import invalid_parameter
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


class Sounds(StrEnum):
    """What becomes of the sound: it is left out, since a voice names a person as a face does, or copied as it is."""

    DROP = "drop"
    KEEP = "keep"


@operation("VideoRedact", Capability.DETECT, DataClass.FACES, ours=True)
def video_redact(call: Call, rooms: Rooms) -> Answer:
    """Cover the faces of every frame of `Video`, and write the film to `To`, in the form that `Form` stands for.

    `Sound` says what becomes of the sound. The file is whole when the answer is there; whoever asked moves it to where
    it is to be.
    """
    # What encodes is imported when a film is written: services start without it.
    from regard.vision.video.sounds import add_sounds, not_taken
    from regard.vision.video.writing import Writer

    given, to = call.parameters, Path(call.parameters["To"])
    path, form, keeps = Path(given["Video"]), given["Form"], given.get("Sound") == Sounds.KEEP
    style, found = Style(given.get("Style", Style.FILL)), [0, 0, 0]

    def look(picture: Picture) -> list[Box]:
        faces = rooms.faces.detect_all(picture)
        found[0] += len(faces)
        return [cover_of(face) for face in faces]

    with rooms.films.whole(path) as film:
        if keeps and (why := not_taken(film.about.sounds, form)):
            raise invalid_parameter(why)
        every = max(1, int(film.about.rate / LOOKS))
        with Writer(to, form, film.about.rate) as writer:
            for frame, areas in covering(film, look, every):
                watched(call, film, frame)
                found[1] += bool(areas)
                found[2] = max(found[2], len(areas))
                writer.add(frame.milliseconds, covered(frame.picture, areas, style))
    if keeps and film.about.sounds:
        add_sounds(film, path, to, form, rooms.films.limits)
    remark_damage(call, film)
    call.account["counts"] = {"found": found[0]}
    assert film.ended is not None
    return {
        "VideoMetadata": metadata(film),
        "frames": film.ended.frames,
        "frames_with_covers": found[1],
        "looks_every": every,
        "style": style.value,
        "sound": ("kept" if keeps else "left out") if film.about.sounds else "none",
    }
