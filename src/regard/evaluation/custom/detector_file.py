"""The file of a trained detector: ONNX, two matrices and a sigmoid, over the candidates of a picture."""

from __future__ import annotations

from onnx import TensorProto, helper, numpy_helper

from regard.evaluation.custom.head_files import IR, OPSET
from regard.vision.heads.box_head import BoxHead


def detector_file(head: BoxHead) -> bytes:
    """The head as ONNX: `features` (n, d) of n candidates to `scores` (n, k) and `moves` (n, 4)."""
    width, labels = head.weights.shape
    tensors = {name: getattr(head, name) for name in ("weights", "offsets", "shifts", "places")}
    floats = TensorProto.FLOAT
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["features", "weights", "offsets"], ["odds"]),
            helper.make_node("Sigmoid", ["odds"], ["scores"]),
            helper.make_node("Gemm", ["features", "shifts", "places"], ["moves"]),
        ],
        "detector",
        [helper.make_tensor_value_info("features", floats, ["n", width])],
        [
            helper.make_tensor_value_info("scores", floats, ["n", labels]),
            helper.make_tensor_value_info("moves", floats, ["n", 4]),
        ],
        [numpy_helper.from_array(each, name) for name, each in tensors.items()],
    )
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, producer_name="regard", ir_version=IR, opset_imports=opsets)
    return bytes(model.SerializeToString(deterministic=True))
