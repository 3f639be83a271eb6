"""The file of a trained head: ONNX, one matrix and a sigmoid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

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
    model = helper.make_model(
        graph, producer_name="regard", ir_version=IR, opset_imports=[helper.make_opsetid("", OPSET)]
    )
    return bytes(model.SerializeToString(deterministic=True))
