"""Keep the receipts of your calls: who holds them can show that a call was left out of the log, or told otherwise.

    import boto3
    from keep_receipts import Receipts

    rekognition = boto3.client("rekognition")
    with Receipts("receipts").of(rekognition):
        rekognition.detect_faces(...)

Each answer, also a refusal, names its entry in the log. That is noted at once in `calls.jsonl`; the receipt follows
in the background as `PERIOD-INDEX.tlog-proof`. `regard log mine --receipts receipts` compares both with the log.
"""

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from urllib.error import URLError
from urllib.parse import urljoin
from urllib.request import urlopen


class Receipts:
    """A folder of receipts, and the notes of the calls that they are for."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._wanted: SimpleQueue[tuple[str, str] | None] = SimpleQueue()

    @contextmanager
    def of(self, client: Any) -> Iterator[None]:
        """Keep the receipts of this client's calls until the end of the block; then wait for the last ones."""

        def note(http_response: Any, model: Any, **_: Any) -> None:
            self._note(client.meta.endpoint_url, model.name, http_response.headers)

        event = f"after-call.{client.meta.service_model.service_id.hyphenize()}"
        fetching = threading.Thread(target=self._fetch_all, daemon=True)
        fetching.start()
        client.meta.events.register(event, note)
        try:
            yield
        finally:
            client.meta.events.unregister(event, note)
            self._wanted.put(None)
            fetching.join()

    def _note(self, endpoint: str, operation: str, headers: Any) -> None:
        entry, link = headers.get("x-regard-entry"), headers.get("x-regard-receipt")
        if not entry or not link:
            print(f"{operation} was answered without an entry in the log", file=sys.stderr)
            return
        line = {"entry": entry, "sequence": int(headers.get("x-regard-sequence", 0)), "operation": operation}
        with self._lock, (self._folder / "calls.jsonl").open("a") as calls:
            calls.write(json.dumps(line) + "\n")
        self._wanted.put((entry, urljoin(endpoint, link)))

    def _fetch_all(self) -> None:
        while wanted := self._wanted.get():
            entry, address = wanted
            for pause in (0.5, 2.0, 0.0):
                try:
                    with urlopen(address, timeout=30) as answer:
                        (self._folder / f"{entry.replace('/', '-')}.tlog-proof").write_bytes(answer.read())
                    break
                except URLError as error:
                    print(f"no receipt of {entry} yet: {error}", file=sys.stderr)
                    time.sleep(pause)
