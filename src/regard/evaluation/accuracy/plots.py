"""Curves of accuracy as PNG, with matplotlib, which is optional: `pip install regard[evaluate]`. The audit's charts are
:mod:`regard.evaluation.bias.charts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regard.evaluation.accuracy.galleries import Gallery
from regard.evaluation.accuracy.verification import Verification

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class NoPlots(RuntimeError):
    """matplotlib is not installed."""


def require() -> Any:
    """matplotlib's Figure. Raises NoPlots with the remedy, so that a run can ask before it works for an hour."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise NoPlots(
            "Plots need matplotlib. Install it with `pip install regard[evaluate]`, or ask for none with --no-plots."
        ) from None
    return Figure


def save_verification(found: Verification, folder: Path) -> list[Path]:
    """roc.png and det.png in `folder`; what was written.

    The axes are logarithmic: a rate of 0 is drawn at half a pair.
    """
    fmr = [max(rate, 0.5 / max(found.impostor, 1)) for _, rate, _ in found.curve]
    fnmr = [max(rate, 0.5 / max(found.genuine, 1)) for _, _, rate in found.curve]

    def roc(axes: Axes) -> None:
        axes.semilogx(fmr, [1 - rate for rate in fnmr])
        axes.set(xlabel="False match rate", ylabel="True match rate", title="ROC")

    def det(axes: Axes) -> None:
        axes.loglog(fmr, fnmr)
        axes.set(xlabel="False match rate", ylabel="False non-match rate", title="DET")

    return [_saved(folder / "roc.png", roc), _saved(folder / "det.png", det)]


def save_identification(found: Sequence[Gallery], folder: Path) -> list[Path]:
    """identification.png in `folder`: both error rates over the size of the gallery; what was written."""
    sizes = [gallery.people for gallery in found]

    def rates(axes: Axes) -> None:
        for place, at in enumerate(found[0].thresholds):
            color = f"C{place}"
            positive = [gallery.thresholds[place].false_positive_rate for gallery in found]
            negative = [gallery.thresholds[place].false_negative_rate for gallery in found]
            axes.plot(sizes, positive, color=color, marker="o", label=f"FPIR at {at.similarity:g}")
            axes.plot(sizes, negative, color=color, marker="o", linestyle="--", label=f"FNIR at {at.similarity:g}")
        axes.set(xscale="log", xlabel="People in the gallery", ylabel="Rate", title="Identification")
        axes.legend()

    return [_saved(folder / "identification.png", rates)] if found else []


def _saved(path: Path, draw: Any) -> Path:
    figure = require()(figsize=(6, 4.5), layout="constrained")
    axes = figure.subplots()
    draw(axes)
    axes.grid(visible=True, which="both", alpha=0.25)
    figure.savefig(path, dpi=120)
    return path
