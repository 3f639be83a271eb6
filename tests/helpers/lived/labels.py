"""Labels of one's own."""

from __future__ import annotations

from typing import Any

import msgspec

from regard.custom.versions.models import ModelFile, keep_model, model_of
from regard.custom.versions.states import State as VersionState
from tests.helpers.customs import box, boxed, manifest, picture
from tests.helpers.lived.house import Lived, caller
from tests.helpers.lived.known import Known


def labelled(house: Lived, known: Known) -> None:
    """A project with a dataset, a policy, a version with its model, and what was seen of a picture."""
    photos, workshop = caller(house, known, "photos"), house.holdings.workshop
    known.project = house.ask(photos, "CreateProject", ProjectName="parts", Tags={"mood": "good"})["ProjectArn"]
    dataset = house.ask(photos, "CreateDataset", ProjectArn=known.project, DatasetType="TRAIN")["DatasetArn"]
    lines = manifest([picture("Sea", key="0"), picture("Sun", "Sea", key="1"), boxed(box(), box(left=-1), key="b")])
    house.ask(photos, "UpdateDatasetEntries", DatasetArn=dataset, Changes={"GroundTruth": lines})
    statement = {"Effect": "Allow", "Principal": "*", "Action": "rekognition:CopyProjectVersion", "Resource": "*"}
    document = msgspec.json.encode({"Version": "2012-10-17", "Statement": [statement]}).decode()
    house.ask(photos, "PutProjectPolicy", ProjectArn=known.project, PolicyName="all", PolicyDocument=document)
    with house.holdings.gallery.writing() as connection:
        project = workshop.projects.find(connection, known.firm, known.project)
        version = workshop.versions.create(connection, project, "one", VersionState.TRAINING, {"asked": 1}, {"a": "b"})
        model = ModelFile(b"a head", b"a manifest", {"a file": b"beside"})
        keep_model(connection, workshop.versions, version.id, model)
        workshop.versions.end(connection, version.id, True, {"StatusMessage": "It is ready."}, model.digest)
        workshop.features.keep(connection, project.id, [("s3://bucket/0", "1", b"seen")])
    known.labels = told_of_labels(house, known)


def told_of_labels(house: Lived, known: Known) -> dict[str, Any]:
    """All that the organization is told of its project."""
    photos, workshop = caller(house, known, "photos"), house.holdings.workshop
    (project,) = house.ask(photos, "DescribeProjects")["ProjectDescriptions"]
    (dataset,) = (each["DatasetArn"] for each in project["Datasets"])
    told = {
        "entries": house.ask(photos, "ListDatasetEntries", DatasetArn=dataset),
        "wrong": house.ask(photos, "ListDatasetEntries", DatasetArn=dataset, HasErrors=True),
        "labelled": [
            house.ask(photos, "ListDatasetEntries", DatasetArn=dataset, ContainsLabels=[name])
            for name in ("Sea", "Sun", "Dot")
        ],
        "labels": house.ask(photos, "ListDatasetLabels", DatasetArn=dataset),
        "policies": len(house.ask(photos, "ListProjectPolicies", ProjectArn=project["ProjectArn"])["ProjectPolicies"]),
    }
    with house.holdings.gallery.reading() as connection:
        of = workshop.projects.find(connection, known.firm, known.project)
        (version,) = workshop.versions.page(connection, of, 0, 9)
        model = model_of(connection, workshop.versions, version.id, version.digest)
        seen = workshop.features.found(connection, of.id, [("s3://bucket/0", "1")])
    return told | {"model": model.digest, "files": sorted(model.files), "seen": [bool(each) for each in seen]}
