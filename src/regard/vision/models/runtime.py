"""What runs the models: OpenVINO, or ONNX Runtime where that is wished."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import LifoQueue
from threading import BoundedSemaphore, Lock
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from regard.settings import Settings
from regard.vision.models.model_file import ModelFile

Array = NDArray[Any]
Shape = tuple[int, ...]
KINDS = ("openvino", "onnxruntime")
PRECISIONS = ("auto", "bf16", "f32")
_PROCESSOR = Path("/proc/cpuinfo")
_OPENING = Lock()
# Numbers of an input above which the memory of an inference is given back after it: the first look at a picture takes
# at most these. A second look at one of 1920×1920 took 1.4 GB, and kept it for ever; to let go of it and to take it
# anew costs it a fifteenth of its time.
_MOST_KEPT = 3 * 1280 * 1280


class RuntimeUnavailable(RuntimeError):
    """The runtime cannot do what the settings or the model file ask; the text says what to change."""


_Run = Callable[[list[Array]], list[Array]]


def opened_openvino() -> Any:
    """The library, past the one first use that two threads must not make at once.

    The first touch of a tensor's memory in a process goes through a static guard of C++, within which the binding
    imports NumPy and so gives up the interpreter lock. A second thread that comes then waits for the guard and keeps
    the lock: neither goes on, nor does any other thread. Whoever opens a runtime touches a tensor here, before there is
    a model that another thread could run.

    Nor does it tell anybody that it is used: beside it a package is installed that would report each import to Google
    Analytics, with an identity of the machine, from a thread of its own. Python is told that there is none.
    """
    with _OPENING:
        cast(dict[str, Any], sys.modules).setdefault("openvino_telemetry", None)
        import openvino

        openvino.Tensor(np.zeros(1, np.float32)).data.fill(0)
        return openvino


class Model:
    """A model that is ready to run. Any number of threads may call it at once."""

    def __init__(self, run: _Run, inputs: int, ran: Callable[[float], None]) -> None:
        self._run = run
        self._inputs = inputs
        self._ran = ran

    def __call__(self, *inputs: Array) -> list[Array]:
        """The outputs, in the order of the file, for the inputs in the order of the file.

        Inputs are taken as float32; the outputs are float32 copies that the caller owns.
        """
        if len(inputs) != self._inputs:
            raise ValueError(f"The model takes {self._inputs} inputs, not {len(inputs)}.")
        begun = time.perf_counter()
        outputs = self._run([np.ascontiguousarray(each, np.float32) for each in inputs])
        self._ran(time.perf_counter() - begun)
        return outputs


class Runtime:
    """Loads models. `threads` is how many threads one inference may use, `instances` how many inferences of one model
    may run at once; 0 stands for as many as the cores have room for. docs/benchmarks.md has the defaults measured.

    `precision` is auto, bf16 or f32. auto means bf16 where the processor is quicker in it and OpenVINO runs the models,
    else f32. `ran` is told the name of the model and the seconds after each inference. Raises
    RuntimeUnavailable for a runtime that is not installed and for bf16 that cannot be had.
    """

    def __init__(
        self,
        kind: str = "openvino",
        precision: str = "auto",
        threads: int = 1,
        ran: Callable[[str, float], None] = lambda _name, _seconds: None,
        instances: int = 0,
    ) -> None:
        if kind not in KINDS or precision not in PRECISIONS or threads < 1:
            raise ValueError(
                f"runtime {kind}, precision {precision}, threads {threads}: choose of {KINDS}, "
                f"{PRECISIONS} and at least 1."
            )
        self._ran = ran
        instances = instances or max(1, _cores() // threads)
        self._backend: _OpenVino | _OnnxRuntime = (
            _OpenVino(precision, threads, instances)
            if kind == "openvino"
            else _OnnxRuntime(precision, threads, instances)
        )

    @classmethod
    def opened(cls, settings: Settings, ran: Callable[[str, float], None] = lambda _name, _seconds: None) -> Runtime:
        """The runtime of these settings. Raises RuntimeUnavailable."""
        return cls(settings.runtime, settings.precision, settings.threads, ran, settings.instances)

    @property
    def precision(self) -> str:
        """The arithmetic that models run in unless they are to be fine: bf16 or f32."""
        return self._backend.precision

    def load(
        self,
        file: ModelFile,
        shape: Shape | Mapping[str, Shape] | None = None,
        *,
        fine: bool = False,
        taps: Sequence[str] = (),
        whole: bool = True,
    ) -> Model:
        """The model of a file that :class:`.weights.Weights` read.

        `shape` replaces the shape of the first input, or those of the inputs it names; −1 stands for a side
        of any length. Without it the file's own shapes hold. A model whose answers have to be `fine` runs in f32: the
        eight bits of a bf16 number place a point of a crop of 192 pixels to the next pixel only, and tell nothing of
        the odds of what is nearly certain. `taps` are layers within the model whose outputs are given too, after the
        file's own: each is a kind of operation and which of that kind it is, counted from 1, such as "PRelu 7". Kinds
        are those that ONNX and OpenVINO have one name for. A model that is not run `whole` gives these alone, and what
        lies beyond them is not computed. Raises RuntimeUnavailable for a file that the runtime cannot read, and for a
        layer that it lacks.
        """
        run, inputs = self._backend.load(file, shape, fine, taps, whole)
        _give_back()
        name = file.label
        return Model(run, inputs, lambda seconds: self._ran(name, seconds))


class _OpenVino:
    def __init__(self, precision: str, threads: int, instances: int) -> None:
        self._core = opened_openvino().Core()
        has_bf16 = "BF16" in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        if precision == "bf16" and not has_bf16:
            raise RuntimeUnavailable("This processor has no bf16 arithmetic. Set REGARD_PRECISION to auto or f32.")
        wanted = precision if precision != "auto" else "bf16" if _bf16_pays() else "f32"
        self.precision = "bf16" if has_bf16 and wanted == "bf16" else "f32"
        # OpenVINO calls an instance a stream.
        self._streams = instances
        self._options = {
            "NUM_STREAMS": str(self._streams),
            "INFERENCE_NUM_THREADS": str(self._streams * threads),
            "ENABLE_CPU_PINNING": "NO",
            # What was prepared for so many shapes of layers is kept. By default it is 5,000: pictures of all sizes then
            # take over a gigabyte. With 200 the sizes of a few cameras stay as fast, and memory below 100 MB of it.
            "CPU_RUNTIME_CACHE_CAPACITY": "200",
        }

    def load(
        self, file: ModelFile, shape: Shape | Mapping[str, Shape] | None, fine: bool, taps: Sequence[str], whole: bool
    ) -> tuple[_Run, int]:
        options = self._options | {"INFERENCE_PRECISION_HINT": "f32" if fine else self.precision}
        try:
            if file.suffix == ".onnx":
                model = self._core.read_model(file.data)
                compiled = self._compiled(file, model, shape, options, taps, whole)
            else:
                with file.on_disk() as path:
                    compiled = self._compiled(file, self._core.read_model(path), shape, options, taps, whole)
        except RuntimeError as error:
            raise RuntimeUnavailable(f"OpenVINO cannot load {file.label}{file.suffix}: {error}") from None
        # As many requests as streams: OpenVINO lets one more wait inside, where it holds Python's interpreter lock.
        idle: LifoQueue[Any] = LifoQueue()
        kept = _Kept(compiled)
        for _ in range(self._streams):
            idle.put(compiled.create_infer_request())

        def run(inputs: list[Array]) -> list[Array]:
            request = idle.get()
            try:
                _fill(request, inputs)
                found = request.infer(share_outputs=True)
                return [np.array(found[place], np.float32) for place in compiled.outputs]
            finally:
                kept.give_back(inputs)
                idle.put(request)

        return run, len(compiled.inputs)

    def _compiled(
        self,
        file: ModelFile,
        model: Any,
        shape: Shape | Mapping[str, Shape] | None,
        options: Mapping[str, str],
        taps: Sequence[str],
        whole: bool,
    ) -> Any:
        import openvino

        if shape is not None:
            named = shape if isinstance(shape, Mapping) else {model.inputs[0].any_name: shape}
            model.reshape({name: openvino.PartialShape(list(sides)) for name, sides in named.items()})
        if taps:
            operations = [(each.get_type_name(), each.output(0)) for each in _with_outputs(model)]
            layers = [tapped(operations, tap, file) for tap in taps]
            if whole:
                model.add_outputs(layers)
            else:
                model = openvino.Model(layers, model.get_parameters())
        return self._core.compile_model(model, "CPU", options)


class _Kept:
    """What a compiled model keeps for its next inference: as much as the largest one took."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._owing = False

    def give_back(self, inputs: Sequence[Array]) -> None:
        """After an inference of a large input, return it to the system."""
        if not self._owing and max(each.size for each in inputs) <= _MOST_KEPT:
            return
        try:
            self._compiled.release_memory()
            self._owing = False
        except RuntimeError:
            # Another inference is at it, and gives back in its turn.
            self._owing = True


def _with_outputs(model: Any) -> list[Any]:
    return [each for each in model.get_ordered_ops() if each.get_output_size()]


def tapped(operations: Sequence[tuple[str, Any]], tap: str, file: ModelFile) -> Any:
    """The output of the layer that `tap` names, among operations of a kind and an output, in the model's order.

    Raises RuntimeUnavailable where there is none.
    """
    kind, _, number = tap.partition(" ")
    outputs = [output for each, output in operations if each == kind]
    if not number.isdecimal() or not 1 <= int(number) <= len(outputs):
        raise RuntimeUnavailable(
            f"{file.label}{file.suffix} has no layer {tap!r}: of {kind or 'this kind'} it has {len(outputs)}."
        )
    return outputs[int(number) - 1]


def _fill(request: Any, inputs: list[Array]) -> None:
    # Into OpenVINO's own memory. It could read ours instead, but would then let go of it in the midst of an inference,
    # which takes the interpreter lock: two threads that do so wait for each other for ever.
    for place, array in enumerate(inputs):
        tensor = request.get_input_tensor(place)
        if tuple(tensor.shape) != array.shape:
            tensor.shape = array.shape
        tensor.data[...] = array


class _OnnxRuntime:
    precision = "f32"

    def __init__(self, precision: str, threads: int, instances: int) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise RuntimeUnavailable(
                "ONNX Runtime is not installed. Install it with `pip install regard[onnxruntime]`, or set "
                "REGARD_RUNTIME to openvino."
            ) from None
        if precision == "bf16":
            raise RuntimeUnavailable("ONNX Runtime computes in f32 here. Set REGARD_PRECISION to auto or f32.")
        self._library: Any = onnxruntime
        self._threads = threads
        self._instances = instances

    def load(
        self, file: ModelFile, shape: Shape | Mapping[str, Shape] | None, _fine: bool, taps: Sequence[str], whole: bool
    ) -> tuple[_Run, int]:
        if file.suffix != ".onnx":
            raise RuntimeUnavailable(
                f"ONNX Runtime reads ONNX files only, not {file.label}{file.suffix}. Set REGARD_RUNTIME to openvino, "
                "or name weights in a weights.toml of your own that are ONNX, or that `convert` makes ONNX of."
            )
        options = self._library.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self._threads, 1
        options.log_severity_level = 3
        try:
            source = file.data if shape is None and not taps else changed(file, shape, taps, whole)
            session = self._library.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        except (OSError, MemoryError, KeyError, RuntimeUnavailable):
            raise
        except Exception as error:  # ONNX Runtime's exceptions have no common base but Exception.
            raise RuntimeUnavailable(f"ONNX Runtime cannot load {file.label}{file.suffix}: {error}") from None
        names = [each.name for each in session.get_inputs()]
        # One session serves any number of callers; how many at once is held by counting.
        free = BoundedSemaphore(self._instances)

        def run(inputs: list[Array]) -> list[Array]:
            with free:
                found = session.run(None, dict(zip(names, inputs, strict=True)))
            return [np.asarray(each, np.float32) for each in found]

        return run, len(names)


def changed(
    file: ModelFile, shape: Shape | Mapping[str, Shape] | None, taps: Sequence[str], whole: bool = True
) -> bytes:
    """The ONNX file with other input shapes and more outputs, or others; what it says of later shapes would be wrong
    and is dropped.
    """
    import onnx

    model = onnx.load_from_string(file.data)
    inner = {each.name for each in model.graph.initializer}
    inputs = [each for each in model.graph.input if each.name not in inner]
    named = shape if isinstance(shape, Mapping) else {} if shape is None else {inputs[0].name: shape}
    operations = [(each.op_type, each.output[0]) for each in model.graph.node]
    if taps and not whole:
        del model.graph.output[:]
    for tap in taps:
        name = tapped(operations, tap, file)
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    for each in inputs:
        if each.name in named:
            each.CopyFrom(
                onnx.helper.make_tensor_value_info(
                    each.name,
                    onnx.TensorProto.FLOAT,
                    [None if side < 0 else side for side in named[each.name]],
                )
            )
    for each in model.graph.output:
        each.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]
    return bytes(model.SerializeToString())


def _give_back() -> None:
    """Return what conversion and compilation let go of to the system, which glibc keeps: after the embedder 120 MB."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _bf16_pays() -> bool:
    # Where a matrix unit (AMX) multiplies in it, and on AMD's processors that multiply in it at all: on a Zen 5 the
    # embedder took 4.1 ms against 7.0 in f32, on a Zen 4 8.9 against 14.5, and every other model was quicker too. On
    # Intel's with AVX-512 alone it took 17 ms against 11, and every other model was slower.
    try:
        told = _PROCESSOR.read_text()
    except OSError:
        return False
    return "amx_bf16" in told or ("AuthenticAMD" in told and "avx512_bf16" in told)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
