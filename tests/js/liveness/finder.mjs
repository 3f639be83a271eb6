// The face finder of AWS's client, as TensorFlow.js reads it: node finder.mjs FOLDER writes model.json and weights.bin.
// The client loads it from AWS where nothing else is named. The package brings the same network for TensorFlow Lite,
// whose operations TensorFlow.js has one by one; numbers come as half floats.
import { readFileSync, writeFileSync } from "node:fs";

const FROM = "./node_modules/@mediapipe/face_detection/face_detection_short_range.tflite";
const data = readFileSync(FROM), view = new DataView(data.buffer, data.byteOffset, data.length);
const [ADD, CONCATENATION, CONV, DEPTHWISE, DEQUANTIZE, MAX_POOL, RELU, RESHAPE, PAD] = [0, 2, 3, 4, 6, 17, 19, 22, 34];

// A table of the file's schema: members by their number (FlatBuffers).
class Table {
  constructor(at) { this.at = at; this.named = at - view.getInt32(at, true); }

  place(member) {
    const offset = 4 + 2 * member;
    const found = offset < view.getUint16(this.named, true) ? view.getUint16(this.named + offset, true) : 0;
    return found && this.at + found;
  }

  number(member, kind) {
    const at = this.place(member);
    return at ? (kind === "b" ? view.getInt8(at) : view.getInt32(at, true)) : 0;
  }

  list(member, read, size) {
    const at = this.place(member);
    if (!at) return [];
    const from = at + view.getUint32(at, true);
    return Array.from({ length: view.getUint32(from, true) }, (_, place) => read(from + 4 + size * place));
  }

  numbers(member) { return this.list(member, (at) => view.getInt32(at, true), 4); }
  tables(member) { return this.list(member, (at) => new Table(at + view.getUint32(at, true)), 4); }

  table(member) {
    const at = this.place(member);
    return new Table(at + view.getUint32(at, true));
  }

  bytes(member) {
    const at = this.place(member), from = at + view.getUint32(at, true);
    return at ? data.subarray(from + 4, from + 4 + view.getUint32(from, true)) : data.subarray(0, 0);
  }
}

function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1, power = (bits >> 10) & 31, rest = bits & 1023;
  return sign * (power ? 2 ** (power - 15) * (1 + rest / 1024) : 2 ** -14 * (rest / 1024));
}

const model = new Table(view.getUint32(0, true));
const codes = model.tables(1).map((each) => Math.max(each.number(0, "b"), each.number(3, "i")));
const graph = model.tables(2)[0], buffers = model.tables(4);
const tensors = graph.tables(0).map((each, place) => ({
  name: `t${place}`, shape: each.numbers(0), type: each.number(1, "b"), bytes: buffers[each.number(2, "I")].bytes(0),
}));

const nodes = [], weights = [], blobs = [];
const list = (...numbers) => ({ list: { i: numbers.map(String) } });
const text = (words) => ({ s: Buffer.from(words).toString("base64") });
const FLOAT = { T: { type: "DT_FLOAT" } };

function constant(name, shape, numbers, dtype) {
  nodes.push({ name, op: "Const", attr: { dtype: { type: dtype === "int32" ? "DT_INT32" : "DT_FLOAT" } } });
  weights.push({ name, shape, dtype });
  blobs.push(Buffer.from(new (dtype === "int32" ? Int32Array : Float32Array)(numbers).buffer));
  return name;
}

// Numbers of a constant: of 16 bits, or whole ones.
function numbersOf({ bytes, type }) {
  const read = { 1: [2, (at) => half(bytes.readUInt16LE(at))], 2: [4, (at) => bytes.readInt32LE(at)],
    0: [4, (at) => bytes.readFloatLE(at)] }[type];
  return Array.from({ length: bytes.length / read[0] }, (_, place) => read[1](place * read[0]));
}

// TensorFlow Lite has (out, height, width, in), TensorFlow (height, width, in, out).
function turned({ shape: [out, height, width, into] }, numbers) {
  const size = height * width * into;
  return numbers.map((_, at) => numbers[(at % out) * size + Math.floor(at / out)]);
}

function node(op, name, input, attr) {
  nodes.push({ name, op, input, attr: { ...FLOAT, ...attr } });
  return name;
}

const known = new Map();
nodes.push({ name: "t0", op: "Placeholder", attr: { dtype: { type: "DT_FLOAT" },
  shape: { shape: { dim: [1, 128, 128, 3].map((size) => ({ size: String(size) })) } } } });
for (const each of graph.tables(3)) {
  const code = codes[each.number(0, "I")], [first, ...rest] = each.numbers(1), [out] = each.numbers(2);
  const { name } = tensors[out], from = tensors[first].name;
  if (code === DEQUANTIZE) {
    known.set(name, numbersOf(tensors[first]));
  } else if (code === CONV || code === DEPTHWISE) {
    const [kernel, bias] = rest.map((place) => tensors[place]), [count, height, width, into] = kernel.shape;
    const values = known.get(kernel.name), options = each.table(4);
    const shape = code === CONV ? [height, width, into, count] : [height, width, into, 1];
    const made = constant(kernel.name, shape, code === CONV ? turned(kernel, values) : values, "float32");
    const strides = list(1, options.number(2, "i"), options.number(1, "i"), 1);
    const attr = { strides, dilations: list(1, 1, 1, 1), data_format: text("NHWC"),
      padding: text(options.number(0, "b") === 0 ? "SAME" : "VALID") };
    node(code === CONV ? "Conv2D" : "DepthwiseConv2dNative", `${name}/bare`, [from, made], attr);
    const added = constant(bias.name, bias.shape, known.get(bias.name), "float32");
    node("BiasAdd", name, [`${name}/bare`, added], { data_format: text("NHWC") });
  } else if (code === ADD) {
    node("AddV2", name, [from, tensors[rest[0]].name]);
  } else if (code === RELU) {
    node("Relu", name, [from]);
  } else if (code === MAX_POOL) {
    node("MaxPool", name, [from], { ksize: list(1, 2, 2, 1), strides: list(1, 2, 2, 1), padding: text("SAME"),
      data_format: text("NHWC") });
  } else if (code === PAD) {
    const pads = numbersOf(tensors[rest[0]]);
    node("Pad", name, [from, constant(`${name}/pads`, [4, 2], pads, "int32")], { Tpaddings: { type: "DT_INT32" } });
  } else if (code === RESHAPE) {
    const { shape } = tensors[out];
    node("Reshape", name, [from, constant(`${name}/shape`, [shape.length], shape, "int32")],
      { Tshape: { type: "DT_INT32" } });
  } else if (code === CONCATENATION) {
    joined(name, [first, ...rest].map((place) => tensors[place].name), 1);
  } else {
    throw new Error(`operation ${code} is not known here`);
  }
}

function joined(name, parts, axis) {
  const along = constant(`${name}/axis`, [], [axis], "int32");
  node("ConcatV2", name, [...parts, along], { N: { i: String(parts.length) }, Tidx: { type: "DT_INT32" } });
}

// The client reads one answer, by this name: the score, then the box and the points.
const [boxes, scores] = graph.numbers(2).map((place) => tensors[place].name);
joined("Identity", [scores, boxes], 2);
const folder = process.argv[2];
writeFileSync(`${folder}/weights.bin`, Buffer.concat(blobs));
writeFileSync(`${folder}/model.json`, JSON.stringify({ format: "graph-model", generatedBy: "finder.mjs",
  modelTopology: { node: nodes, versions: { producer: 1 } },
  weightsManifest: [{ paths: ["weights.bin"], weights }] }));
