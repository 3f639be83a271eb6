"""What a client answers to a challenge, event by event: a film in parts, and what the client tells of it."""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec

from regard.vision.liveness.challenge import Challenge
from regard.vision.liveness.told import InOval, Shown, Told
from regard.vision.pictures.findings import Box
from regard.wire.live.frames import Malformed, decoded

# Milliseconds since 1970, in this century; and a side or a place as a ratio of the video's, of a face partly outside.
_Time = Annotated[float, msgspec.Meta(ge=0, le=4e12)]
_Ratio = Annotated[float, msgspec.Meta(ge=-10, le=10)]
_Level = Annotated[int, msgspec.Meta(ge=0, le=255)]
# A colour is told twice: as it comes, and as it stays.
_MOST_SHOWN = 64


class _Event(msgspec.Struct, rename="pascal"):
    """Names as AWS has them."""


class _Box(_Event):
    left: _Ratio
    top: _Ratio
    width: _Ratio
    height: _Ratio

    @property
    def box(self) -> Box:
        return Box(self.left, self.top, self.width, self.height)


class _Initial(_Event):
    bounding_box: _Box


class _Target(_Event):
    bounding_box: _Box
    face_detected_in_target_position_start_timestamp: _Time
    face_detected_in_target_position_end_timestamp: _Time


class _Rgb(msgspec.Struct):
    rgb: Annotated[list[_Level], msgspec.Meta(min_length=3, max_length=3)] = msgspec.field(name="RGB")


class _Displayed(_Event):
    current_color: _Rgb
    sequence_number: Annotated[int, msgspec.Meta(ge=0)]
    current_color_start_timestamp: _Time


class _Said(_Event):
    video_start_timestamp: _Time | None = None
    video_end_timestamp: _Time | None = None
    initial_face: _Initial | None = None
    target_face: _Target | None = None
    color_displayed: _Displayed | None = None


class _Information(_Event):
    challenge: dict[str, _Said]


class _Video(_Event):
    video_chunk: bytes = b""


Event = TypeVar("Event", _Information, _Video)


class Answering:
    """The answer to one challenge, in a video of so many pixels, as it comes in."""

    def __init__(self, challenge: Challenge, width: int, height: int) -> None:
        self._challenge = challenge
        self._width, self._height = width, height
        self._said = _Said()
        self._shown: list[Shown] = []
        self.parts: list[bytes] = []

    @property
    def begun(self) -> bool:
        """Whether anything came yet."""
        return bool(self.parts)

    def take(self, frame: bytes) -> int:
        """Take one event; how many bytes of the film were in it, 0 at the film's end, -1 where it was of another kind.

        Raises Malformed.
        """
        message = decoded(frame)
        if message.headers.get(":message-type") != "event":
            raise Malformed("what a client sends are events")
        match message.headers.get(":event-type"):
            case "VideoEvent":
                part = _read(message.payload, _Video).video_chunk
                if part:
                    self.parts.append(part)
                return len(part)
            case "ClientSessionInformationEvent":
                self._hear(_read(message.payload, _Information))
                return -1
        raise Malformed("a client sends VideoEvent and ClientSessionInformationEvent")

    def told(self) -> Told:
        """What the client told by now. Raises Malformed where something is missing."""
        said = self._said
        if None in (said.video_start_timestamp, said.video_end_timestamp, said.initial_face, said.target_face):
            raise Malformed("the client told no VideoStartTimestamp, VideoEndTimestamp, InitialFace or TargetFace")
        assert said.video_start_timestamp is not None
        assert said.video_end_timestamp is not None
        assert said.initial_face is not None
        assert said.target_face is not None
        target = said.target_face
        return Told(
            begun_ms=said.video_start_timestamp,
            ended_ms=said.video_end_timestamp,
            initial_face=said.initial_face.bounding_box.box,
            face_in_oval=InOval(
                target.face_detected_in_target_position_start_timestamp,
                target.face_detected_in_target_position_end_timestamp,
                target.bounding_box.box,
            ),
            shown=tuple(self._shown),
            width=self._width,
            height=self._height,
        )

    def _hear(self, event: _Information) -> None:
        if list(event.challenge) != [self._challenge.kind]:
            raise Malformed(f"the challenge is a {self._challenge.kind}")
        said = event.challenge[self._challenge.kind]
        if said.color_displayed is not None:
            self._see(said.color_displayed)
        new = {name: value for name, value in msgspec.structs.asdict(said).items() if value is not None}
        self._said = msgspec.structs.replace(self._said, **new)

    def _see(self, displayed: _Displayed) -> None:
        flashes, number = self._challenge.flashes, displayed.sequence_number
        if number >= len(flashes) or tuple(displayed.current_color.rgb) != flashes[number].rgb:
            raise Malformed(f"the colour number {number} is another one")
        if len(self._shown) >= _MOST_SHOWN:
            raise Malformed("the same colours were shown over and over")
        self._shown.append(Shown(number, displayed.current_color_start_timestamp))


def _read(payload: bytes, kind: type[Event]) -> Event:
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"an event cannot be read: {error}") from None
