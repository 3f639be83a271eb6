"""The manifest of a trained head: what it was made of and on, and which labels it tells from where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
import onnx
import rfc8785
import scipy

from regard.evaluation.custom.logistic import Floats

VERSION = 1


def manifest_of(
    kind: str, file: bytes, names: Sequence[str], limits: Floats, base: Mapping[str, str], made: Mapping[str, Any]
) -> dict[str, Any]:
    """The manifest of a head's file: `base` is the model it reads, `made` what else it was made of and with."""
    labels = [{"name": name, "threshold": round(float(at), 6)} for name, at in zip(names, limits, strict=True)]
    libraries = {"numpy": np.__version__, "scipy": scipy.__version__, "onnx": onnx.__version__}
    head = sha256(file).hexdigest()
    return {"version": VERSION, "kind": kind, "head": head, "base": dict(base), "labels": labels} | {
        **made,
        "libraries": libraries,
    }


def written(manifest: Mapping[str, Any]) -> bytes:
    """Its bytes: canonical JSON (RFC 8785), the same for the same manifest."""
    return rfc8785.dumps(dict(manifest))
