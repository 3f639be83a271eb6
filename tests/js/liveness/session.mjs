// A session of liveness, streamed by the modules of AWS's client for the web as they are in its package. What it has
// from a browser alone is played: a recorder, whose film is in a file.
// node session.mjs ENDPOINT SESSION FILM SECONDS
import { readFileSync } from "node:fs";

const [endpointOverride, sessionId, film, seconds] = process.argv.slice(2);
const MODULES = "./node_modules/@aws-amplify/ui-react-liveness/dist/esm/components/FaceLivenessDetector/service/utils";
const of = (name) => import(`${MODULES}/${name}.mjs`);
const [WIDTH, HEIGHT] = [480, 640];
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

class PlayedRecorder extends EventTarget {
  state = "inactive";

  start(slice) {
    const bytes = readFileSync(film), count = Math.ceil(Number(seconds) * 1000 / slice);
    const part = Math.ceil(bytes.length / count);
    this.parts = Array.from({ length: count }, (_, place) => new Blob([bytes.subarray(place * part, (place + 1) * part)]));
    this.state = "recording";
    setTimeout(() => this.onstart(), 20);
    this.timer = setInterval(() => this.#give(1), slice);
  }

  stop() {
    clearInterval(this.timer);
    this.state = "inactive";
    this.#give(this.parts.length);
    this.onstop();
  }

  #give(count) {
    for (const data of this.parts.splice(0, count)) this.ondataavailable({ data });
  }
}

globalThis.MediaRecorder = PlayedRecorder;
const { createStreamingClient } = await of("createStreamingClient/createStreamingClient");
const { createRequestStreamGenerator } = await of("createRequestStreamGenerator/createRequestStreamGenerator");
const events = await of("createRequestStreamGenerator/utils");
const { StreamRecorder } = await of("StreamRecorder/StreamRecorder");
const { ColorSequenceDisplay } = await of("ColorSequenceDisplay/ColorSequenceDisplay");
const { createSessionInfoFromServerSessionInformation } = await of("sessionInformation");
const { getColorsSequencesFromSessionInformation, getOvalDetailsFromSessionInformation } = await of("liveness");

const recorder = new StreamRecorder({});
const send = (data) => recorder.dispatchStreamEvent({ type: "sessionInfo", data });

// What the client does in a browser from Begin to its end, in its order; the face is where the film has it.
async function hold(parsedSessionInformation) {
  recorder.startRecording();
  while (!recorder.hasRecordingStarted()) await pause(10);
  const ovalDetails = getOvalDetailsFromSessionInformation({ parsedSessionInformation, videoWidth: WIDTH });
  const ratio = 0.55, width = ovalDetails.width * ratio, height = ovalDetails.height * ratio;
  const face = { width, height, left: (WIDTH - width) / 2, top: (HEIGHT - height) / 2, timestampMs: Date.now() };
  const common = { parsedSessionInformation, challengeId: "challenge", trackWidth: WIDTH, trackHeight: HEIGHT,
    ovalAssociatedParams: { initialFace: face, ovalDetails } };
  send(events.createSessionStartEvent({ ...common, recordingStartedTimestamp: recorder.getRecordingStartTimestamp() }));
  await pause(2000);
  const inOval = { ...face, timestampMs: Date.now() };
  const colours = getColorsSequencesFromSessionInformation(parsedSessionInformation);
  if (colours.length) {
    await pause(1000);
    const onSequenceChange = (told) => send(events.createColorDisplayEvent({ ...told, challengeId: "challenge" }));
    for (const display = new ColorSequenceDisplay(colours); !(await display.startSequences({ onSequenceChange })););
  }
  await recorder.stopRecording();
  send(events.createSessionEndEvent({ ...common, recordingEndedTimestamp: recorder.getRecordingEndedTimestamp(),
    faceMatchAssociatedParams: { startFace: inOval, endFace: inOval } }));
  recorder.dispatchStreamEvent({ type: "streamStop" });
}

const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_REGION: region } = process.env;
const told = { events: [], challenge: "", error: "" };
try {
  const { getResponseStream } = await createStreamingClient({ endpointOverride, region, attemptCount: 1,
    preCheckViewEnabled: true, credentialsProvider: async () => ({ accessKeyId, secretAccessKey }) });
  const requestStream = createRequestStreamGenerator(recorder.getVideoStream()).getRequestStream();
  const stream = await getResponseStream({ requestStream, sessionId, videoWidth: `${WIDTH}`, videoHeight: `${HEIGHT}` });
  for await (const event of stream) {
    told.events.push(...Object.keys(event));
    const information = event.ServerSessionInformationEvent?.SessionInformation;
    if (information) {
      const parsed = createSessionInfoFromServerSessionInformation(information);
      told.challenge = parsed.Challenge.Name;
      hold(parsed).catch((error) => { told.error = `${error.stack}`; });
    }
    // The client closes its end as its component is taken away, which comes after this.
    if (event.DisconnectionEvent) recorder.dispatchStreamEvent({ type: "endStream" });
  }
} catch (error) {
  told.error = `${error.name}: ${error.message}`;
}
console.log(JSON.stringify(told));
process.exit(0);
