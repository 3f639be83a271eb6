"""The service model: botocore's own description of all operations and shapes of the API; no model of faces."""

from __future__ import annotations

from functools import cache

from botocore.loaders import Loader
from botocore.model import ServiceModel


@cache
def service_model() -> ServiceModel:
    """The newest model that the installed botocore ships."""
    return ServiceModel(Loader().load_service_model("rekognition", "service-2"), "rekognition")
