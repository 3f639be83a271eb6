"""A process of the service whose face analyzer needs no models: `regard serve` in all else."""

from __future__ import annotations

from typing import Any, cast

from regard.commands.serve import serve
from regard.vision import eyes
from tests.helpers.fakes import FakeAnalyzer


class _Without:
    """Stands for models that the tests of replicas do not ask."""

    objects = scene = None

    def __init__(self, *_: Any) -> None: ...

    def unload(self) -> None:
        pass

    @classmethod
    def opened(cls, *_: Any) -> _Without:
        return cls()


def main() -> None:
    eyes.open_analyzer = lambda *_: cast(Any, FakeAnalyzer())
    for name in ("EquipmentInspector", "LabelFinder", "Moderator", "TextReader"):
        setattr(eyes, name, _Without)
    serve(port=0)


if __name__ == "__main__":
    main()
