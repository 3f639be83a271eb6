"""The sound of one film added to another: its packets as they are, in a process of its own.

Nothing is decoded or encoded. The process that reads the film is confined as one that decodes is, but that it writes:
`python -m regard.vision.video.sounds ASKED`, with the film on standard input, the one without sound as file 3, and what
is made on standard output.
"""

from __future__ import annotations

import heapq
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import msgspec
from av.container import InputContainer, OutputContainer
from av.stream import Stream

from regard.vision.video.confinement import Confinement
from regard.vision.video.decoding import opened
from regard.vision.video.film import Film, Limits, VideoError
from regard.vision.video.messages import Sound
from regard.vision.video.writing import FORMS

# The sounds that players expect in a container, and that FFmpeg writes there.
_WEBM, _MP4 = ("opus", "vorbis"), ("aac", "mp3", "opus", "ac3", "eac3", "flac", "alac")
TAKEN = {".webm": _WEBM, ".mp4": _MP4, ".mkv": ("vorbis", *_MP4, "pcm_s16le", "pcm_s24le")}
_MIB = 1 << 20


class _Asked(msgspec.Struct, frozen=True):
    """A film of the form that `suffix` stands for; sound `begins` with the pictures, at that time of its file.

    Milliseconds; MiB of memory, and bytes that may be written.
    """

    suffix: str
    begins: int
    milliseconds: int
    memory: int
    size: int


def not_taken(sounds: Iterable[Sound], suffix: str) -> str:
    """Why a form of film does not take one of the sounds, and what to do then; nothing where it takes all."""
    for sound in sounds:
        if sound.codec not in TAKEN[suffix]:
            others = [form for form, taken in TAKEN.items() if sound.codec in taken]
            then = f"Write {' or '.join(others)}, or leave the sound out." if others else "Leave the sound out."
            return f"A {suffix} film takes no sound of the codec {sound.codec}. {then}"
    return ""


def add_sounds(film: Film, path: Path, covered: Path, suffix: str, limits: Limits) -> None:
    """Add to the film `covered` all sounds of the one at `path`. Raises VideoError, and then `covered` is as it was."""
    size = path.stat().st_size + covered.stat().st_size + _MIB
    asked = _Asked(suffix, film.about.begins, limits.minutes * 60_000, limits.memory, size)
    made = covered.with_name(f"{covered.name}.sound")
    try:
        with path.open("rb") as one, covered.open("rb") as two, made.open("w+b") as to:
            words = ["-m", "regard.vision.video.sounds", msgspec.json.encode(asked).decode(), str(two.fileno())]
            found = os.pathsep.join(str(Path(folder).absolute()) for folder in sys.path)
            done = subprocess.run(
                [sys.executable, *words],
                stdin=one,
                stdout=to,
                stderr=subprocess.PIPE,
                pass_fds=[two.fileno()],
                env={"PYTHONPATH": found, "OPENBLAS_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"},
                cwd="/",
                check=False,
            )
        if done.returncode:
            last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise VideoError(f"Its sound cannot be copied: {last or f'code {done.returncode}'}. Leave the sound out.")
        made.replace(covered)
    finally:
        made.unlink(missing_ok=True)


def _join(film: InputContainer, covered: InputContainer, to: OutputContainer, begins: int) -> None:
    """Write the pictures of one and the sounds of the other in the order of their times."""
    pictures = covered.streams.video[0]
    streams: dict[Stream, Any] = {pictures: to.add_stream_from_template(pictures, opaque=True)}
    for sound in film.streams.audio:
        streams[sound] = to.add_stream_from_template(sound, opaque=True)
        streams[sound].metadata.clear()
        _forget_comments(streams[sound].codec_context)
    told = [_packets(covered, [pictures], 0), _packets(film, list(film.streams.audio), begins)]
    for packet in heapq.merge(*told, key=lambda each: cast(Fraction, each.dts * each.time_base)):
        packet.stream = streams[packet.stream]
        to.mux(packet)


def _packets(container: InputContainer, streams: list[Any], begins: int) -> Iterator[Any]:
    """Packets at their times from `begins` on; what is before it is left out. Neither sound nor VP9 is reordered."""
    last: dict[Stream, int] = {}
    for packet in container.demux(streams):
        time = packet.dts if packet.pts is None else packet.pts
        if time is None or packet.time_base is None:
            continue
        time -= round(Fraction(begins, 1000) / packet.time_base)
        if time >= 0:
            packet.pts = packet.dts = time
            # Matroska may not say how long one is, and MP4 forgets the last one then: as long as the one before it.
            packet.duration = packet.duration or time - last.get(packet.stream, time)
            last[packet.stream] = time
            yield packet


def _forget_comments(context: Any) -> None:
    """Take titles and names out of the head of Vorbis: three packets, the second of which holds them."""
    if context.name != "vorbis" and context.codec.canonical_name != "vorbis":
        return
    head, at, lengths = context.extradata, 1, []
    for _ in range(2):
        length = 0
        while head[at] == 255:
            length, at = length + 255, at + 1
        lengths.append(length + head[at])
        at += 1
    empty = b"\x03vorbis" + bytes(8) + b"\x01"
    first, last = head[at : at + lengths[0]], head[at + sum(lengths) :]
    context.extradata = bytes([2, len(first), len(empty)]) + first + empty + last


def main() -> None:
    """Add the sound, or say on standard error why it cannot be."""
    asked, covered = msgspec.json.decode(sys.argv[1], type=_Asked), int(sys.argv[2])
    av.logging.set_level(None)
    files = os.fdopen(0, "rb"), os.fdopen(covered, "rb"), os.fdopen(1, "w+b")
    Confinement(asked.memory, asked.milliseconds, asked.size).give(asked.milliseconds / 1000)
    try:
        with (
            opened(files[0]) as film,
            opened(files[1]) as pictures,
            av.open(files[2], "w", format=FORMS[asked.suffix]) as to,
        ):
            _join(film, pictures, to, asked.begins)
    except Exception as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
