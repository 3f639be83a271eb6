"""What operations that touch people in ways of their own are to the gate: labels of one's own, streams, liveness.

A call of these is judged by its operation's capability first; what only shows while it runs is asked in `gate.matters`:
that a project is of people, that a stream processor searches for faces. The registry declares the same; a test holds
the two together.
"""

from __future__ import annotations

from regard.stewardship.policy.call import Capability, DataClass

Declaration = tuple[Capability, DataClass]

_MANAGES: Declaration = (Capability.MANAGE, DataClass.SETTINGS)
_READS: Declaration = (Capability.READ, DataClass.SETTINGS)
# Pictures of whatever is looked for; of a people project `matters.use` asks again, as of an operation on faces.
_LOOKS: Declaration = (Capability.DETECT, DataClass.OBJECTS)
_LIVENESS: Declaration = (Capability.LIVENESS, DataClass.FACES)

DECLARED: dict[str, Declaration] = {
    "CreateProject": _MANAGES,
    "DeleteProject": _MANAGES,
    "DescribeProjects": _READS,
    "CreateDataset": _MANAGES,
    "DeleteDataset": _MANAGES,
    "DescribeDataset": _READS,
    "DistributeDatasetEntries": _MANAGES,
    "ListDatasetEntries": _READS,
    "ListDatasetLabels": _READS,
    "UpdateDatasetEntries": _MANAGES,
    # Whoever is stopped from looking at pictures trains nothing on them and starts nothing that does.
    "CreateProjectVersion": _LOOKS,
    "StartProjectVersion": _LOOKS,
    "DetectCustomLabels": _LOOKS,
    "CopyProjectVersion": _MANAGES,
    "DeleteProjectVersion": _MANAGES,
    "DescribeProjectVersions": _READS,
    "StopProjectVersion": _MANAGES,
    "PutProjectPolicy": _MANAGES,
    "DeleteProjectPolicy": _MANAGES,
    "ListProjectPolicies": _READS,
    "CreateStreamProcessor": _MANAGES,
    "DeleteStreamProcessor": _MANAGES,
    "DescribeStreamProcessor": _READS,
    "ListStreamProcessors": _READS,
    "StartStreamProcessor": _LOOKS,
    "StopStreamProcessor": _MANAGES,
    "UpdateStreamProcessor": _MANAGES,
    "CreateFaceLivenessSession": _LIVENESS,
    "GetFaceLivenessSessionResults": _LIVENESS,
}
