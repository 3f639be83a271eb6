"""A head of one's own joined to the network below it, as one ONNX file that runs without this software."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from regard.vision.heads.scenes import CELLS, LAYERS, MODEL
from regard.vision.models.runtime import changed
from regard.vision.models.weights import Weights
from regard.vision.things.features import INNER
from regard.vision.things.labels import MEAN, SIDE, SPREAD

LINES = """\
import json
import sys
import numpy as np, onnxruntime
from PIL import Image, ImageOps

model = onnxruntime.InferenceSession("{file}", providers=["CPUExecutionProvider"])
labels = json.loads(model.get_modelmeta().custom_metadata_map["labels"])
picture = ImageOps.exif_transpose(Image.open(sys.argv[1])).convert("RGB")
seen = np.asarray(picture.resize(({side}, {side}), Image.Resampling.BICUBIC, reducing_gap=3.0))[None]
for label, score in zip(labels, model.run(None, {{"picture": seen}})[0][0]):
    print(f"{{label['name']}}\\t{{100 * score:.1f}}" + ("\\ttold" if score >= label["threshold"] else ""))
"""


def lines(file: str) -> str:
    """Ten lines of Python that ask the file of one picture; they take numpy, onnxruntime and Pillow."""
    return LINES.format(file=file, side=SIDE)


def alone(weights: Weights, head: bytes, manifest: Mapping[str, Any]) -> bytes:
    """The network, what is read of it and the head, from `picture` (1, S, S, 3) uint8 RGB to `scores` (1, labels).

    `manifest` is the head's; its labels and thresholds are in the file. Raises WeightsError for weights that are not
    here, and ValueError for a head over others.
    """
    digest = weights.digest(MODEL)
    if manifest["base"].get("sha256") != digest:
        raise ValueError(f"The head was made on other weights than {MODEL} of {digest}. Train it again.")
    network = onnx.load_from_string(changed(weights.read(MODEL), (1, SIDE, SIDE, 3), LAYERS))
    body, top = _reading(network), onnx.load_from_string(head)
    body.ir_version = top.ir_version = max(body.ir_version, top.ir_version)
    # What the head is made of is the same in both.
    top.opset_import[0].version = body.opset_import[0].version
    joined = compose.merge_models(body, top, [("own_features", "features")])
    while len(joined.graph.output) > 1:
        joined.graph.output.remove(next(each for each in joined.graph.output if each.name != "scores"))
    helper.set_model_props(joined, {"labels": json.dumps(manifest["labels"], ensure_ascii=False)})
    joined.producer_name = "regard"
    renamed(joined.graph, "own-labels")
    return bytes(joined.SerializeToString(deterministic=True))


def _reading(network: Any) -> Any:
    """The network from a picture as it is to features, as `features.lengthened` has them of `scenes.numbers`."""
    graph = network.graph
    taken = {each.name for each in graph.initializer}
    given = next(each for each in graph.input if each.name not in taken)
    inner, last = (each.name for each in list(graph.output)[-2:])
    constants = {
        "own_mean": np.float32(MEAN), "own_spread": np.float32(SPREAD), "own_least": np.float32(1e-9),
        "own_half": np.float32(INNER), "own_cells": _cells(SIDE // 16), "own_flat": np.array([1, -1], np.int64),
        "own_grid": np.array([1, 0, -1], np.int64), "own_axis": np.array([1], np.int64),
    }  # fmt: skip
    before = [
        helper.make_node("Cast", ["picture"], ["own_numbers"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["own_numbers", "own_mean"], ["own_centred"]),
        helper.make_node("Div", ["own_centred", "own_spread"], [given.name]),
    ]
    after = [
        helper.make_node("Reshape", [inner, "own_grid"], ["own_places"]),
        helper.make_node("MatMul", ["own_places", "own_cells"], ["own_means"]),
        helper.make_node("Transpose", ["own_means"], ["own_turned"], perm=[0, 2, 1]),
        helper.make_node("Reshape", ["own_turned", "own_flat"], ["own_inner"]),
        helper.make_node("Reshape", [last, "own_flat"], ["own_last"]),
        helper.make_node("Relu", ["own_last"], ["own_positive"]),
        helper.make_node("Sqrt", ["own_positive"], ["own_roots"]),
        *_even("own_inner", "own_even_inner"),
        helper.make_node("Mul", ["own_even_inner", "own_half"], ["own_short_inner"]),
        *_even("own_roots", "own_even_last"),
        helper.make_node("Concat", ["own_short_inner", "own_even_last"], ["own_features"], axis=1),
    ]
    nodes = [*before, *graph.node, *after]
    graph.input.remove(given)
    graph.input.append(helper.make_tensor_value_info("picture", TensorProto.UINT8, [1, SIDE, SIDE, 3]))
    del graph.node[:], graph.output[:]
    graph.node.extend(nodes)
    graph.initializer.extend(numpy_helper.from_array(np.asarray(each), name) for name, each in constants.items())
    graph.output.append(helper.make_tensor_value_info("own_features", TensorProto.FLOAT, None))
    return network


def renamed(graph: Any, called: str) -> None:
    """Call a graph so, and what is in it by its order: conversion gives other names each time, and the file is to be
    the same.
    """
    kept = {each.name for each in (*graph.input, *graph.output)}
    names: dict[str, str] = {name: name for name in kept} | {"": ""}
    graph.name = called
    del graph.value_info[:]
    for place, node in enumerate(graph.node):
        node.name = f"n{place}"
        for values in (node.input, node.output):
            for at, name in enumerate(values):
                values[at] = names.setdefault(name, f"v{len(names)}")
    for each in graph.initializer:
        each.name = names.get(each.name, each.name)
    # Their order is that of the names they had.
    tensors = sorted(graph.initializer, key=lambda each: (len(each.name), each.name))
    del graph.initializer[:]
    graph.initializer.extend(tensors)


def _even(name: str, to: str) -> list[Any]:
    """Numbers at length 1."""
    return [
        helper.make_node("Mul", [name, name], [f"{name}_squares"]),
        helper.make_node("ReduceSum", [f"{name}_squares", "own_axis"], [f"{name}_sum"], keepdims=1),
        helper.make_node("Sqrt", [f"{name}_sum"], [f"{name}_length"]),
        helper.make_node("Max", [f"{name}_length", "own_least"], [f"{name}_above"]),
        helper.make_node("Div", [name, f"{name}_above"], [to]),
    ]


def _cells(side: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """What takes places, row by row, to the mean of each cell: (side², cells)."""
    parts = np.array_split(np.arange(side), CELLS)
    found = np.zeros((side, side, CELLS * CELLS), np.float32)
    for row, down in enumerate(parts):
        for column, across in enumerate(parts):
            found[down[0] : down[-1] + 1, across[0] : across[-1] + 1, row * CELLS + column] = 1 / (
                len(down) * len(across)
            )
    return found.reshape(side * side, -1)
