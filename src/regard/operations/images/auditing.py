"""AuditBatch, our own operation: an auditor's pictures against each other, answered in scores and rates.

Who is pictured is blinded: subjects and groups are the auditor's own words. Nothing is kept, nobody is looked for in a
collection, and no embedding leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.stewardship.policy.call import Call, Capability, DataClass

# Of scores told to more digits, and of many pictures, embeddings could be worked out more closely.
DIGITS = 3


@operation(
    "AuditBatch",
    Capability.COMPARE,
    DataClass.FACES,
    ours=True,
    blind="An auditor's own pictures against each other, named by numbers: nobody of a collection is compared.",
)
def audit_batch(call: Call, rooms: Rooms) -> Answer:
    """Compare every picture of a batch with every other, and measure rates by group."""
    # What measures is slow to import, and most services never have an auditor.
    from regard.evaluation.bias.audit import Threshold, findings
    from regard.evaluation.bias.report import plain
    from regard.evaluation.samples.embedding import look_at
    from regard.evaluation.samples.pictures_on_disk import Labelled
    from regard.evaluation.samples.sample import SampleError, sample_of
    from regard.vision.faces.similarity import score

    given = call.parameters["Pictures"]
    pictures = [Labelled(each["Bytes"], each["Subject"], each["Groups"]) for each in given]
    assert rooms.auditors is not None
    left = rooms.auditors.take(call.caller.organization, len(pictures))
    found = [look_at(rooms.faces, each, "central") for each in pictures]
    call.account["counts"] = {"found": sum(each.enrolled for each in found)}
    sample = sample_of(pictures, found)
    answer: Answer = {
        "not_enrolled": [place for place, each in enumerate(found) if not each.enrolled],
        "scores": _scores(sample.embeddings, sample.enrolled.tolist()),
        "pictures_left": left,
        "rates": None,
        "no_rates": None,
    }
    try:
        thresholds = [Threshold(f"Similarity {each:g}", score(each)) for each in call.parameters["Similarities"]]
        answer["rates"] = plain(msgspec.to_builtins(findings(sample, thresholds)))
    except SampleError as error:
        answer["no_rates"] = str(error)
    return answer


def _scores(embeddings: Any, enrolled: Sequence[bool]) -> list[list[float | None]]:
    """The cosine of each picture with all that come after it; null where one is not enrolled."""
    whole = embeddings @ embeddings.T
    return [
        [
            round(float(whole[one, two]), DIGITS) if enrolled[one] and enrolled[two] else None
            for two in range(one + 1, len(enrolled))
        ]
        for one in range(len(enrolled))
    ]
