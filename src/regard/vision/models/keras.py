"""Conversion of Keras files (HDF5) into ONNX, for the layers that our models have; made each time one is loaded."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from regard.vision.models.conversion import ConversionError, as_file
from regard.vision.models.model_file import ModelFile

Array = NDArray[Any]
Layer = dict[str, Any]
Node = tuple[str, dict[str, Any], dict[str, Array]]


def from_keras(file: ModelFile) -> bytes:
    """The Keras model as ONNX, with one input (1, H, W, C) and one output.

    Raises ConversionError for a layer that none of our models has.
    """
    import h5py

    with h5py.File(io.BytesIO(file.data)) as read:
        layers = json.loads(read.attrs["model_config"])["config"]["layers"]
        weights = {layer["name"]: _weights(read["model_weights"][layer["name"]]) for layer in layers}
    sides = layers[0]["config"]["batch_input_shape"][1:]
    # Keras puts channels last, ONNX second.
    nodes = [helper.make_node("Transpose", ["input"], [layers[0]["name"]], perm=[0, 3, 1, 2])]
    constants: list[onnx.TensorProto] = []
    for layer in layers[1:]:
        sources = [source[0] for source in layer["inbound_nodes"][0]]
        for part, (kind, options, inputs) in enumerate(steps := _steps(layer, weights[layer["name"]])):
            last = part == len(steps) - 1
            name = layer["name"] if last else f"{layer['name']}/{part}"
            named = {f"{name}/{role}": numbers for role, numbers in inputs.items()}
            constants += [numpy_helper.from_array(np.ascontiguousarray(each), key) for key, each in named.items()]
            nodes.append(helper.make_node(kind, [*sources, *named], [name], name=name, **options))
            sources = [name]
    outputs = [helper.make_tensor_value_info(nodes[-1].output[0], onnx.TensorProto.FLOAT, [1, None])]
    given = [helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, [1, *sides])]
    return as_file(helper.make_graph(nodes, file.label, given, outputs, constants), 17)


def _weights(group: Any) -> dict[str, Array]:
    found: dict[str, Array] = {}

    def take(name: str, each: Any) -> None:
        if hasattr(each, "shape"):
            found[name.rpartition("/")[2].partition(":")[0]] = each[()]

    group.visititems(take)
    return found


def _steps(layer: Layer, weights: dict[str, Array]) -> list[Node]:
    rule = _RULES.get(layer["class_name"])
    if rule is None:
        raise ConversionError(f"The model has the layer {layer['class_name']}, which is not converted.")
    return rule(layer["config"], weights)


def _convolution(options: dict[str, Any], weights: dict[str, Array]) -> list[Node]:
    kernel = weights["kernel"].transpose(3, 2, 0, 1)
    return _convolved(options, kernel, 1)


def _depthwise(options: dict[str, Any], weights: dict[str, Array]) -> list[Node]:
    kernel = weights["depthwise_kernel"].transpose(2, 3, 0, 1)
    return _convolved(options, kernel, kernel.shape[0])


def _convolved(options: dict[str, Any], kernel: Array, groups: int) -> list[Node]:
    if options["use_bias"] or options["activation"] != "linear" or options["dilation_rate"] != [1, 1]:
        raise ConversionError("The model has a convolution with a bias, an activation or gaps: none is converted.")
    if options["padding"] == "same" and options["strides"] != [1, 1]:
        raise ConversionError("The model pads a convolution with strides by itself, which is not converted.")
    edge = kernel.shape[2] // 2 if options["padding"] == "same" else 0
    given = {"strides": options["strides"], "pads": [edge] * 4, "group": groups}
    return [("Conv", given, {"weights": kernel})]


def _normalised(options: dict[str, Any], weights: dict[str, Array]) -> list[Node]:
    named = {role: weights[role] for role in ("gamma", "beta", "moving_mean", "moving_variance")}
    return [("BatchNormalization", {"epsilon": options["epsilon"]}, named)]


def _padded(options: dict[str, Any], _: dict[str, Array]) -> list[Node]:
    (top, bottom), (left, right) = options["padding"]
    return [("Pad", {}, {"pads": np.array([0, 0, top, left, 0, 0, bottom, right], np.int64)})]


def _bounded(options: dict[str, Any], _: dict[str, Array]) -> list[Node]:
    return [("Clip", {}, {"least": np.array(0, np.float32), "most": np.array(options["max_value"], np.float32)})]


def _averaged(options: dict[str, Any], _: dict[str, Array]) -> list[Node]:
    return [("AveragePool", {"kernel_shape": options["pool_size"], "strides": options["strides"]}, {})]


def _dense(options: dict[str, Any], weights: dict[str, Array]) -> list[Node]:
    activations: dict[str, Node] = {"relu": ("Relu", {}, {}), "softmax": ("Softmax", {"axis": 1}, {})}
    activation = activations[options["activation"]]
    return [("Gemm", {}, {"kernel": weights["kernel"], "bias": weights["bias"]}), activation]


_RULES: dict[str, Callable[[dict[str, Any], dict[str, Array]], list[Node]]] = {
    "Conv2D": _convolution,
    "DepthwiseConv2D": _depthwise,
    "BatchNormalization": _normalised,
    "ZeroPadding2D": _padded,
    "ReLU": _bounded,
    "AveragePooling2D": _averaged,
    "Dense": _dense,
    "Add": lambda _options, _weights: [("Add", {}, {})],
    # After an average over the whole map, where the order of channels and places does not matter.
    "Flatten": lambda _options, _weights: [("Flatten", {}, {})],
    "Dropout": lambda _options, _weights: [("Identity", {}, {})],
}
