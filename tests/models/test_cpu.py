"""MLX without Metal: the kernels agree with MLX's own, models come out in plain evaluated float32."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import pytest

from assistant.models import cpu, cpu_kernels


def test_prepare_is_idempotent_and_well() -> None:
    """A second call changes nothing, and the machine the tests run on has what it needs."""
    before = cpu.status()
    cpu.prepare(blas_threads=2)
    assert cpu.status() == before
    assert before.problem == ""
    assert before.metal or (before.kernels and before.threads == 2 and before.blas.startswith("OpenBLAS"))


def test_openblas_uses_what_the_processor_has() -> None:
    """One older than its processor falls back to SSE3, a fifth of the speed, unless told."""
    cpuinfo = Path("/proc/cpuinfo")
    has_avx2 = cpuinfo.exists() and "avx2" in cpuinfo.read_text().split()
    assert not (has_avx2 and "Prescott" in cpu.status().blas)


def test_mlx_imported_too_early_is_named() -> None:
    """The reference BLAS stays bound for the life of the process, so doctor must say so (not on a Mac)."""
    code = "import mlx.core; from assistant.models import cpu; cpu.prepare(2); print(cpu.status().problem)"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert ("call prepare first" in said) == (sys.platform == "linux")


@pytest.mark.parametrize(("kernel", "dilation"), [(3, 1), (3, 3), (7, 5), (11, 5), (2, 2)])
@pytest.mark.parametrize("batch", [1, 2])
def test_conv1d_agrees_with_mlx(kernel: int, dilation: int, batch: int) -> None:
    """Within 2e-6 of MLX, on outputs of about one."""
    mx.random.seed(0)
    x = mx.random.normal((batch, 50, 24))
    weight = mx.random.normal((16, kernel, 24)) / (24 * kernel) ** 0.5
    padding = dilation * (kernel - 1) // 2
    expected = cpu_kernels._conv1d(x, weight, 1, padding, dilation, 1)
    _assert_close(cpu_kernels.conv1d(x, weight, 1, padding, dilation), expected)


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(20, 10, 5), (12, 6, 3), (3, 2, 0), (5, 2, 2), (4, 4, 0)])
@pytest.mark.parametrize("output_padding", [0, 1])
def test_conv_transpose1d_agrees_with_mlx(kernel: int, stride: int, padding: int, output_padding: int) -> None:
    """Within 2e-6 of MLX, kernels that are no multiple of the stride included."""
    mx.random.seed(0)
    x = mx.random.normal((2, 17, 24))
    weight = mx.random.normal((8, kernel, 24)) / (24 * kernel) ** 0.5
    arguments = (stride, padding, 1, output_padding)
    expected = cpu_kernels._conv_transpose1d(x, weight, *arguments, 1)
    _assert_close(cpu_kernels.conv_transpose1d(x, weight, *arguments), expected)


def test_other_convolutions_are_passed_on() -> None:
    """Strides and groups are MLX's own."""
    x = mx.random.normal((1, 20, 8))
    strided = mx.random.normal((4, 3, 8))
    depthwise = mx.random.normal((8, 3, 1))
    assert mx.array_equal(cpu_kernels.conv1d(x, strided, 2, 1, 3), cpu_kernels._conv1d(x, strided, 2, 1, 3, 1))
    assert mx.array_equal(
        cpu_kernels.conv_transpose1d(x, depthwise, 2, 0, 1, 0, 8),
        cpu_kernels._conv_transpose1d(x, depthwise, 2, 0, 1, 0, 8),
    )


@pytest.mark.parametrize("spread", [1.0, 30.0, 1000.0], ids=["flat", "usual", "steep"])
def test_softmax_agrees_with_mlx(spread: float) -> None:
    """Within 1e-6; of what is left out no share would have been as large as that."""
    mx.random.seed(0)
    scores = mx.random.normal((1, 6, 60, 60)) * spread
    _assert_close(cpu_kernels.softmax(scores, axis=-1, precise=True), cpu_kernels._softmax(scores, axis=-1))


def test_softmax_of_masked_scores_agrees_with_mlx() -> None:
    """A causal mask is made of -inf."""
    mx.random.seed(0)
    scores = mx.random.normal((8, 64, 64)) + nn.MultiHeadAttention.create_additive_causal_mask(64)
    scores = mx.where(scores < -1e8, -mx.inf, scores)
    _assert_close(cpu_kernels.softmax(scores, axis=-1), cpu_kernels._softmax(scores, axis=-1))


def test_gelu_agrees_with_mlx() -> None:
    """As near to the truth as MLX's own, far out too."""
    x = mx.linspace(-100, 100, 200_001)
    _assert_close(cpu_kernels.gelu(x), cpu_kernels._gelu(x))


@pytest.mark.parametrize(
    "function", [lambda x: mx.softmax(x, axis=-1), nn.gelu, nn.GELU()], ids=["softmax", "gelu", "GELU"]
)
def test_compiled_functions_are_left_to_mlx(function: Callable[[mx.array], mx.array]) -> None:
    """While `mx.compile` looks at a function its arrays have no values."""
    x = mx.random.normal((300, 100))
    _assert_close(mx.compile(function)(x), function(x))


def test_other_softmaxes_are_passed_on() -> None:
    """Over another axis, over all, of half floats, of a few numbers."""
    x = mx.random.normal((300, 100))
    for given, axis in ((x, 0), (x, None), (x.astype(mx.float16), -1), (x[:1], -1)):
        assert mx.array_equal(cpu_kernels.softmax(given, axis=axis), cpu_kernels._softmax(given, axis=axis))


class _Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.embedding = nn.Embedding(10, 64)
        self.layers = [nn.Linear(64, 64), nn.Linear(64, 64, bias=False)]
        self._mask = mx.arange(4) + 1

    def __call__(self, tokens: mx.array) -> mx.array:
        x = self.embedding(tokens)
        for layer in self.layers:
            x = nn.gelu(layer(x))
        logits: mx.array = self.embedding.as_linear(x)
        return logits


def test_to_float32_computes_the_same() -> None:
    """Only the representation changes: without Metal no quantised layer is left, and the outputs stay."""
    model: nn.Module = _Tied()
    nn.quantize(model, group_size=32, bits=4)
    tokens = mx.array([1, 5, 3])
    expected = model(tokens)
    cpu.to_float32(model)
    assert any("scales" in module for module in model.modules()) == mx.metal.is_available()
    _assert_close(model(tokens), expected, tolerance=1e-5)


def test_evaluate_reaches_underscored_arrays() -> None:
    """A lazy array belongs to its thread, so another thread can read it only once evaluated."""
    model = _Tied()
    cpu.evaluate(model)
    read: list[object] = []
    thread = threading.Thread(target=lambda: read.append(model._mask.tolist()))
    thread.start()
    thread.join()
    assert read == [[1, 2, 3, 4]]


def _assert_close(result: mx.array, expected: mx.array, tolerance: float = 2e-6) -> None:
    assert result.shape == expected.shape
    assert float(mx.abs(result - expected).max()) <= tolerance
