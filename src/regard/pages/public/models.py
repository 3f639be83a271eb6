"""The page on the models: their weights, what a similarity is worth, and what that means in a gallery."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from regard.pages.exchanges import BY_ACCEPT, OPEN, named, wants_page
from regard.pages.frame import HEADERS, document
from regard.pages.public.model_words import SIMILARITIES, model_words
from regard.settings import Settings
from regard.vision.faces.faces import VERSIONS
from regard.vision.faces.similarity import MOST_SEARCHES, Calibration, calibration
from regard.vision.heads.head import Head
from regard.vision.heads.heads import known
from regard.vision.models.weights import Weights

PATH = "/models"
GALLERIES = (1_000, 10_000, 100_000, 1_000_000)


def model_pages(settings: Settings, weights: Weights, audited: Callable[[], list[dict[str, Any]]]) -> list[Route]:
    """`GET /models`, and `/stewardship/v1/models` for programs and browsers, without a signature.

    `weights` are those that the service reads; `audited` gives what audits of the face model in use found, the newest
    first.
    """
    own = VERSIONS[settings.profile]
    told = models(weights, own, calibration())
    told["Heads"] = [_head(head, weights) for head in known(settings.heads_dir).values()]
    told["OtherProfiles"] = [_worth(weights, other, calibration(other)) for other in VERSIONS.values() if other != own]

    def found() -> dict[str, Any]:
        return told | {"Weights": _listed(weights), "Audits": audited()}

    def page(request: Request) -> Response:
        headers = named() | OPEN | BY_ACCEPT
        if wants_page(request):
            return HTMLResponse(document(model_words(found()), PATH), headers=HEADERS | headers)
        return JSONResponse(found(), headers=headers)

    def people(_: Request) -> Response:
        return HTMLResponse(document(model_words(found()), PATH), headers=HEADERS | named() | OPEN)

    return [Route(PATH, people, methods=["GET"]), Route("/stewardship/v1/models", page, methods=["GET"])]


def models(weights: Weights, face_model: str, curve: Calibration) -> dict[str, Any]:
    """The page, of one FaceModelVersion. Collections that another profile made go on with that one's."""
    return _worth(weights, face_model, curve) | {
        "Weights": _listed(weights),
        "Floor": f"The least Similarity at which at most {MOST_SEARCHES:.0%} of searches for somebody who is not there "
        "meet a false match; null where no threshold of this calibration achieves that.",
    }


def _listed(weights: Weights) -> list[dict[str, Any]]:
    """The models. `Loaded` is the digest that was found of the bytes that run; null where nobody asked for it yet."""
    loaded = weights.loaded
    return [
        {
            "Name": entry.weight.name,
            "Task": entry.weight.task,
            "SHA256": entry.weight.sha256,
            "Loaded": loaded.get(entry.weight.name),
            "Licence": entry.weight.licence,
            "Origin": entry.weight.origin,
            "Accuracy": entry.weight.accuracy,
            "Trained": entry.weight.trained,
        }
        for entry in weights.entries()
    ]


def _worth(weights: Weights, face_model: str, curve: Calibration) -> dict[str, Any]:
    """`CalibrationBelongs` is false where the weights or the profile are not those it was fitted with."""
    return {
        "FaceModelVersion": face_model,
        "CalibrationBelongs": curve.embedder == weights.digest("face-embedder") and curve.face_model == face_model,
        "Calibration": msgspec.to_builtins(curve),
        "Galleries": [_gallery(faces, curve) for faces in GALLERIES],
    }


def _head(head: Head, weights: Weights) -> dict[str, Any]:
    """What a head tells of faces, what it was made of, and how right it was; `Loaded` where it is of these weights."""
    return {
        "Name": head.name,
        "Asks": head.asks,
        "Model": head.base.model,
        "Loaded": head.base.sha256 == weights.digest(head.base.model),
        "Data": [msgspec.to_builtins(each) for each in head.data],
        "Measured": msgspec.to_builtins(head.measured),
    }


def _gallery(faces: int, curve: Calibration) -> dict[str, Any]:
    matches = {f"{level:g}": faces * curve.false_match_rate(level) for level in SIMILARITIES}
    return {"Faces": faces, "FalseMatchesASearch": matches, "Floor": curve.floor(faces)}
