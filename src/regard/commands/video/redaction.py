"""`regard redact` for a film: a new film with the faces of every frame covered; what covers pictures calls this."""

from __future__ import annotations

from pathlib import Path

from regard.commands.common.output import out, print_json, table
from regard.files import beside, sync
from regard.operations.videos.redaction import Sounds
from regard.vision.pictures.redaction import Style

FILMS = frozenset({".mp4", ".mov", ".m4v", ".mkv", ".webm"})
# The endings of films that are written.
_WRITTEN = (".webm", ".mkv", ".mp4")


def redact_film(path: Path, to: Path | None, style: Style, sound: Sounds, as_json: bool, key: str | None) -> None:
    """Cover the faces of a film, and print the report. Raises ValueError for a place that it cannot be written to."""
    from regard.commands.common.inside import Inside
    from regard.commands.video.video import Bar
    from regard.settings import from_environment

    to = to or path.with_name(f"{path.stem}-redacted{path.suffix if path.suffix.lower() in _WRITTEN else '.mp4'}")
    if to.suffix.lower() not in _WRITTEN:
        raise ValueError(f"{to} says no form to write a film in: end it in {', '.join(_WRITTEN)}.")
    if to.exists() and to.samefile(path):
        raise ValueError("The original would be overwritten; name another place with --to.")
    inside = Inside(from_environment(), key)
    to.parent.mkdir(parents=True, exist_ok=True)
    with beside(to) as unfinished:
        with Bar(path.name) as told:
            given = {"Video": path, "To": unfinished, "Form": to.suffix.lower(), "Style": style, "Sound": sound}
            report = inside.ask_ours("VideoRedact", Watching=told, **given)
        sync(unfinished)
        unfinished.chmod(0o644)
        unfinished.replace(to)
    report |= {"out": str(to)}
    if as_json:
        print_json({str(path): report})
        return
    rows = table("Film", "Frames", "With covers", "Sound", "Written to")
    rows.add_row(str(path), str(report["frames"]), str(report["frames_with_covers"]), report["sound"], str(to))
    out.print(rows)
