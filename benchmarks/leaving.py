"""Leaving: how long it takes until lines are gone and versions withdrawn that learned of somebody, and until versions
that were trained anew without them are there, at a service as a user has it.

Not among the benchmarks that run by default: `python -m benchmarks leaving`.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.measuring import markdown
from benchmarks.pictures import SHARED
from benchmarks.versions import PICTURES, cuts
from tests.helpers.own_client import OwnClient
from tests.helpers.running import Running, running
from tests.helpers.stores import store, store_client, store_settings

# How many versions learned from the lines, and how many people these name: each line one.
VERSIONS, PEOPLE = 5, 100
PATIENCE = 1800.0
_NAME = "parts"
_NOTICE = {"version": "1", "language": "en", "sha256": "ab" * 32}


def run() -> str:
    """The section of docs/benchmarks.md."""
    title = "Leaving what learned of somebody"
    if not SHARED.is_dir():
        return markdown(title, ("not measured",), [("the pictures are not on this machine",)])
    with tempfile.TemporaryDirectory() as folder, store() as address:
        for name in ("pictures", "results"):
            store_client(address).create_bucket(Bucket=name)
        settings = store_settings(address, "*=pictures/") | {"REGARD_S3_WRITABLE": "*=results/"}
        with running(Path(folder) / "data", **settings, REGARD_JOBS_WORKERS="1") as service:
            shop = _Shop(service, store_client(address))
            rows = shop.measured()
    return markdown(
        title,
        ("what", "takes"),
        rows,
        "A service with one worker and a store beside it, on the same machine, wall-clock, each once. A project on "
        f"consent has {PICTURES:,} lines, of which each names one of {PEOPLE} people, and {VERSIONS} versions that "
        "learned from them. A request is answered when lines and versions are gone, and what is left of them on the "
        "disk is overwritten; that they are is looked at afterwards. Versions trained anew wait for a minute in which "
        "nobody left, and for the next look of the service, once a minute; then all pictures are looked at again. "
        "`python -m benchmarks leaving`",
    )


class _Shop:
    """A project whose lines name people, and its versions."""

    def __init__(self, service: Running, bucket: Any) -> None:
        self.client = service.client()
        keys = service.environment["AWS_ACCESS_KEY_ID"], service.environment["AWS_SECRET_ACCESS_KEY"]
        self.own = OwnClient(service.url, *keys)
        tags = {"regard:basis": "consent", "regard:retrain": "yes"}
        self.project = self.client.create_project(ProjectName=_NAME, Tags=tags)["ProjectArn"]
        self.dataset = self.client.create_dataset(ProjectArn=self.project, DatasetType="TRAIN")["DatasetArn"]
        lines = []
        for number, (key, data, line) in enumerate(cuts()):
            bucket.put_object(Bucket="pictures", Key=key, Body=data)
            person = {"regard-people": [f"person-{number % PEOPLE}"]}
            lines.append(json.dumps({"source-ref": f"s3://pictures/{key}"} | person | line))
        for begin in range(0, len(lines), 500):
            changes = {"GroundTruth": "\n".join(lines[begin : begin + 500]).encode()}
            self.client.update_dataset_entries(DatasetArn=self.dataset, Changes=changes)
        for number in range(VERSIONS):
            output = {"S3Bucket": "results", "S3KeyPrefix": "leaving"}
            self.client.create_project_version(ProjectArn=self.project, VersionName=f"v{number}", OutputConfig=output)

    def measured(self) -> list[tuple[str, str]]:
        """What each takes."""
        self._wait_for(VERSIONS)
        asked = {"subject": "person-1", "collection": f"project:{_NAME}", "purpose": "development", "notice": _NOTICE}
        receipt = self._asked("/consents", asked)["consent"]["receipt_id"]
        withdrawn = self._leaves(f"/consents/{receipt}/withdrawal", PICTURES - PICTURES // PEOPLE)
        begun = time.monotonic()
        self._wait_for(VERSIONS)
        again = time.monotonic() - begun
        erased = self._leaves("/subjects/person-2/erasure", PICTURES - 2 * PICTURES // PEOPLE)
        gone = f"{PICTURES // PEOPLE} of {PICTURES:,} lines gone, and {VERSIONS} versions withdrawn"
        return [
            (f"a withdrawal: {gone}", f"{withdrawn:.2f} s"),
            (f"an erasure: {gone}", f"{erased:.2f} s"),
            (f"until {VERSIONS} versions trained anew by themselves are there", f"{again:.0f} s"),
        ]

    def _leaves(self, path: str, left: int) -> float:
        """Seconds of a request after which so many lines are left, and no version that answers."""
        begun = time.monotonic()
        self._asked(path)
        seconds = time.monotonic() - begun
        stats = self.client.describe_dataset(DatasetArn=self.dataset)["DatasetDescription"]["DatasetStats"]
        if stats["TotalEntries"] != left or self._states().get("TRAINING_COMPLETED"):
            raise RuntimeError(f"{path}: {stats}, {self._states()}")
        return seconds

    def _wait_for(self, versions: int) -> None:
        """Wait until so many versions were trained."""
        until = time.monotonic() + PATIENCE
        while self._states().get("TRAINING_COMPLETED", 0) < versions:
            if time.monotonic() > until or self._states().get("TRAINING_FAILED"):
                raise RuntimeError(f"{versions} versions were not trained: {self._states()}")
            time.sleep(0.5)

    def _states(self) -> Mapping[str, int]:
        found = self.client.describe_project_versions(ProjectArn=self.project)["ProjectVersionDescriptions"]
        states = [each["Status"] for each in found]
        return {each: states.count(each) for each in states}

    def _asked(self, path: str, body: Any = None) -> Any:
        answer = self.own("POST", path, body)
        if answer.status_code >= 300:
            raise RuntimeError(f"{path}: {answer.text}")
        return answer.json()
