"""Time codes of SMPTE ST 12-1: hours, minutes, seconds and frames, counted from the beginning of the file."""

from __future__ import annotations

# 29.97 and 59.94 frames a second are counted as 30 and 60, and numbers are left out so that the clock goes right: so
# many at the beginning of each minute but each tenth.
_DROPPED = {30: 2, 60: 4}


def time_code(frame: int, rate: float) -> str:
    """The time code of a frame, from 0 on, of a film of `rate` frames a second; `;` says that numbers are left out."""
    counted = max(1, round(rate))
    drops = _DROPPED.get(counted, 0) if abs(rate - counted * 1000 / 1001) < 0.005 else 0
    if drops:
        minute, ten_minutes = 60 * counted - drops, 600 * counted - 9 * drops
        tens, rest = divmod(frame, ten_minutes)
        frame += 9 * drops * tens + (drops * ((rest - drops) // minute) if rest >= drops else 0)
    seconds, frames = divmod(frame, counted)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{';' if drops else ':'}{frames:02}"
