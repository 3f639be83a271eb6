"""Which threads and instances of a model give the most pictures a second: the defaults of the settings, measured."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import numpy as np

from benchmarks.measuring import markdown, seconds
from benchmarks.pictures import small
from regard.settings import from_environment
from regard.vision.faces.embedder import TOGETHER
from regard.vision.faces.faces import FaceAnalyzer
from regard.vision.models.runtime import Runtime
from regard.vision.models.weights import Weights
from regard.vision.pictures.images import decode

ROUNDS, COUNT = 7, 40
BATCHES = (1, 4, 16)


def run() -> str:
    """The sections of docs/benchmarks.md."""
    return f"{_instances()}\n\n{_batches()}"


def _instances() -> str:
    cores = len(os.sched_getaffinity(0))
    pictures = small(COUNT)
    choices = [(1, cores), (cores, 1), (1, 1)]
    analyzers = {
        (threads, instances): FaceAnalyzer.opened(from_environment(threads=threads, instances=instances))
        for threads, instances in dict.fromkeys(choices)
    }
    works = {(choice, callers): analyzers[choice] for choice in analyzers for callers in dict.fromkeys((1, cores))}
    taken: dict[tuple[tuple[int, int], int], list[float]] = {work: [] for work in works}
    for _ in range(ROUNDS):
        for (choice, callers), analyzer in works.items():
            taken[choice, callers].append(_seconds(analyzer, pictures, callers))
    rows = [
        (f"{threads}", f"{instances}", f"{callers}", f"{COUNT / median(each):.1f}")
        for ((threads, instances), callers), each in taken.items()
    ]
    return markdown(
        "Threads and instances",
        ("threads", "instances", "callers at once", "pictures/s"),
        rows,
        f"Decoding, detecting and embedding {COUNT} pictures of 250×250 on {cores} cores; medians of {ROUNDS} rounds "
        "that take turns. The defaults are the first row's: a thread an inference, and an instance a core. "
        "`python -m benchmarks instances`",
    )


def _batches() -> str:
    settings = from_environment(threads=1, instances=1)
    runtime, file = Runtime.opened(settings), Weights.opened(settings).read("face-embedder")
    crops = {size: np.random.default_rng(0).random((size, 3, 112, 112), np.float32) for size in BATCHES}
    models = {size: runtime.load(file, batch.shape) for size, batch in crops.items()}
    taken: dict[int, list[float]] = {size: [] for size in BATCHES}
    for _ in range(ROUNDS * COUNT // max(BATCHES)):
        for size, model in models.items():
            taken[size].append(seconds(lambda model=model, size=size: model(crops[size])) / size)
    return markdown(
        "Batches",
        ("faces an inference", "ms a face"),
        [(f"{size}", f"{median(each) * 1e3:.2f}") for size, each in taken.items()],
        f"The embedder on one core. Faces of one picture are embedded {TOGETHER} at a time. To wait for those of other "
        "pictures would gain less than it costs: pictures are indexed one by one, as many at once as there are cores. "
        "`python -m benchmarks instances`",
    )


def _seconds(analyzer: FaceAnalyzer, pictures: list[bytes], callers: int) -> float:
    def look(data: bytes) -> None:
        picture = decode(data)
        analyzer.embed(picture, analyzer.detect(picture)[:1])

    with ThreadPoolExecutor(callers) as pool:
        return seconds(lambda: list(pool.map(look, pictures)))
