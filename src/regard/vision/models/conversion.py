"""Conversion of model files into plain float32 ONNX, which every runtime reads; made each time one is loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from regard.vision.models.model_file import ModelFile
from regard.vision.models.runtime import opened_openvino, tapped

Array = NDArray[Any]


class ConversionError(ValueError):
    """A model file holds something that its conversion does not know; the text names it."""


def fold(file: ModelFile) -> bytes:
    """The ONNX model with its quantised constants written out as float32.

    Block quantisation is undone as ONNX's DequantizeLinear (version 21) says: (q − zero point) · scale, each
    scale and zero point holding for `block_size` numbers along `axis`. ONNX Runtime refuses some of these
    files as they come, because their block size does not divide the axis; a last block may be short here.
    """
    model = onnx.load_from_string(file.data)
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    kept = []
    for node in graph.node:
        known = [numpy_helper.to_array(constants[name]) for name in node.input if name in constants]
        rule = _FOLDED.get(node.op_type)
        if rule is None or len(known) < len(node.input):
            kept.append(node)
            continue
        options = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        constants[node.output[0]] = numpy_helper.from_array(rule(known, options), node.output[0])
    used = {name for node in kept for name in node.input}
    inputs = [each for each in graph.input if each.name in used and each.name not in constants]
    body = helper.make_graph(
        kept, graph.name, inputs, graph.output, [each for name, each in constants.items() if name in used]
    )
    return as_file(body, model.opset_import[0].version)


def _dequantised(inputs: list[Array], options: dict[str, Any]) -> Array:
    numbers, scale, zero = inputs
    axis, block = options.get("axis", 1), options.get("block_size", 0)
    if block:
        length = range(numbers.shape[axis])
        scale, zero = (np.repeat(each, block, axis).take(length, axis) for each in (scale, zero))
    elif scale.ndim == 1:
        shape = [-1 if each == axis else 1 for each in range(numbers.ndim)]
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    return ((numbers.astype(np.float32) - zero.astype(np.float32)) * scale).astype(np.float32)


def _reshaped(inputs: list[Array], _: dict[str, Any] | None = None) -> Array:
    """Both ONNX and OpenVINO write 0 for a side that stays as it is."""
    numbers, shape = inputs
    return numbers.reshape([numbers.shape[at] if side == 0 else side for at, side in enumerate(shape)])


_FOLDED: dict[str, Callable[[list[Array], dict[str, Any]], Array]] = {
    "DequantizeLinear": _dequantised,
    "Reshape": _reshaped,
}


def from_tflite(file: ModelFile, taps: Sequence[str] = ()) -> bytes:
    """The TensorFlow Lite model as ONNX, with the same inputs and outputs in the same order, and then those of the
    layers that `taps` name, as `Runtime.load` has them.

    OpenVINO reads the file, moves channels to the front and resolves the paddings; its graph is then written
    down operation by operation. Raises ConversionError for an operation that none of our models has.
    """
    with file.on_disk() as path:
        graph = opened_openvino().Core().read_model(path)
    operations = [(each.get_type_name(), each.output(0)) for each in graph.get_ordered_ops() if each.get_output_size()]
    results = [each.input(0).get_source_output() for each in graph.get_results()]
    results += [tapped(operations, tap, file) for tap in taps]
    known: dict[str, Array] = {}
    nodes: list[onnx.NodeProto] = []
    for node in graph.get_ordered_ops():
        name, kind = node.get_friendly_name(), node.get_type_name()
        sources = [each.get_source_output().get_node().get_friendly_name() for each in node.inputs()]
        if kind == "Constant":
            known[name] = np.array(node.data)
        elif sources and all(each in known for each in sources):
            known[name] = _constant(kind, [known[each] for each in sources])
        elif kind == "FakeQuantize":
            nodes += _quantised(name, sources, known, node.get_attributes()["levels"])
        elif kind not in ("Parameter", "Result"):
            given = node.get_attributes() | {"input": list(node.input(0).get_shape())}
            operation, options, inputs = _operation(kind, given, sources, known)
            nodes.append(helper.make_node(operation, inputs, [name], name=name, **options))
    used = {name for node in nodes for name in node.input}
    body = helper.make_graph(
        nodes,
        file.label,
        [_value(each.get_node().get_friendly_name(), each) for each in graph.inputs],
        [_value(each.get_node().get_friendly_name(), each) for each in results],
        [numpy_helper.from_array(np.ascontiguousarray(each), name) for name, each in known.items() if name in used],
    )
    return as_file(body, 17)


def _quantised(name: str, inputs: list[str], known: dict[str, Array], levels: int) -> list[onnx.NodeProto]:
    """Numbers that are taken to one of 256 steps, from and to the ranges that the last four inputs say.

    Written as plain arithmetic: of ONNX's own quantisation ONNX Runtime makes integer convolutions, which took the
    object detector's scores to others (a correlation of 0.76 with OpenVINO's, against 0.99 so).
    """
    low, high, least, most = (float(known[each].ravel()[0]) for each in inputs[1:])
    if levels != 256 or any(known[each].size > 1 for each in inputs[1:]):
        raise ConversionError(
            "The model has numbers of other than 8 bits, or a scale a channel, which is not converted."
        )
    step, to = (high - low) / (levels - 1), (most - least) / (levels - 1)
    numbers = {"low": low, "high": high, "step": step, "to": to, "from": least - round(low / step) * to}
    known |= {f"{name}/{each}": np.array(number, np.float32) for each, number in numbers.items()}
    nodes = [("Clip", ["low", "high"]), ("Div", ["step"]), ("Round", []), ("Mul", ["to"]), ("Add", ["from"])]
    made, given = [], inputs[0]
    for place, (kind, others) in enumerate(nodes):
        to_name = name if place == len(nodes) - 1 else f"{name}/{place}"
        made.append(helper.make_node(kind, [given, *(f"{name}/{each}" for each in others)], [to_name], name=to_name))
        given = to_name
    return made


def _value(name: str, place: Any) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, list(place.get_partial_shape().to_shape()))


def _constant(kind: str, inputs: list[Array]) -> Array:
    rules: dict[str, Callable[..., Array]] = {
        "Convert": lambda numbers: numbers.astype(np.float32),
        "Multiply": np.multiply,
        "Subtract": np.subtract,
        "Reshape": lambda *given: _reshaped(list(given)),
        "Transpose": np.transpose,
        "Unsqueeze": lambda numbers, axes: np.expand_dims(numbers, tuple(np.atleast_1d(axes).tolist())),
    }
    if kind not in rules:
        raise ConversionError(f"The model has the operation {kind} on constants, which is not converted.")
    return rules[kind](*inputs)


def _operation(
    kind: str, given: dict[str, Any], inputs: list[str], known: dict[str, Array]
) -> tuple[str, dict[str, Any], list[str]]:
    """One operation of OpenVINO's graph in ONNX's words: its name, its attributes and its inputs.

    `given` are its attributes, and as `input` the shape of its first input.
    """
    options: dict[str, Any] = {}
    if kind in ("Convolution", "GroupConvolution", "MaxPool"):
        options = {
            "strides": list(given["strides"]),
            "dilations": list(given["dilations"]),
            "pads": [*given["pads_begin"], *given["pads_end"]],
        }
    if kind == "MaxPool":
        return "MaxPool", options | {"kernel_shape": list(given["kernel"])}, inputs
    if kind == "Convolution" and inputs[1] not in known:
        raise ConversionError("The model has a convolution whose weights are computed, which is not converted.")
    if kind == "Convolution":
        return "Conv", options, inputs
    if kind == "GroupConvolution":
        weights = known[inputs[1]]
        flat = f"{inputs[1]}/flat"
        known[flat] = weights.reshape(-1, *weights.shape[2:])
        return "Conv", options | {"group": weights.shape[0]}, [inputs[0], flat]
    if kind == "PRelu":
        # ONNX lines slopes up with the last axis; OpenVINO with the channels, when there is one a channel.
        slopes = known[inputs[1]]
        flat = f"{inputs[1]}/slopes"
        known[flat] = slopes.reshape(-1, 1, 1)
        return "PRelu", {}, [inputs[0], flat]
    if kind == "Transpose":
        return "Transpose", {"perm": known[inputs[1]].tolist()}, inputs[:1]
    if kind == "ReduceMean":
        return (
            "ReduceMean",
            {"axes": known[inputs[1]].tolist(), "keepdims": int(given["keep_dims"])},
            inputs[:1],
        )
    if kind == "Pad":
        both = f"{inputs[1]}/{inputs[2]}"
        known[both] = np.concatenate([known[inputs[1]], known[inputs[2]]]).astype(np.int64)
        return "Pad", {"mode": given["pad_mode"]}, [inputs[0], both]
    if kind == "Reshape":
        known[inputs[1]] = known[inputs[1]].astype(np.int64)
        return "Reshape", {}, inputs
    if kind == "Softmax":
        return "Softmax", {"axis": int(given["axis"])}, inputs
    if kind == "Clamp":
        ends = [f"{inputs[0]}/{end}" for end in ("min", "max")]
        known.update({name: np.array(given[end], np.float32) for name, end in zip(ends, ("min", "max"), strict=True)})
        return "Clip", {}, [inputs[0], *ends]
    if kind == "Convert":
        # Pictures of bytes, which are given as float32 here.
        return "Identity", {}, inputs
    if kind == "Interpolate":
        return "Resize", *_resized(given, inputs, known)
    if kind == "Concat":
        return "Concat", {"axis": int(given["axis"])}, inputs
    if kind == "AvgPool" and list(given["kernel"]) == given["input"][2:]:
        # Over all places, however many: so the network takes larger pictures, too.
        return "GlobalAveragePool", {}, inputs
    if kind == "MatMul" and len(given["input"]) == 2:
        return "Gemm", {"transA": int(given["transpose_a"]), "transB": int(given["transpose_b"])}, inputs
    if kind in ("Add", "Relu", "Sigmoid"):
        return kind, {}, inputs
    raise ConversionError(f"The model has the operation {kind}, which is not converted.")


def _resized(given: dict[str, Any], inputs: list[str], known: dict[str, Array]) -> tuple[dict[str, Any], list[str]]:
    """Attributes and inputs of what is made larger by taking the nearest numbers."""
    how = [given[each] for each in ("mode", "shape_calculation_mode", "coordinate_transformation_mode", "nearest_mode")]
    if how != ["nearest", "sizes", "asymmetric", "floor"]:
        raise ConversionError(f"The model makes maps larger by {', '.join(map(str, how))}, which is not converted.")
    sides = list(given["input"])
    for axis, side in zip(known[inputs[2]].ravel().tolist(), known[inputs[1]].ravel().tolist(), strict=True):
        sides[axis] = side
    name = f"{inputs[0]}/{'x'.join(map(str, sides))}"
    known[name] = np.array(sides, np.int64)
    options = dict(zip(("mode", "coordinate_transformation_mode", "nearest_mode"), (how[0], *how[2:]), strict=True))
    return options, [inputs[0], "", "", name]


def as_file(graph: onnx.GraphProto, version: int) -> bytes:
    """The bytes of a checked ONNX file of this graph, with the operations of that version."""
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)], ir_version=9)
    data = bytes(model.SerializeToString(deterministic=True))
    # Given the model, the checker would write it out once more.
    onnx.checker.check_model(data)
    return data
