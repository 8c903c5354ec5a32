"""Kokoro's decoder rewritten for a CPU: the same numbers from fewer and cheaper passes over memory.

Elementwise work is single-threaded in MLX and the decoder is full of it. Kept channels-last (rows of
channels, so that a broadcast runs along memory: 0.5 ms where the swapped one takes 9.5 ms), with
weight norms folded once, AdaIN as one multiply-add, and sin^2 as a short polynomial (mx.sin takes
40 ms for 1.5 million values). Sources: mlx_audio.tts.models.kokoro.istftnet; Snake is from "Neural
Networks Fail to Learn Periodic Functions" (Liu et al. 2020), AdaIN from Huang and Belongie 2017.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_unflatten
from mlx_audio.tts.models.kokoro.istftnet import AdaIN1d, AdaINResBlock1, ConvWeighted, weight_norm

# sin(pi r) / r in powers of r^2 for |r| <= 1/2: minimax, the square of the sine within 1.4e-6.
_SINE = (3.14158202138229, -5.167142764824046, 2.541898718615718, -0.5546353597005786)


def fold(model: nn.Module) -> None:
    """Replace the slow modules of a loaded Kokoro model by the ones below; nothing else changes."""
    for slow, fast in ((AdaINResBlock1, _ResidualBlock), (ConvWeighted, _Convolution), (AdaIN1d, _AdaptiveNorm)):
        found = [(name, fast(module)) for name, module in model.named_modules() if type(module) is slow]
        model.update_modules(tree_unflatten(found))


class _Convolution(ConvWeighted):  # type: ignore[misc]
    """`ConvWeighted` with its weight norm folded; a subclass because the text encoder asks for one."""

    def __init__(self, source: ConvWeighted) -> None:
        nn.Module.__init__(self)
        self.stride, self.padding = source.stride, source.padding
        self.dilation, self.groups = source.dilation, source.groups
        self.weight = weight_norm(source.weight_v, source.weight_g, dim=0)
        self.bias = source.bias

    def __call__(self, x: mx.array, convolve: Callable[..., mx.array]) -> mx.array:
        straight = x.shape[-1] == self.weight.shape[-1] or self.groups > 1
        weight = self.weight if straight else self.weight.T
        y = convolve(x, weight, self.stride, self.padding, dilation=self.dilation, groups=self.groups)
        return y if self.bias is None else y + self.bias


class _AdaptiveNorm(nn.Module):
    """`AdaIN1d`: instance norm and style as one multiply-add, for (N, C, T) like the original."""

    def __init__(self, source: AdaIN1d) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.fc, self.eps = source.fc, source.norm.eps

    def scale_and_shift(self, x: mx.array, style: mx.array) -> tuple[mx.array, mx.array]:
        """For x of (N, T, C): what to multiply with and what to add, both (N, 1, C)."""
        gamma, beta = mx.split(self.fc(style)[:, None], 2, axis=-1)
        scale = (1 + gamma) * mx.rsqrt(x.var(axis=1, keepdims=True) + self.eps)
        return scale, beta - x.mean(axis=1, keepdims=True) * scale

    def __call__(self, x: mx.array, style: mx.array) -> mx.array:
        x = x.swapaxes(1, 2)
        scale, shift = self.scale_and_shift(x, style)
        return (x * scale + shift).swapaxes(1, 2)


class _ResidualBlock(nn.Module):
    """`AdaINResBlock1`, for (N, C, T) like the original; channels-last inside.

    Snake is u + sin^2(a u) / a. With t = a u / pi it is (pi t + sin^2(pi t)) / a; a / pi joins the
    AdaIN before it and 1 / a the convolution after it.
    """

    def __init__(self, source: AdaINResBlock1) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.halves = [
            half
            for i in range(len(source.convs1))
            for half in (
                _Half(source.adain1[i], source.alpha1[i], source.convs1[i]),
                _Half(source.adain2[i], source.alpha2[i], source.convs2[i]),
            )
        ]

    def __call__(self, x: mx.array, style: mx.array) -> mx.array:
        x = mx.contiguous(x.swapaxes(1, 2))
        for first, second in zip(self.halves[::2], self.halves[1::2], strict=True):
            x = x + second(first(x, style), style)
        return x.swapaxes(1, 2)


class _Half(nn.Module):
    """AdaIN, Snake and convolution on (N, T, C)."""

    def __init__(self, norm: AdaIN1d, alpha: mx.array, convolution: ConvWeighted) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        alpha = alpha.reshape(-1)
        self.norm = _AdaptiveNorm(norm)
        self.frequency = alpha / math.pi
        self.convolution = _Convolution(convolution)
        self.convolution.weight = self.convolution.weight / alpha

    def __call__(self, x: mx.array, style: mx.array) -> mx.array:
        scale, shift = self.norm.scale_and_shift(x, style)
        t = x * (scale * self.frequency) + shift * self.frequency
        return self.convolution(t * math.pi + _sine_squared(t), mx.conv1d)


def _sine_squared(t: mx.array) -> mx.array:
    """sin^2(pi t), which has period 1."""
    r = t - mx.round(t)
    q = r * r
    sine = q * _SINE[3] + _SINE[2]
    sine = sine * q + _SINE[1]
    sine = sine * q + _SINE[0]
    return mx.square(sine * r)
