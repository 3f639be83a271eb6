"""Exact search in memory, beside the time that memory itself takes and beside other engines. One thread."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import faiss
import numkong
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx.parser import parse_model
from usearch.compiled import MetricKind, ScalarKind
from usearch.index import Index as Graph

from benchmarks.measuring import markdown, medians, resident_mib, seconds
from regard.gallery.index.blocks import BLOCK_ROWS, Block, Probes
from regard.gallery.index.index import Index

Floats = NDArray[np.float32]

MATMUL = """
<ir_version: 9, opset_import: ["": 17]>
product (uint8[1, d] probe, int8[d, n] codes) => (int32[1, n] products) {
    products = MatMulInteger (probe, codes)
}
"""

SIZE, TOP, ROUNDS, PROBES = 1_000_000, 10, 15, 50
# A graph over a million takes an hour to build on one thread.
GRAPH_SIZE, GRAPH_DIMENSIONS = 100_000, 128
AT_ONCE = 10_000
# Results of so many longer rows stay in a core's own cache.
FOLDED = 5_000
# Templates of one person, and the noise that leaves two of them with a cosine of about 0.7.
TEMPLATES, NOISE = 5, 0.65


def run() -> str:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    faiss.omp_set_num_threads(1)
    rows = [row for dimensions in (512, 128) for row in _exact(dimensions)]
    exact = markdown(
        f"Exact search among {SIZE:,} vectors, top {TOP}",
        ("dimensions", "", "ms a query", "times the reading", "recall"),
        rows,
        "Reading is the time to read as many bytes as there are numbers, once, with NumPy's `max` over 64-bit "
        f"words. Medians of {ROUNDS} rounds in which all take turns, on one thread. Vectors are {TEMPLATES} templates "
        "each of people drawn at random; probes are further templates of theirs. Recall is against NumPy in float64; "
        "ours is 1 by proof. `python -m benchmarks search`",
    )
    return f"{exact}\n\n{_beside_graphs()}"


def people(size: int, dimensions: int, seed: int = 0) -> tuple[Floats, Floats]:
    """Templates, (size, dimensions), and PROBES probes of people among them, all of length 1."""
    chance = np.random.default_rng(seed)
    everyone = _unit(chance.standard_normal((size // TEMPLATES, dimensions), np.float32))
    templates = np.repeat(everyone, TEMPLATES, axis=0)
    for start in range(0, size, AT_ONCE):
        some = templates[start : start + AT_ONCE]
        some[:] = _noisy(some, chance)
    return templates, _noisy(everyone[:: len(everyone) // PROBES][:PROBES], chance)


def _exact(dimensions: int) -> list[tuple[str, ...]]:
    templates, probes = people(SIZE, dimensions)
    before = resident_mib(os.getpid())
    index = Index()
    taken = sum(seconds(lambda some=some: index.add(*some)) for some in _batches(templates))
    grown = (resident_mib(os.getpid()) - before) * 2**20 / templates.nbytes
    flat = faiss.IndexFlatIP(dimensions)
    coarse = faiss.IndexScalarQuantizer(dimensions, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    coarse.train(templates[::10])
    for engine in (flat, coarse):
        for _, some in _batches(templates):
            engine.add(some)
    codes = np.ones(SIZE * dimensions // 8, np.uint64)
    probe = probes[0]
    times = medians(
        {
            "reading codes of 8 bits": codes.max,
            "multiplying them, ONNX Runtime": _product_by_onnxruntime(probe),
            "multiplying them, numkong": _product_by_numkong(codes.view(np.int8), probe),
            "multiplying its own codes, as regard does": _product(probe),
            "regard": lambda: index.search(probe, TOP, -1.0),
            "regard, four probes in one pass": lambda: index.search_all(probes[:4], TOP, -1.0),
            "FAISS IndexFlatIP": lambda: flat.search(probe[None], TOP),
            "FAISS SQ8": lambda: coarse.search(probe[None], TOP),
            "NumPy": lambda: np.argpartition(templates @ probe, -TOP)[-TOP:],
        },
        ROUNDS,
    )
    right = [_best(templates, each) for each in probes]
    ours = [[name for name, _ in index.search(each, TOP, -1.0)] for each in probes]
    if ours != right:
        raise AssertionError("a search was not exact")
    recalls = {
        "regard": _recall(ours, right),
        "FAISS IndexFlatIP": _recall(flat.search(probes, TOP)[1].tolist(), right),
        "FAISS SQ8": _recall(coarse.search(probes, TOP)[1].tolist(), right),
    }
    rows = [
        (
            str(dimensions),
            name,
            f"{1e3 * time:.1f}",
            f"{time / times['reading codes of 8 bits']:.2f}",
            f"{recalls[name]:.3f}" if name in recalls else "",
        )
        for name, time in times.items()
    ]
    more = range(SIZE, SIZE + 1000)
    added = seconds(lambda: [index.add([name], probe[None]) for name in more])
    removed = seconds(lambda: [index.remove([name]) for name in more])
    kept = f"regard: building {taken:.1f} s, memory {grown:.2f}× the vectors, "
    kept += f"an addition {1e3 * added:.0f} µs, a deletion {1e3 * removed:.0f} µs"
    return [*rows, (str(dimensions), kept, "", "", "")]


def _product(probe: Floats) -> Callable[[], object]:
    """The products that a search begins with, and nothing else."""
    probes, blocks = Probes(probe[None]), [Block(len(probe), rows) for rows in _rows()]
    for block, rows in zip(blocks, _rows(), strict=True):
        block.append(np.ones((rows, len(probe)), np.float32))
    return lambda: [list(block.scan(probes)) for block in blocks]


def _product_by_onnxruntime(probe: Floats) -> Callable[[], object]:
    """The product in all dimensions, with codes that lie likewise; with 7 bits of the probe, so that none overflows."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = parse_model(MATMUL).SerializeToString()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    code = (_rounded(probe)[None] // 2 + 64).astype(np.uint8)
    blocks = [np.ones((len(probe), rows), np.int8) for rows in _rows()]
    return lambda: [session.run(None, {"probe": code, "codes": block}) for block in blocks]


def _product_by_numkong(codes: NDArray[np.int8], probe: Floats) -> Callable[[], object]:
    """The same by numkong, whose kernel takes four probes in the time of one: each gets a quarter of the rows."""
    folded = np.zeros((4, 4, len(probe)), np.int8)
    folded[range(4), range(4)] = _rounded(probe)
    packed = numkong.dots_pack(folded.reshape(4, -1))
    rows = codes.reshape(-1, FOLDED, 4 * len(probe))
    dots = numkong.empty((FOLDED, 4), dtype="int32")
    return lambda: [numkong.dots_packed(some, packed, out=dots) for some in rows]


def _rounded(probe: Floats) -> NDArray[np.int8]:
    rounded: NDArray[np.int8] = np.rint(probe / np.abs(probe).max() * 127).astype(np.int8)
    return rounded


def _rows() -> list[int]:
    whole, rest = divmod(SIZE, BLOCK_ROWS)
    return [BLOCK_ROWS] * whole + [rest]


def _beside_graphs() -> str:
    templates, probes = people(GRAPH_SIZE, GRAPH_DIMENSIONS)
    right = [_best(templates, each) for each in probes]
    index = Index()
    built = {"regard, exact": seconds(lambda: [index.add(*some) for some in _batches(templates)])}
    graphs = {}
    for kind in (ScalarKind.F32, ScalarKind.I8):
        graph = Graph(ndim=GRAPH_DIMENSIONS, metric=MetricKind.Cos, dtype=kind)
        name = f"usearch HNSW, {kind.name.lower()}"
        built[name] = seconds(lambda graph=graph: graph.add(np.arange(GRAPH_SIZE), templates, threads=1))
        graphs[name] = graph
    times = medians(
        {
            "regard, exact": lambda: index.search(probes[0], TOP, -1.0),
            **{name: lambda graph=graph: graph.search(probes[0], TOP, threads=1) for name, graph in graphs.items()},
        },
        ROUNDS,
    )
    recalls = {"regard, exact": 1.0}
    for name, graph in graphs.items():
        recalls[name] = _recall([graph.search(each, TOP, threads=1).keys.tolist() for each in probes], right)
    return markdown(
        f"Beside graphs: {GRAPH_SIZE:,} vectors of {GRAPH_DIMENSIONS} dimensions",
        ("", "ms a query", "recall", "seconds to build"),
        [(name, f"{1e3 * time:.2f}", f"{recalls[name]:.3f}", f"{built[name]:.1f}") for name, time in times.items()],
        "A graph answers sooner and misses some; a face that it misses was not found. On one thread.",
    )


def _best(templates: Floats, probe: Floats) -> list[int]:
    near = np.argpartition(templates @ probe, -4 * TOP)[-4 * TOP :]
    scores = (templates[near].astype(np.float64) * probe).sum(axis=1).round(6)
    order = np.lexsort((near, -scores))[:TOP]
    return [int(place) for place in near[order]]


def _recall(found: Sequence[Sequence[int]], right: Sequence[Sequence[int]]) -> float:
    return float(np.mean([len(set(ours) & set(best)) / TOP for ours, best in zip(found, right, strict=True)]))


def _batches(vectors: Floats) -> list[tuple[NDArray[np.int64], Floats]]:
    starts = range(0, len(vectors), AT_ONCE)
    return [(np.arange(start, start + AT_ONCE), vectors[start : start + AT_ONCE]) for start in starts]


def _noisy(vectors: Floats, chance: np.random.Generator) -> Floats:
    noise = chance.standard_normal(vectors.shape, np.float32) * (NOISE / np.sqrt(vectors.shape[1]))
    return _unit(vectors + noise.astype(np.float32))


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)
