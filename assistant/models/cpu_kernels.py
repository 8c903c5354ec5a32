"""Kernels for MLX on a CPU, where its own are scalar loops: convolutions as matrix products, exponentials by numpy.

Dilated `conv1d` and `conv_transpose1d` reach 1 GFLOP/s in MLX 0.32 and 130 and more as products. An exponential takes
MLX 19 ns and an error function 38 ns; numpy, which has vector instructions for the first, 0.5 ns and 6 ns: they were
more than half of a Whisper encoder pass. Everything else is passed on to MLX, which is as fast there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import numpy.typing as npt
from mlx.nn.layers import activations

_conv1d = mx.conv1d
_conv_transpose1d = mx.conv_transpose1d
_softmax = mx.softmax
_gelu = nn.gelu

_LEAST = 2**14
"""Elements from which it pays to evaluate an array and hand it to numpy."""
_LOWEST = np.float32(-80)
"""Of an exponent: smaller powers make numbers so small that a processor takes 20 times as long for each."""
# Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26: the error function within 1.5e-7
_ERF_SCALE = 0.3275911
_ERF = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)


def install() -> None:
    """Let MLX's functions of these names be these; libraries look them up at every call."""
    mx.conv1d = conv1d
    mx.conv_transpose1d = conv_transpose1d
    mx.softmax = softmax
    nn.gelu = activations.gelu = gelu  # the second is what `nn.GELU` calls


def installed() -> bool:
    """Whether `install` has run."""
    return mx.conv1d is conv1d


def conv1d(
    input: mx.array,
    weight: mx.array,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    groups: int = 1,
    **stream: Any,
) -> mx.array:
    """`mx.conv1d`: (N, T, I) with (O, K, I) to (N, T', O); a dilated one is a sum of K shifted products."""
    if dilation == 1 or stride != 1 or groups != 1 or stream:
        return _conv1d(input, weight, stride, padding, dilation, groups, **stream)
    taps = weight.transpose(1, 2, 0)
    padded = mx.pad(input, [(0, 0), (padding, padding), (0, 0)])
    length = padded.shape[1] - dilation * (taps.shape[0] - 1)
    output = padded[:, :length] @ taps[0]
    for k in range(1, taps.shape[0]):
        output = mx.addmm(output, padded[:, k * dilation : k * dilation + length], taps[k])
    return output


def conv_transpose1d(
    input: mx.array,
    weight: mx.array,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    output_padding: int = 0,
    groups: int = 1,
    **stream: Any,
) -> mx.array:
    """`mx.conv_transpose1d`: (N, T, I) with (O, K, I) to (N, T', O), by one product and an overlap-add.

    Every input row makes K output rows. They are added in blocks of `stride` rows: block j of row t
    falls on block t + j of the output.
    """
    if dilation != 1 or groups != 1 or stream:
        return _conv_transpose1d(input, weight, stride, padding, dilation, output_padding, groups, **stream)
    outputs, kernel, inputs = weight.shape
    batch, rows, _ = input.shape
    blocks = -(-kernel // stride)
    taps = mx.pad(weight, [(0, 0), (0, blocks * stride - kernel), (0, 0)]).transpose(2, 1, 0)
    made = (input @ taps.reshape(inputs, -1)).reshape(batch, rows, blocks, stride * outputs)
    added = mx.pad(made[:, :, 0], [(0, 0), (0, blocks - 1), (0, 0)])
    for j in range(1, blocks):
        added = added + mx.pad(made[:, :, j], [(0, 0), (j, blocks - 1 - j), (0, 0)])
    length = (rows - 1) * stride + kernel - 2 * padding + output_padding
    flat = mx.pad(added.reshape(batch, -1, outputs), [(0, 0), (0, output_padding), (0, 0)])
    return flat[:, padding : padding + length]


@np.errstate(invalid="ignore")
def softmax(a: mx.array, /, axis: int | Sequence[int] | None = None, **options: Any) -> mx.array:
    """`mx.softmax`, over the last axis of a large array by numpy."""
    values = _values(a) if axis == -1 and "stream" not in options else None
    if values is None:
        return _softmax(a, axis, **options)
    shares = values - values.max(axis=-1, keepdims=True)
    np.exp(np.maximum(shares, _LOWEST, out=shares), out=shares)
    shares /= shares.sum(axis=-1, keepdims=True)
    return mx.array(shares)


@np.errstate(invalid="ignore", over="ignore")
def gelu(x: mx.array) -> mx.array:
    """`nn.gelu`, within 4e-7 as it is: x (1 + erf(x / sqrt 2)) / 2, which is max(x, 0) - |x| erfc(|x| / sqrt 2) / 2."""
    values = _values(x)
    if values is None:
        return _gelu(x)
    size = np.abs(values)
    t = size * np.float32(_ERF_SCALE / math.sqrt(2))
    t += 1
    np.reciprocal(t, out=t)
    tail = t * np.float32(_ERF[-1] / 2)
    for coefficient in _ERF[-2::-1]:
        tail += np.float32(coefficient / 2)
        tail *= t
    np.square(size, out=t)
    t *= np.float32(-0.5)
    tail *= np.exp(np.maximum(t, _LOWEST, out=t), out=t)
    tail *= size
    return mx.array(np.maximum(values, 0, out=size) - tail)


def _values(x: mx.array) -> npt.NDArray[np.float32] | None:
    """A large float32 array, evaluated; None of others, and inside `mx.compile`, where there is nothing to evaluate."""
    if x.dtype != mx.float32 or x.size < _LEAST:
        return None
    try:
        return np.array(x, copy=False)
    except ValueError:
        return None
