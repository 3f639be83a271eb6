"""A process that fills a log with eight threads and tells what was acknowledged, until it is killed.

python ledger_load.py FOLDER SIGNER-KEY RUN
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from regard.ledger.log.log import Log
from regard.ledger.tree.notes import Signer


def entry_of(run: int, caller: int, number: int) -> bytes:
    return b"%d/%d/%d " % (run, caller, number) * (1 + number % 50)


def main(folder: str, key: str, run: str) -> None:
    log = Log(Path(folder), [Signer.parse(key)], publish_every=0.005)

    def call(caller: int) -> None:
        for number in range(1_000_000):
            index = log.append(entry_of(int(run), caller, number))
            # One write of less than a pipe's buffer is never torn.
            os.write(1, b"%d %d %d\n" % (index, caller, number))

    for caller in range(8):
        threading.Thread(target=call, args=(caller,)).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
