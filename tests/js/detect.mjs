// The JavaScript SDK, unchanged, pointed at the service by its environment: prints its answers as JSON.
import { readFileSync } from "node:fs";
import {
  CompareFacesCommand,
  DetectFacesCommand,
  RekognitionClient,
} from "@aws-sdk/client-rekognition";

const client = new RekognitionClient();
const Bytes = readFileSync(process.argv[2]);
const detected = await client.send(new DetectFacesCommand({ Image: { Bytes }, Attributes: ["ALL"] }));
const compared = await client.send(
  new CompareFacesCommand({ SourceImage: { Bytes }, TargetImage: { Bytes } }),
);
let refused;
try {
  await client.send(new DetectFacesCommand({ Image: { Bytes: Buffer.from("no picture") } }));
} catch (error) {
  refused = { name: error.name, message: error.message, requestId: error.$metadata.requestId };
}
console.log(JSON.stringify({ detected, compared, refused }));
