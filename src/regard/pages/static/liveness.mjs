// A session of liveness on a page: the camera, the oval, the colours, and AWS's event stream over a WebSocket. It finds
// no face: it shows where the face has to be and when, and the service looks whether it was. The way that somebody
// chose is the only one that the service is told of: who wants no colours is shown none.

const PROTOCOL = "regard.liveness";
const LIGHT = "FaceMovementAndLightChallenge";
const CALM = "FaceMovementChallenge";
const VERSIONS = { [LIGHT]: `${LIGHT}_2.0.0`, [CALM]: `${CALM}_1.0.0` };
// One begins in an oval half as wide, which is twice as far from the camera, and has so long to come nearer.
const SMALL = 0.5, GROW_MS = 4000, STILL_MS = 1000;
const CHUNK_MS = 1000, BITS = 1_000_000;
// Where in the time between asking a recorder to begin and hearing that it did the film begins: as AWS's client has it.
const BEGAN = 0.73;
const LEFT = 4003;
const NEW_LINK = "Ask whoever sent you here for a new link.";
const REFUSED = {
  SessionNotFoundException: `This link was used before, or its three minutes are over. ${NEW_LINK}`,
  AccessDeniedException: "A rule of this service refuses it. Whoever sent you here can read why.",
  ThrottlingException: `Too much is asked of this service at the moment. ${NEW_LINK}`,
  ServiceQuotaExceededException: `Too much is asked of this service at the moment. ${NEW_LINK}`,
};
const CAMERA = {
  NotAllowedError: "The camera was not allowed. Allow it for this page, and go on once more.",
  NotFoundError: "No camera was found.",
  NotReadableError: "The camera is in use by another program. Close that, and go on once more.",
};
const OUTCOMES = {
  done: ["yes", "You were seen", "It is over, and whoever sent you here is told. You may close this page."],
  unsure: ["no", "It could not be told", "It is over, but this service is not sure that a person was before the camera. " +
    "Light from behind, a face that was not in the oval, or others in the picture are common causes. Ask whoever sent " +
    "you here for another try, or for another way."],
  "": ["yes", "It is over", "Whoever sent you here is told what came of it. You may close this page."],
};

class Trouble extends Error {}

// CRC-32 as zlib has it, of which each frame holds two.
const TABLE = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});
const crc = (bytes) => ~bytes.reduce((sum, byte) => TABLE[(sum ^ byte) & 255] ^ (sum >>> 8), ~0) >>> 0;

function framed(type, told) {
  const text = (words) => [...new TextEncoder().encode(words)];
  const named = { ":message-type": "event", ":event-type": type, ":content-type": "application/json" };
  const headers = Object.entries(named).flatMap(([name, value]) =>
    [name.length, ...text(name), 7, value.length >> 8, value.length & 255, ...text(value)]);
  const body = new TextEncoder().encode(JSON.stringify(told));
  const frame = new Uint8Array(16 + headers.length + body.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, frame.length);
  view.setUint32(4, headers.length);
  view.setUint32(8, crc(frame.subarray(0, 8)));
  frame.set(headers, 12);
  frame.set(body, 12 + headers.length);
  view.setUint32(frame.length - 4, crc(frame.subarray(0, -4)));
  return frame;
}

// The headers of a frame, of which the service sends strings alone, and what it says. TLS vouches for its sums.
function read(buffer) {
  const view = new DataView(buffer);
  const text = (from, length) => new TextDecoder().decode(new Uint8Array(buffer, from, length));
  const headers = {}, end = 12 + view.getUint32(4);
  for (let at = 12; at < end;) {
    const name = view.getUint8(at), length = view.getUint16(at + name + 2);
    headers[text(at + 1, name)] = text(at + name + 4, length);
    at += name + length + 4;
  }
  return { headers, told: JSON.parse(text(end, buffer.byteLength - end - 4) || "{}") };
}

const element = (id) => document.getElementById(id);
const say = (words) => { element("told").textContent = words; };
const frame = () => new Promise(requestAnimationFrame);
const heard = (target, name) => new Promise((resolve) => { target.addEventListener(name, resolve, { once: true }); });

async function during(ms, each = () => {}) {
  for (const begun = Date.now(); Date.now() - begun < ms;) {
    each(Math.min(1, (Date.now() - begun) / ms));
    await frame();
  }
  each(1);
}

function base64(data) {
  const reader = new FileReader();
  reader.readAsDataURL(data);
  return heard(reader, "load").then(() => reader.result.slice(reader.result.lastIndexOf(",") + 1));
}

// The oval over the video, and outside it the colour, which comes down from the top over the one before. The video is
// shown mirrored and so is this, by the stylesheet: places here are those in the film.
function draw(oval, colour = "#fff", before = colour, share = 1, within = 0) {
  const canvas = element("drawn"), video = element("seen"), context = canvas.getContext("2d");
  canvas.width = canvas.clientWidth;
  canvas.height = canvas.clientHeight;
  // The strip above the picture, with the words, has the colour as soon as it begins to come down.
  element("stage").style.background = colour;
  const { width, height } = canvas, scale = Math.min(width / video.videoWidth, height / video.videoHeight);
  const outline = new Path2D();
  outline.ellipse((width - video.videoWidth * scale) / 2 + oval.CenterX * scale,
    (height - video.videoHeight * scale) / 2 + oval.CenterY * scale,
    oval.Width * scale / 2, oval.Height * scale / 2, 0, 0, 2 * Math.PI);
  const fill = () => {
    context.fillStyle = before;
    context.fillRect(0, 0, width, height);
    context.fillStyle = colour;
    context.fillRect(0, 0, width, height * share);
  };
  fill();
  context.save();
  context.clip(outline);
  context.clearRect(0, 0, width, height);
  context.globalAlpha = within;
  if (within) fill();
  context.restore();
  for (const [style, line] of [["#000", 8], ["#fff", 4]]) {
    context.strokeStyle = style;
    context.lineWidth = line;
    context.stroke(outline);
  }
}

async function openCamera() {
  if (!navigator.mediaDevices) {
    throw new Trouble("A browser gives the camera to pages with an https address alone, and this has none.");
  }
  const video = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 }, facingMode: "user" };
  return navigator.mediaDevices.getUserMedia({ video, audio: false }).catch((error) => {
    throw new Trouble(CAMERA[error.name] ?? `The camera did not answer: ${error.message}`);
  });
}

// The stream: what it is told to send, the challenge that it is sent, and how it ends.
function openStream(width, height, kind) {
  const address = new URL(`${location.pathname}/stream`, location.href.replace(/^http/, "ws"));
  const told = { "video-width": width, "video-height": height, "challenge-versions": VERSIONS[kind] };
  address.search = new URLSearchParams(told);
  const socket = new WebSocket(address, [PROTOCOL, location.hash.slice(1)]);
  socket.binaryType = "arraybuffer";
  // A film that goes on for a moment after somebody left is sent nowhere.
  const send = (type, what) => socket.readyState === WebSocket.OPEN && socket.send(framed(type, what));
  const stream = { close: () => socket.close(LEFT), send };
  stream.over = new Promise((resolve, reject) => {
    let refused = "";
    socket.onclose = ({ code, reason }) => code === 1000 && !refused ? resolve(reason) : reject(new Trouble(
      refused || `The service did not go on: the link was used before or is too old, or the connection broke. ${NEW_LINK}`));
    stream.challenge = new Promise((got) => {
      socket.onmessage = ({ data }) => {
        const { headers, told: what } = read(data);
        if (headers[":message-type"] !== "event") {
          refused = REFUSED[headers[":exception-type"]] ?? (what.Message.includes("none of the challenges")
            ? "Whoever sent you here asks for the other way alone. Nothing has begun: take it, or ask them for another."
            : `The service refuses it: ${what.Message} ${NEW_LINK}`);
        } else if (headers[":event-type"] === "ServerSessionInformationEvent") {
          got(what.SessionInformation.Challenge);
        }
      };
    });
  });
  return stream;
}

async function showColours(sequences, oval, tell) {
  const css = ({ FreshnessColor: { RGB } }) => `rgb(${RGB.join(",")})`;
  for (const [number, each] of sequences.entries()) {
    const before = sequences[Math.max(0, number - 1)];
    for (const [from, ms] of [[before, number && each.DownscrollDuration], [each, each.FlatDisplayDuration]]) {
      if (!ms) continue;
      draw(oval, css(each), css(from), from === each ? 1 : 0, 0.75);
      await frame();
      tell({ CurrentColor: each.FreshnessColor, PreviousColor: from.FreshnessColor, SequenceNumber: number,
        CurrentColorStartTimestamp: Date.now() });
      await during(ms, (share) => draw(oval, css(each), css(from), from === each ? 1 : share, 0.75));
    }
  }
}

async function film(camera, stream, name, told) {
  const video = element("seen"), oval = told.OvalParameters;
  const sized = (share) => ({ ...oval, Width: oval.Width * share, Height: oval.Height * share });
  const small = sized(SMALL);
  const boxed = ({ CenterX, CenterY, Width, Height }) => ({ Left: (CenterX - Width / 2) / video.videoWidth,
    Top: (CenterY - Height / 2) / video.videoHeight, Width: Width / video.videoWidth, Height: Height / video.videoHeight });
  draw(small);
  say("Put your face in the oval, and press Begin.");
  element("begin").hidden = false;
  element("begin").focus();
  await heard(element("begin"), "click");
  element("begin").hidden = true;
  element("stop").focus();

  const form = ["video/webm;codecs=vp8", "video/webm", "video/mp4"].find((each) => MediaRecorder.isTypeSupported(each));
  const recorder = new MediaRecorder(camera, { mimeType: form, videoBitsPerSecond: BITS });
  let sent = Promise.resolve();
  recorder.addEventListener("dataavailable", ({ data }) => {
    sent = sent.then(async () => data.size && stream.send("VideoEvent",
      { VideoChunk: await base64(data), TimestampMillis: Date.now() }));
  });
  const id = crypto.randomUUID();
  const tell = (what) => stream.send("ClientSessionInformationEvent", { Challenge: { [name]: { ChallengeId: id, ...what } } });
  say("Hold still.");
  const asked = Date.now(), begun = heard(recorder, "start"), first = heard(recorder, "dataavailable");
  recorder.start(CHUNK_MS);
  await begun;
  const began = Math.round(asked + BEGAN * (Date.now() - asked));
  const initial = { BoundingBox: boxed(small), InitialFaceDetectedTimestamp: Date.now() };
  await first;
  await sent;
  tell({ VideoStartTimestamp: began, InitialFace: initial });
  say("Come nearer, until your face fills the oval.");
  const steady = matchMedia("(prefers-reduced-motion: reduce)").matches;
  await during(GROW_MS, (share) => draw(sized(steady ? 1 : SMALL + (1 - SMALL) * share)));
  say("Hold still.");
  const target = { BoundingBox: boxed(oval), FaceDetectedInTargetPositionStartTimestamp: Date.now() };
  await during(STILL_MS, () => draw(oval));
  if (name === LIGHT) await showColours(told.ColorSequences, oval, (shown) => tell({ ColorDisplayed: shown }));
  target.FaceDetectedInTargetPositionEndTimestamp = Date.now();
  const stopped = heard(recorder, "stop");
  recorder.stop();
  await stopped;
  const ended = Date.now();
  await sent;
  tell({ InitialFace: initial, TargetFace: target, VideoEndTimestamp: ended });
  stream.send("VideoEvent", { VideoChunk: "", TimestampMillis: Date.now() });
  draw(oval);
  say("It is over, and is being looked at.");
}

function conclude([kind, verdict, why]) {
  const result = element("result");
  result.className = `verdict ${kind}`;
  element("verdict").textContent = verdict;
  element("why").textContent = why;
  result.hidden = false;
  result.focus();
}

async function hold(kind) {
  const stage = element("stage"), video = element("seen");
  let camera, stream, verdict;
  element("result").hidden = true;
  try {
    if (!location.hash) throw new Trouble(`This link is not whole: what stands behind # is missing. ${NEW_LINK}`);
    camera = await openCamera();
    video.srcObject = camera;
    await video.play();
    stage.showModal();
    const left = Promise.race([heard(stage, "cancel"), heard(element("stop"), "click"), heard(document, "visibilitychange")])
      .then(() => { throw new Trouble(`You stopped. Nothing more of you is sent. ${NEW_LINK}`); });
    left.catch(() => {});
    say("A moment…");
    stream = openStream(video.videoWidth, video.videoHeight, kind);
    const early = stream.over.then(() => { throw new Trouble(`The service ended it too early. ${NEW_LINK}`); });
    const going = (step) => Promise.race([step, left, early]);
    const [[name, told]] = Object.entries(await going(stream.challenge));
    // From here on the link is spent.
    element("choice").hidden = true;
    if (name !== kind) throw new Trouble(`The service has no way but the other one. ${NEW_LINK}`);
    await going(film(camera, stream, name, told));
    const outcome = await Promise.race([stream.over, left]);
    verdict = OUTCOMES[outcome] ?? OUTCOMES[""];
  } catch (error) {
    verdict = ["no", "It did not come to an end", error instanceof Trouble ? error.message : `${error}. ${NEW_LINK}`];
  }
  stream?.close();
  for (const track of camera?.getTracks() ?? []) track.stop();
  video.srcObject = null;
  stage.close();
  conclude(verdict);
}

element("calm").addEventListener("click", () => hold(CALM));
element("light").addEventListener("click", () => hold(LIGHT));
