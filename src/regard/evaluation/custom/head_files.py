"""The file of a trained head: ONNX, one matrix and a sigmoid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, TensorProto, helper, numpy_helper

# Old ones, that every runtime of the last years reads.
OPSET, IR = 13, 8


def head_file(weights: NDArray[np.float32], offsets: NDArray[np.float32]) -> bytes:
    """The head as ONNX: `features` (n, d) to `scores` (n, k), for weights (d, k) and offsets (k)."""
    width, labels = weights.shape
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["features", "weights", "offsets"], ["odds"]),
            helper.make_node("Sigmoid", ["odds"], ["scores"]),
        ],
        "head",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", width])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", labels])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(offsets, "offsets")],
    )
    return _file(graph)


def adapter_file(weights: NDArray[np.float32], offsets: NDArray[np.float32], least: float) -> bytes:
    """An adapter as ONNX: `features` (n, d + k), the base scores last, to `scores` (n, k).

    Log odds of the head are added to those of the base, which are held between `least` and 1 − `least`.
    """
    width, labels = weights.shape
    whole = [np.array([each], np.int64) for each in (0, width, width + labels, 1)]
    numbers = [np.float32(each) for each in (least, 1 - least, 1)]
    constants = dict(zip(("from", "between", "to", "axis"), whole, strict=True)) | dict(
        zip(("least", "most", "one"), map(np.asarray, numbers), strict=True)
    )
    nodes = [
        helper.make_node("Slice", ["features", "from", "between", "axis"], ["seen"]),
        helper.make_node("Slice", ["features", "between", "to", "axis"], ["base"]),
        helper.make_node("Clip", ["base", "least", "most"], ["held"]),
        helper.make_node("Sub", ["one", "held"], ["against"]),
        helper.make_node("Div", ["held", "against"], ["ratio"]),
        helper.make_node("Log", ["ratio"], ["before"]),
        helper.make_node("Gemm", ["seen", "weights", "offsets"], ["added"]),
        helper.make_node("Add", ["before", "added"], ["odds"]),
        helper.make_node("Sigmoid", ["odds"], ["scores"]),
    ]
    tensors = [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(offsets, "offsets")]
    tensors += [numpy_helper.from_array(each, name) for name, each in constants.items()]
    graph = helper.make_graph(
        nodes,
        "adapter",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", width + labels])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", labels])],
        tensors,
    )
    return _file(graph)


def _file(graph: GraphProto) -> bytes:
    model = helper.make_model(
        graph, producer_name="regard", ir_version=IR, opset_imports=[helper.make_opsetid("", OPSET)]
    )
    return bytes(model.SerializeToString(deterministic=True))
