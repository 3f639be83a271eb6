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
# Pictures of whatever is looked for, or what is made of them; `matters` asks again, as of faces, of a people project.
_KEEPS: Declaration = (Capability.MANAGE, DataClass.OBJECTS)
_TELLS: Declaration = (Capability.READ, DataClass.OBJECTS)
_LOOKS: Declaration = (Capability.DETECT, DataClass.OBJECTS)
_LIVENESS: Declaration = (Capability.LIVENESS, DataClass.FACES)

DECLARED: dict[str, Declaration] = {
    "CreateProject": _MANAGES,
    "DeleteProject": _KEEPS,
    "DescribeProjects": _READS,
    "CreateDataset": _KEEPS,
    "DeleteDataset": _KEEPS,
    "DescribeDataset": _READS,
    "DistributeDatasetEntries": _KEEPS,
    "ListDatasetEntries": _TELLS,
    "ListDatasetLabels": _TELLS,
    "UpdateDatasetEntries": _KEEPS,
    "CreateProjectVersion": _KEEPS,
    "CopyProjectVersion": _KEEPS,
    "DeleteProjectVersion": _KEEPS,
    "DescribeProjectVersions": _TELLS,
    "StartProjectVersion": _KEEPS,
    "StopProjectVersion": _KEEPS,
    "DetectCustomLabels": _LOOKS,
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
