"""Sample-rate conversion of a running stream, block by block, without the lag of a block."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from assistant.messages import Samples

_HALF_TAPS = 16
"""Windowed-sinc taps on each side: 0.7 ms of delay at 24 kHz, and 60 dB of stop band."""


class StreamResampler:
    """Converts a stream so that every 10 ms in is exactly 10 ms out, 16 input samples late.

    soxr's stream holds back a varying number of samples, which would let the echo canceller's
    reference fall behind the microphone; see Smith, "Digital Audio Resampling", for the method.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._from_hz, self._to_hz = from_hz, to_hz
        self._cutoff = min(1.0, to_hz / from_hz) * 0.95
        self._history = np.zeros(2 * _HALF_TAPS, np.float32)
        self._in_count = 0
        self._out_count = 0
        self._taps: dict[tuple[int, int, int], tuple[Samples, npt.NDArray[np.int64]]] = {}  # few: phases repeat

    def process(self, samples: Samples, n_out: int) -> Samples:
        """Take the next input block and give the `n_out` samples that belong to the same time."""
        if not samples.any() and not self._history.any():
            self._in_count += len(samples)
            self._out_count += n_out
            return np.zeros(n_out, np.float32)
        buffer = np.concatenate([self._history, samples])
        key = self._out_count * self._from_hz - self._in_count * self._to_hz, n_out, len(buffer)
        if key not in self._taps:
            self._taps[key] = self._taps_at(*key)
        weights, indices = self._taps[key]
        self._history = buffer[-2 * _HALF_TAPS :]
        self._in_count += len(samples)
        self._out_count += n_out
        out: Samples = (buffer[indices] * weights).sum(axis=1, dtype=np.float32)
        return out

    def _taps_at(self, phase: int, n_out: int, count: int) -> tuple[Samples, npt.NDArray[np.int64]]:
        """Weights and indices, (n_out, 32), in a buffer of so many samples; `phase` counts steps of 1 / to_hz."""
        first = phase / self._to_hz + _HALF_TAPS  # minus the delay
        positions = first + np.arange(n_out) * (self._from_hz / self._to_hz)
        whole = np.floor(positions).astype(np.int64)
        offsets = np.arange(-_HALF_TAPS + 1, _HALF_TAPS + 1)
        distance = offsets[None, :] - (positions - whole)[:, None]
        window = 0.5 + 0.5 * np.cos(np.pi * distance / _HALF_TAPS)
        weights = (self._cutoff * np.sinc(self._cutoff * distance) * window).astype(np.float32)
        return weights, np.minimum(whole[:, None] + offsets[None, :], count - 1)
