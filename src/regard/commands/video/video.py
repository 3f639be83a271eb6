"""`regard video`: what a film on this machine shows, through the gate, without a server. It looks for nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from PIL import Image
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from regard.commands.common.options import Json, Key
from regard.commands.common.output import NO, YES, err, out, print_json, table
from regard.commands.pictures.pictures import SUFFIXES, mark_of
from regard.commands.video.sheet import Thumbnails, chosen, sheet
from regard.commands.video.timeline import MOST_ROWS, bar, code_of, plot, rows_of
from regard.vision.faces.drawing import Mark

app = typer.Typer(no_args_is_help=True, help="Look at stored video: labels, faces, text, moderation, segments.")

Film = Annotated[Path, typer.Argument(help="A film: MP4, MOV, MKV or WebM.", exists=True, dir_okay=False)]
AtLeast = Annotated[
    float | None, typer.Option("--at-least", min=0, max=100, help="Least confidence; by default, the API's.")
]
Sheet = Annotated[
    Path | None, typer.Option("--sheet", help="Write a contact sheet here: frames with time codes and boxes.")
]
Plot = Annotated[Path | None, typer.Option("--plot", help="Write a plot here: what is seen when.")]
Seen = tuple[str, float, list[dict[str, float] | None]]
# Columns of a terminal that a film has in a table, and those that the rest of the table takes.
_LEAST_COLUMNS, _MOST_COLUMNS, _REST = 12, 40, 62


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of question: our operation, the list in its answer, and how an element is named and drawn.

    `seen` gives name, confidence and boxes of an element, None for a box that it has not; None where it is told by
    another element. `given` is what a least confidence is to the operation.
    """

    operation: str
    member: str
    seen: Callable[[dict[str, Any]], Seen | None]
    given: Callable[[float], dict[str, Any]] = lambda least: {"MinConfidence": least}


@dataclass(frozen=True, slots=True)
class Output:
    """What is wanted of an answer."""

    as_json: bool
    sheet: Path | None
    plot: Path | None

    def check(self) -> None:
        """Raise ValueError for a picture that there is no format for: before an hour of film, not after it."""
        for path in (self.sheet, self.plot):
            if path is not None and path.suffix.lower() not in SUFFIXES:
                raise ValueError(f"{path} says no format to write in: end it in {', '.join(sorted(SUFFIXES))}.")


@app.command()
def faces(
    film: Film,
    attributes: Annotated[
        str, typer.Option("--attributes", "-a", help="DEFAULT, or ALL that the API tells of faces in video.")
    ] = "DEFAULT",
    as_json: Json = False,
    to_sheet: Sheet = None,
    to_plot: Plot = None,
    key: Key = None,
) -> None:
    """Find the faces in the frames of a film. Nobody is followed from one frame to the next.

    Leaves with 0 when a face was found, 1 when there was none, 2 when the film could not be decoded to its end.
    """
    if attributes not in ("DEFAULT", "ALL"):
        raise ValueError(f"There are no attributes {attributes} in video: give DEFAULT or ALL.")
    given = {"FaceAttributes": attributes}
    _ask(Kind("VideoFaces", "Faces", _face), film, given, key, Output(as_json, to_sheet, to_plot))


@app.command()
def segments(
    film: Film,
    only: Annotated[str | None, typer.Option("--only", help="SHOT or TECHNICAL_CUE; by default, both.")] = None,
    at_least: AtLeast = None,
    as_json: Json = False,
    key: Key = None,
) -> None:
    """Find the shots of a film, to the frame of each cut, and where it is black or shows colour bars.

    Leaves with 0, and with 2 when the film could not be decoded to its end.
    """
    from regard.commands.common.inside import Inside
    from regard.settings import from_environment

    if only not in (None, "SHOT", "TECHNICAL_CUE"):
        raise ValueError(f"There are no segments {only}: give SHOT or TECHNICAL_CUE.")
    given: dict[str, Any] = {"SegmentTypes": [only]} if only else {}
    if at_least is not None:
        least = {"MinSegmentConfidence": at_least}
        given["Filters"] = {"ShotFilter": least, "TechnicalCueFilter": least}
    inside = Inside(from_environment(), key)
    with Bar(film.name) as told:
        answer = inside.ask_ours("VideoSegments", Video=film, Watching=told, **given)
    if as_json:
        print_json(answer)
    else:
        _print_segments(answer)
    raise typer.Exit(YES)


def _asking(kind: Kind) -> Callable[..., None]:
    """The command that asks this of a film."""

    def asked(
        film: Film,
        at_least: AtLeast = None,
        as_json: Json = False,
        to_sheet: Sheet = None,
        to_plot: Plot = None,
        key: Key = None,
    ) -> None:
        given = {} if at_least is None else kind.given(at_least)
        _ask(kind, film, given, key, Output(as_json, to_sheet, to_plot))

    return asked


def _ask(kind: Kind, film: Path, given: dict[str, Any], key: str | None, output: Output) -> None:
    """Print the answer about a film, and write the pictures of it. Raises Exit."""
    from regard.commands.common.inside import Inside
    from regard.settings import from_environment

    output.check()
    settings = from_environment()
    inside = Inside(settings, key)
    with Thumbnails() as frames, Bar(film.name) as told:

        def watching(about: Any, frame: Any) -> None:
            told(about, frame)
            if output.sheet is not None:
                frames.keep(frame.milliseconds, frame.picture)

        answer = inside.ask_ours(kind.operation, Video=film, Watching=watching, **given)
        if output.sheet is not None:
            _save(_sheet_of(kind, answer, frames), output.sheet)
    if output.plot is not None:
        rows = rows_of(_rows(kind, answer))
        _save(plot(rows, answer["VideoMetadata"]["DurationMillis"], settings.video_interval), output.plot)
    if output.as_json:
        print_json(answer)
    else:
        _print(kind, answer)
    raise typer.Exit(YES if answer[kind.member] else NO)


class Bar:
    """A bar of how far a film is, by its own time, with an estimate of when it is over."""

    def __init__(self, name: str) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self._bars = Progress(*columns, TextColumn("{task.fields[code]}"), console=err)
        self._task = self._bars.add_task(name, total=None, code="")

    def __enter__(self) -> Bar:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def __call__(self, about: Any, frame: Any) -> None:
        """Told of each frame."""
        done, whole = frame.milliseconds, about.milliseconds or None
        self._bars.update(self._task, completed=done, total=whole, code=code_of(done))


_NOWHERE = dict.fromkeys(("Left", "Top", "Width", "Height"), 0.0)


def _sheet_of(kind: Kind, answer: dict[str, Any], frames: Thumbnails) -> Image.Image:
    marks: dict[int, list[Mark]] = {}
    for element in answer[kind.member]:
        if seen := kind.seen(element):
            name, confidence, boxes = seen
            here = marks.setdefault(element["Timestamp"], [])
            here += [mark_of(box or _NOWHERE, f"{name} {confidence:.0f}") for box in boxes]
    return sheet(frames, chosen(frames.times, marks), marks)


def _save(image: Image.Image, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    image.save(to)


def _rows(kind: Kind, answer: dict[str, Any]) -> Iterator[tuple[str, int, float]]:
    for element in answer[kind.member]:
        if seen := kind.seen(element):
            yield seen[0], element["Timestamp"], seen[1]


def _print_segments(answer: dict[str, Any]) -> None:
    shown = table("Segment", "Confidence", "First frame", "To frame", "From", "To")
    for each in answer["Segments"]:
        cue, shot = each.get("TechnicalCueSegment"), each.get("ShotSegment")
        name = cue["Type"] if cue else f"shot {shot['Index']}"
        frames = str(each["StartFrameNumber"]), str(each["EndFrameNumber"])
        codes = each["StartTimecodeSMPTE"], each["EndTimecodeSMPTE"]
        shown.add_row(name, f"{(cue or shot)['Confidence']:.1f}", *frames, *codes)
    out.print(shown)


def _print(kind: Kind, answer: dict[str, Any]) -> None:
    about = answer["VideoMetadata"]
    length = about["DurationMillis"]
    out.print(
        f"{about['Format']}, {about['Codec']}, {about['FrameWidth']}×{about['FrameHeight']}, "
        f"{about['FrameRate']:.2f} frames a second, {code_of(length)}"
    )
    rows = rows_of(_rows(kind, answer))
    columns = max(_LEAST_COLUMNS, min(_MOST_COLUMNS, out.width - _REST))
    shown = table("Seen", "Frames", "Surest", "First", "Last", "When", whole=("When",))
    for row in rows[:MOST_ROWS]:
        times = code_of(row.first), code_of(row.last)
        shown.add_row(row.name, str(len(row.times)), f"{row.confidence:.1f}", *times, bar(row, length, columns))
    out.print(shown if rows else "none")
    if len(rows) > MOST_ROWS:
        out.print(f"and {len(rows) - MOST_ROWS} more, which --json prints")


def _label(element: dict[str, Any]) -> Seen:
    label = element["Label"]
    return label["Name"], label["Confidence"], [each["BoundingBox"] for each in label["Instances"]] or [None]


def _face(element: dict[str, Any]) -> Seen:
    return "face", element["Face"]["Confidence"], [element["Face"]["BoundingBox"]]


def _line(element: dict[str, Any]) -> Seen | None:
    text = element["TextDetection"]
    if text["Type"] != "LINE":
        return None
    return text["DetectedText"], text["Confidence"], [text["Geometry"]["BoundingBox"]]


def _moderation_label(element: dict[str, Any]) -> Seen:
    label = element["ModerationLabel"]
    return label["Name"], label["Confidence"], [None]


_LEAVES = "Leaves with 0 when {} was found, 1 when there was none, 2 when the film could not be decoded to its end."
app.command(
    "labels",
    help=f"Say what a film shows.\n\n{_LEAVES.format('a label')}\n\n"
    "Examples: `regard video labels street.mp4 --sheet street.jpg`, "
    "`regard video labels street.mp4 --json > street.json`",
)(_asking(Kind("VideoLabels", "Labels", _label)))
app.command("text", help=f"Read the text in the frames of a film.\n\n{_LEAVES.format('text')}")(
    _asking(
        Kind("VideoText", "TextDetections", _line, lambda least: {"Filters": {"WordFilter": {"MinConfidence": least}}})
    )
)
app.command("moderation", help=f"Find what a moderator would look at in a film.\n\n{_LEAVES.format('a label')}")(
    _asking(Kind("VideoModeration", "ModerationLabels", _moderation_label))
)
