// The JavaScript SDK, unchanged: starts a job on a film, waits for its end by asking, and prints what was found as JSON.
import {
  GetSegmentDetectionCommand,
  RekognitionClient,
  StartSegmentDetectionCommand,
} from "@aws-sdk/client-rekognition";

const client = new RekognitionClient();
const [Bucket, Name, SNSTopicArn, RoleArn] = process.argv.slice(2);
const { JobId } = await client.send(
  new StartSegmentDetectionCommand({
    Video: { S3Object: { Bucket, Name } },
    SegmentTypes: ["SHOT"],
    NotificationChannel: { SNSTopicArn, RoleArn },
  }),
);
let got;
do {
  await new Promise((resolve) => setTimeout(resolve, 200));
  got = await client.send(new GetSegmentDetectionCommand({ JobId, NextToken: "" }));
} while (got.JobStatus === "IN_PROGRESS");
console.log(JSON.stringify({ JobId, ...got }));
