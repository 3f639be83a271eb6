"""A detector of one's own joined to the networks below it, as one ONNX file that runs without this software."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import TensorProto, compose, helper, numpy_helper

from regard.vision.heads.box_head import CELLS, MOST, MOST_SHIFT, OVERLAP, BoxHead
from regard.vision.heads.scenes import MODEL
from regard.vision.models.conversion import from_tflite
from regard.vision.models.runtime import changed
from regard.vision.models.weights import Weights
from regard.vision.things.alone import renamed
from regard.vision.things.anchors import anchors
from regard.vision.things.candidates import (
    AROUND,
    CROP,
    DETECTOR,
    LAST,
    LAYERS,
    LEAST_PROPOSAL,
    MEAN,
    MOST_PROPOSALS,
    SPREAD,
    THINNED,
    cells,
)
from regard.vision.things.objects import SIDE

LINES = """\
import json
import sys
import numpy as np, onnxruntime
from PIL import Image, ImageOps

model = onnxruntime.InferenceSession("{file}", providers=["CPUExecutionProvider"])
labels = json.loads(model.get_modelmeta().custom_metadata_map["labels"])
picture = ImageOps.exif_transpose(Image.open(sys.argv[1])).convert("RGB")
small = picture.resize(({side}, {side}), Image.Resampling.BILINEAR, reducing_gap=2.0)
given = {{"picture": np.asarray(picture), "small": np.asarray(small)[None]}}
for box, label, score in zip(*model.run(None, given)):
    print(labels[label]["name"], f"{{100 * score:.1f}}", *(f"{{side:.4f}}" for side in box), sep="\\t")
"""
_WIDTH, _SCORES = 1280, 90
# Proposals that are thinned out, as many times as are kept.
_AMONG = 20 * MOST_PROPOSALS


def lines(file: str) -> str:
    """Twelve lines of Python that ask the file of one picture: a label, its score and left, top, width and height a
    line. They take numpy, onnxruntime and Pillow.
    """
    return LINES.format(file=file, side=SIDE)


def alone(weights: Weights, head: BoxHead, manifest: Mapping[str, Any]) -> bytes:
    """The networks and the head, from `picture` (H, W, 3) and `small` (1, S, S, 3), both uint8 RGB, to `boxes` (n, 4),
    left, top, width, height in ratios, `labels` (n) and `scores` (n), from each label's threshold on.

    `manifest` is the head's; its labels and thresholds are in the file. Raises WeightsError for weights that are not
    here, and ValueError for a head over others.
    """
    digest = weights.digest(DETECTOR)
    if manifest["base"].get("sha256") != digest or weights.digest(MODEL) not in manifest["base"]["layer"]:
        raise ValueError(f"The head was made on other weights than {DETECTOR} of {digest}. Train it again.")
    way = manifest["way"]
    drawn = _Drawn()
    taps = LAYERS if way == CELLS else ()
    found = drawn.join(from_tflite(weights.read(DETECTOR), taps), "d/", drawn("Cast", "small", to=TensorProto.FLOAT))
    boxes, features = _cells(drawn, found[2:]) if way == CELLS else _proposals(drawn, weights, *found[:2])
    limits = np.array([each["threshold"] for each in manifest["labels"]], np.float32)
    _told(drawn, boxes, drawn("Cast", features, to=TensorProto.FLOAT), head, limits)
    return drawn.file(manifest)


class _Drawn:
    """A graph as it is drawn: called with an operation and names of values, it gives the name of what comes of it."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._tensors: dict[str, Any] = {}
        self._count = 0

    def __call__(self, kind: str, *inputs: str | ArrayLike, outputs: int = 1, **attributes: Any) -> Any:
        names = [each if isinstance(each, str) else self._constant(each) for each in inputs]
        made = [self._name() for _ in range(outputs)]
        self._nodes.append(helper.make_node(kind, names, made, **attributes))
        return made[0] if outputs == 1 else made

    def call(self, name: str, value: str) -> None:
        """Call a value by this name."""
        self._nodes.append(helper.make_node("Identity", [value], [name]))

    def join(self, data: bytes, prefix: str, given: str) -> list[str]:
        """Add the graph of a file whose one input is `given`; its outputs."""
        model = compose.add_prefix(onnx.load_from_string(data), prefix)
        taken = {each.name for each in model.graph.initializer}
        (begin,) = (each.name for each in model.graph.input if each.name not in taken)
        self._nodes.append(helper.make_node("Identity", [given], [begin]))
        self._nodes.extend(model.graph.node)
        self._tensors |= {each.name: each for each in model.graph.initializer}
        return [each.name for each in model.graph.output]

    def file(self, manifest: Mapping[str, Any]) -> bytes:
        """The bytes of the file."""
        graph = helper.make_graph(
            self._nodes,
            "own-boxes",
            [
                helper.make_tensor_value_info("picture", TensorProto.UINT8, ["height", "width", 3]),
                helper.make_tensor_value_info("small", TensorProto.UINT8, [1, SIDE, SIDE, 3]),
            ],
            [
                helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["n", 4]),
                helper.make_tensor_value_info("labels", TensorProto.INT64, ["n"]),
                helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n"]),
            ],
            list(self._tensors.values()),
        )
        renamed(graph, "own-boxes")
        model = helper.make_model(
            graph, producer_name="regard", ir_version=9, opset_imports=[helper.make_opsetid("", 17)]
        )
        helper.set_model_props(model, {"labels": json.dumps(manifest["labels"], ensure_ascii=False)})
        return bytes(model.SerializeToString(deterministic=True))

    def _constant(self, value: ArrayLike) -> str:
        name, array = self._name(), np.asarray(value)
        array = array.astype(np.float32) if array.dtype.kind == "f" else array.astype(np.int64)
        self._tensors[name] = numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
        return name

    def _name(self) -> str:
        self._count += 1
        return f"own_{self._count}"


def _part(drawn: _Drawn, value: str, begin: int, end: int) -> str:
    """Columns of (n, m)."""
    return str(drawn("Slice", value, [begin], [end], [1]))


def _corners(drawn: _Drawn, middles: str, sides: str) -> tuple[str, str]:
    """Where boxes begin and end, by their middles and sides (n, 2), at the picture's edges at the furthest."""
    half = drawn("Mul", sides, 0.5)
    begin = drawn("Clip", drawn("Sub", middles, half), 0.0, 1.0)
    return begin, drawn("Clip", drawn("Add", middles, half), 0.0, 1.0)


def _proposals(drawn: _Drawn, weights: Weights, scores: str, told: str) -> tuple[str, str]:
    """As `candidates.Seeker` comes by proposals: boxes (n, 4), left, top, width, height, and features (n, d)."""
    scores, told = (drawn("Squeeze", each, [0]) for each in (scores, told))
    best = drawn("ReduceMax", scores, axes=[1], keepdims=0)
    surest, places = drawn("TopK", best, [_AMONG], axis=0, outputs=2)
    around = drawn("Gather", anchors(SIDE), places)
    told = drawn("Gather", told, places)
    sides = drawn("Mul", drawn("Exp", _part(drawn, told, 2, 4)), _part(drawn, around, 2, 4))
    middles = drawn(
        "Add", drawn("Mul", _part(drawn, told, 0, 2), _part(drawn, around, 2, 4)), _part(drawn, around, 0, 2)
    )
    # Down before across, as the network tells it.
    begin, end = _corners(drawn, middles, sides)
    least = drawn("Sub", drawn("Min", drawn("ReduceMax", surest, keepdims=1), [LEAST_PROPOSAL]), [1e-7])
    picked = drawn(
        "NonMaxSuppression",
        drawn("Unsqueeze", drawn("Concat", begin, end, axis=1), [0]),
        drawn("Unsqueeze", surest, [0, 1]),
        [MOST_PROPOSALS],
        [THINNED],
        least,
    )
    picked = drawn("Squeeze", _part(drawn, picked, 2, 3), [1])
    begin, end, places = (drawn("Gather", each, picked) for each in (begin, end, places))
    begin, end = (drawn("Gather", each, [1, 0], axis=1) for each in (begin, end))
    sides, size = drawn("Sub", end, begin), _size(drawn)
    large = drawn("ReduceMin", drawn("Mul", sides, size), axes=[1], keepdims=0)
    kept = drawn("GreaterOrEqual", large, 1.0)
    begin, sides, places = (drawn("Compress", each, kept, axis=0) for each in (begin, sides, places))
    seen = _crops(drawn, weights, begin, sides, size)
    roots = drawn("Sqrt", drawn("Gather", scores, places))
    features = drawn("Cast", drawn("Concat", seen, roots, axis=1), to=TensorProto.FLOAT16)
    return drawn("Concat", begin, sides, axis=1), features


def _size(drawn: _Drawn) -> str:
    """Width and height of the picture, (2,)."""
    shape = drawn("Gather", drawn("Shape", "picture"), [1, 0])
    return str(drawn("Cast", shape, to=TensorProto.FLOAT))


def _crops(drawn: _Drawn, weights: Weights, begin: str, sides: str, size: str) -> str:
    """What the classifier sees of boxes, a little wider, at length 1: (n, 1280)."""
    middles = drawn("Add", begin, drawn("Mul", sides, 0.5))
    first, last = _corners(drawn, middles, drawn("Mul", sides, AROUND))
    corners = [drawn("Floor", drawn("Mul", first, size)), drawn("Ceil", drawn("Mul", last, size))]
    batch = drawn("Unsqueeze", drawn("Transpose", drawn("Cast", "picture", to=TensorProto.FLOAT), perm=[2, 0, 1]), [0])
    none = drawn("Cast", drawn("Mul", drawn("ReduceMin", sides, axes=[1], keepdims=0), 0.0), to=TensorProto.INT64)
    crops = drawn(
        "RoiAlign",
        batch,
        drawn("Concat", *corners, axis=1),
        none,
        output_height=CROP,
        output_width=CROP,
        sampling_ratio=1,
        coordinate_transformation_mode="half_pixel",
    )
    numbers = drawn("Div", drawn("Sub", drawn("Round", crops), MEAN), SPREAD)
    network = _of_any_number(changed(weights.read(MODEL), (-1, CROP, CROP, 3), (LAST,)))
    seen = drawn.join(network, "c/", drawn("Transpose", numbers, perm=[0, 2, 3, 1]))[1]
    root = drawn("Sqrt", drawn("Relu", drawn("Reshape", seen, [-1, _WIDTH])))
    length = drawn("Sqrt", drawn("ReduceSum", drawn("Mul", root, root), [1], keepdims=1))
    return str(drawn("Div", root, drawn("Max", length, 1e-9)))


def _of_any_number(data: bytes) -> bytes:
    """The classifier for any number of pictures at once: where it makes one row of its numbers, as many as come."""
    model = onnx.load_from_string(data)
    shapes = {node.input[1] for node in model.graph.node if node.op_type == "Reshape"}
    for each in model.graph.initializer:
        if each.name in shapes:
            shape = numpy_helper.to_array(each).copy()
            shape[0] = -1
            each.CopyFrom(numpy_helper.from_array(shape, each.name))
    return bytes(model.SerializeToString())


def _cells(drawn: _Drawn, maps: list[str]) -> tuple[str, str]:
    """As `candidates.cells` has them of maps: boxes (n, 4) and features (n, d)."""
    levels = len(maps) // 2
    boxes, ranks = cells([(-(-SIDE // 2**level),) * 2 for level in range(3, 3 + levels)])
    seen = []
    for level in range(levels):
        both = drawn("Concat", maps[level], maps[levels + level], axis=1)
        seen.append(drawn("Squeeze", drawn("Reshape", both, [1, 0, -1]), [0]))
    numbers = drawn("Transpose", drawn("Concat", *seen, axis=1), perm=[1, 0])
    features = drawn("Concat", numbers, np.eye(levels, dtype=np.float32)[ranks], axis=1)
    return drawn("Identity", boxes), drawn("Cast", features, to=TensorProto.FLOAT16)


def _told(drawn: _Drawn, boxes: str, features: str, head: BoxHead, limits: np.ndarray[Any, Any]) -> None:
    """As `BoxHead` tells boxes from `limits` on."""
    scores = drawn("Sigmoid", drawn("Gemm", features, head.weights, head.offsets))
    moves = drawn("Gemm", features, head.shifts, head.places)
    begin, size = _part(drawn, boxes, 0, 2), _part(drawn, boxes, 2, 4)
    grown = drawn("Exp", drawn("Clip", _part(drawn, moves, 2, 4), -MOST_SHIFT, MOST_SHIFT))
    middles = drawn("Add", begin, drawn("Mul", size, drawn("Add", _part(drawn, moves, 0, 2), 0.5)))
    first, last = _corners(drawn, middles, drawn("Mul", size, grown))
    told = drawn("Where", drawn("GreaterOrEqual", scores, limits), scores, 0.0)
    # What has no score is told of nothing.
    picked = drawn(
        "NonMaxSuppression",
        drawn("Unsqueeze", drawn("Concat", first, last, axis=1), [0]),
        drawn("Unsqueeze", drawn("Transpose", told, perm=[1, 0]), [0]),
        [MOST],
        [OVERLAP],
        [0.0],
    )
    kinds, places = (drawn("Squeeze", _part(drawn, picked, *each), [1]) for each in ((1, 2), (2, 3)))
    each = drawn("GatherND", told, drawn("Gather", picked, [2, 1], axis=1))
    number = drawn("Min", drawn("Shape", each), [MOST])
    surest, order = drawn("TopK", each, number, axis=0, outputs=2)
    whole = drawn("Concat", first, drawn("Sub", last, first), axis=1)
    drawn.call("boxes", drawn("Gather", whole, drawn("Gather", places, order)))
    drawn.call("labels", drawn("Gather", kinds, order))
    drawn.call("scores", surest)


def head_of(data: bytes) -> BoxHead:
    """The head in a file that `detector_file` made. Raises KeyError for one of another kind."""
    tensors = {each.name: each for each in onnx.load_model_from_string(data).graph.initializer}
    names = ("weights", "offsets", "shifts", "places")
    return BoxHead(*(np.asarray(numpy_helper.to_array(tensors[name]), np.float32) for name in names))
