// The JavaScript SDK, unchanged: a project, a dataset, a version that is trained, started, asked and deleted; prints
// what it was told as JSON.
import { readFileSync } from "node:fs";
import {
  CreateDatasetCommand,
  CreateProjectCommand,
  CreateProjectVersionCommand,
  DeleteDatasetCommand,
  DeleteProjectCommand,
  DeleteProjectVersionCommand,
  DescribeDatasetCommand,
  DescribeProjectVersionsCommand,
  DetectCustomLabelsCommand,
  paginateListDatasetEntries,
  RekognitionClient,
  StartProjectVersionCommand,
  StopProjectVersionCommand,
  waitUntilProjectVersionRunning,
  waitUntilProjectVersionTrainingCompleted,
} from "@aws-sdk/client-rekognition";

const client = new RekognitionClient();
const [ProjectName, Bucket, Name, S3Bucket, picture] = process.argv.slice(2);
const { ProjectArn } = await client.send(new CreateProjectCommand({ ProjectName }));
const DatasetSource = { GroundTruthManifest: { S3Object: { Bucket, Name } } };
const made = await client.send(new CreateDatasetCommand({ ProjectArn, DatasetType: "TRAIN", DatasetSource }));
const { DatasetArn } = made;
let dataset;
do {
  await new Promise((resolve) => setTimeout(resolve, 100));
  dataset = await client.send(new DescribeDatasetCommand({ DatasetArn }));
} while (dataset.DatasetDescription.Status === "CREATE_IN_PROGRESS");
let entries = 0;
for await (const page of paginateListDatasetEntries({ client, pageSize: 7 }, { DatasetArn })) {
  entries += page.DatasetEntries.length;
}
const OutputConfig = { S3Bucket, S3KeyPrefix: ProjectName };
const begun = await client.send(
  new CreateProjectVersionCommand({ ProjectArn, VersionName: "v1", OutputConfig }),
);
const { ProjectVersionArn } = begun;
const of = { ProjectArn, VersionNames: ["v1"] };
// The default delay is 120 seconds.
const trained = await waitUntilProjectVersionTrainingCompleted({ client, maxWaitTime: 120, minDelay: 1, maxDelay: 1 }, of);
await client.send(new StartProjectVersionCommand({ ProjectVersionArn, MinInferenceUnits: 1 }));
const running = await waitUntilProjectVersionRunning({ client, maxWaitTime: 60 }, of);
const described = await client.send(new DescribeProjectVersionsCommand({ ...of, NextToken: "" }));
const Image = { Bytes: readFileSync(picture) };
const asked = await client.send(new DetectCustomLabelsCommand({ ProjectVersionArn, Image, MinConfidence: 0 }));
let refused;
try {
  await client.send(new DeleteProjectVersionCommand({ ProjectVersionArn }));
} catch (error) {
  refused = error.name;
}
await client.send(new StopProjectVersionCommand({ ProjectVersionArn }));
await client.send(new DeleteProjectVersionCommand({ ProjectVersionArn }));
await client.send(new DeleteDatasetCommand({ DatasetArn }));
const { Status: deleted } = await client.send(new DeleteProjectCommand({ ProjectArn }));
console.log(
  JSON.stringify({
    entries,
    trained: trained.state,
    running: running.state,
    version: described.ProjectVersionDescriptions[0],
    found: asked.CustomLabels,
    refused,
    deleted,
  }),
);
