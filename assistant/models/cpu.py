"""MLX without Metal: a fast BLAS, fast convolutions, float32 weights, an allocator that keeps its pages.

The MLX wheel for Linux brings the reference BLAS and scalar loops for some convolutions: a sentence
of Kokoro takes 20 times its own length, and Whisper 16 s for 30 s of sound. With what is here both
run below real time on two cores. Where Metal is available everything here is a no-op.
"""

from __future__ import annotations

import ctypes
import os
import sys
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import mlx.core as mx
    import mlx.nn as nn

_OPENBLAS = ("libopenblas.so.0", "libopenblasp.so.0", "libopenblas.so")
_INSTALL = "MLX computes on its slow reference BLAS; install OpenBLAS: apt-get install libopenblas0-pthread"

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # glibc's malloc.h

_blas: ctypes.CDLL | None = None
_problem = ""


@dataclass(frozen=True, slots=True)
class CpuStatus:
    """What MLX computes with, for `assistant doctor`."""

    metal: bool
    blas: str
    """Name, version and processor kernels of the BLAS in use; empty with Metal or none found."""
    threads: int
    """Threads of that BLAS; 0 where there is none."""
    kernels: bool
    """The convolutions of this package are in use."""
    problem: str
    """A sentence with its cure; empty when all is well."""


def prepare(blas_threads: int) -> None:
    """Make MLX fast on this machine; call it before anything imports `mlx`, and as often as you like.

    Args:
        blas_threads: Threads of OpenBLAS, from `runtime.blas_threads`; a later call changes it.
    """
    if sys.platform != "linux":
        return
    _load_blas(blas_threads)
    _keep_freed_pages()
    import mlx.core as mx

    from assistant.models import cpu_kernels

    if not mx.metal.is_available():
        cpu_kernels.install()


def status() -> CpuStatus:
    """What is in use now, and what to do about anything that is missing."""
    import mlx.core as mx

    from assistant.models import cpu_kernels

    return CpuStatus(
        metal=mx.metal.is_available(),
        blas=_describe(_blas) if _blas else "",
        threads=int(_blas.openblas_get_num_threads()) if _blas else 0,
        kernels=cpu_kernels.installed(),
        problem=_problem,
    )


def evaluate(model: nn.Module) -> None:
    """Evaluate every array of a model, so that any thread may use it.

    `parameters()` leaves out names that begin with an underscore (positional embeddings, masks), and
    a lazy array belongs to the stream of its thread: "There is no Stream(cpu, 0) in current thread".
    """
    import mlx.core as mx

    for module in model.modules():
        mx.eval([value for value in module.values() if isinstance(value, mx.array)])


def to_float32(model: nn.Module) -> None:
    """Dequantise to float32 where there is no Metal: feeding a prompt is 13 times faster.

    `quantized_matmul` costs the same for every row on a CPU; a float32 GEMM hardly notices more rows.
    """
    import mlx.core as mx
    import mlx.nn as nn
    from mlx.utils import tree_unflatten

    if mx.metal.is_available():
        return
    plain: list[tuple[str, nn.Module]] = []
    for name, module in model.named_modules():
        if not isinstance(module, nn.QuantizedLinear | nn.QuantizedEmbedding):
            continue
        weight = _dequantised(module)
        replacement: nn.Module
        if isinstance(module, nn.QuantizedLinear):
            replacement = nn.Linear(weight.shape[1], weight.shape[0], bias="bias" in module)
            if "bias" in module:
                replacement.bias = module.bias
        else:
            replacement = nn.Embedding(*weight.shape)
        replacement.weight = weight
        plain.append((name, replacement))
    model.update_modules(tree_unflatten(plain))
    model.set_dtype(mx.float32)
    evaluate(model)


def _load_blas(threads: int) -> None:
    """Put OpenBLAS's symbols before the reference BLAS that MLX binds to when it is first imported."""
    global _blas, _problem
    if _blas is None and not _problem:
        if "mlx.core" in sys.modules:
            _problem = "MLX was imported before cpu.prepare and keeps its slow BLAS; call prepare first"
            return
        os.environ["OPENBLAS_NUM_THREADS"] = str(threads)
        _choose_kernels()
        _blas = _open_blas()
        _problem = "" if _blas else _INSTALL
    if _blas is not None:
        _blas.openblas_set_num_threads(threads)


def _open_blas() -> ctypes.CDLL | None:
    for name in (*sorted(glob("/usr/lib/*/openblas-pthread/libopenblas.so.0")), *_OPENBLAS):
        try:
            return ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
        except OSError:
            continue
    return None


def _choose_kernels() -> None:
    """Name the processor's kernels by its features; a name in the environment stands.

    A Debian 12 OpenBLAS (0.3.21) on a processor younger than itself falls back to SSE3: 57 GFLOP/s
    where its AVX-512 kernels reach 270.
    """
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split())
    except OSError:
        return
    for feature, kernels in (("avx512bw", "SkylakeX"), ("avx2", "Haswell")):
        if feature in flags:
            os.environ.setdefault("OPENBLAS_CORETYPE", kernels)
            return


def _keep_freed_pages() -> None:
    """Have glibc keep freed memory for the next array of the same size.

    Without it every temporary of a megabyte is mapped, zeroed page by page and unmapped again: a
    chain of convolutions took 0.31 s, with it 0.16 s.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # musl has no such thing
        return
    mallopt(_M_MMAP_MAX, 0)
    mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def _dequantised(module: nn.QuantizedLinear | nn.QuantizedEmbedding) -> mx.array:
    import mlx.core as mx

    biases = module.get("biases")
    return mx.dequantize(
        module.weight,
        module.scales.astype(mx.float32) if module.mode == "affine" else module.scales,
        biases.astype(mx.float32) if biases is not None else None,
        group_size=module.group_size,
        bits=module.bits,
        mode=module.mode,
    ).astype(mx.float32)


def _describe(blas: ctypes.CDLL) -> str:
    blas.openblas_get_config.restype = blas.openblas_get_corename.restype = ctypes.c_char_p
    name, version = blas.openblas_get_config().decode().split()[:2]
    return f"{name} {version}, {blas.openblas_get_corename().decode()}"
