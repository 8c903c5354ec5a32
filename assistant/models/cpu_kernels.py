"""Convolutions as matrix products, for MLX on a CPU: its own are scalar loops where these stand in.

Dilated `conv1d` and `conv_transpose1d` reach 1 GFLOP/s in MLX 0.32 and 130 and more as products.
Everything else is passed on to MLX, which is as fast there.
"""

from __future__ import annotations

from typing import Any

import mlx.core as mx

_conv1d = mx.conv1d
_conv_transpose1d = mx.conv_transpose1d


def install() -> None:
    """Let `mx.conv1d` and `mx.conv_transpose1d` be these; libraries look them up at every call."""
    mx.conv1d = conv1d
    mx.conv_transpose1d = conv_transpose1d


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
