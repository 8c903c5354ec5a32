"""Sample-rate conversion of a running stream, block by block, without the lag of a block."""

from __future__ import annotations

import numpy as np

from assistant.messages import Samples

_HALF_TAPS = 16
"""Windowed-sinc taps on each side: 0.7 ms of delay at 24 kHz, and 60 dB of stop band."""


class StreamResampler:
    """Converts a stream so that every 10 ms in is exactly 10 ms out, 16 input samples late.

    soxr's stream holds back a varying number of samples, which would let the echo canceller's
    reference fall behind the microphone; see Smith, "Digital Audio Resampling", for the method.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._ratio = from_hz / to_hz
        self._cutoff = min(1.0, to_hz / from_hz) * 0.95
        self._history = np.zeros(2 * _HALF_TAPS, np.float32)
        self._in_count = 0
        self._out_count = 0
        self._weights: dict[tuple[float, int], np.ndarray[tuple[int, int], np.dtype[np.float32]]] = {}

    def process(self, samples: Samples, n_out: int) -> Samples:
        """Take the next input block and give the `n_out` samples that belong to the same time."""
        if not samples.any() and not self._history.any():
            self._in_count += len(samples)
            self._out_count += n_out
            return np.zeros(n_out, np.float32)
        buffer = np.concatenate([self._history, samples])
        first = self._out_count * self._ratio - self._in_count + _HALF_TAPS  # in buffer coordinates, minus the delay
        weights, indices = self._taps(round(first, 9), n_out)
        self._history = buffer[-2 * _HALF_TAPS :]
        self._in_count += len(samples)
        self._out_count += n_out
        taken = buffer[np.minimum(indices, len(buffer) - 1)]
        out: Samples = (taken * weights).sum(axis=1, dtype=np.float32)
        return out

    def _taps(self, first: float, n_out: int) -> tuple[Samples, np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
        positions = first + np.arange(n_out) * self._ratio
        whole = np.floor(positions).astype(np.int64)
        offsets = np.arange(-_HALF_TAPS + 1, _HALF_TAPS + 1)
        indices = whole[:, None] + offsets[None, :]
        key = (round(first - np.floor(first), 6), n_out)
        if key not in self._weights:
            distance = offsets[None, :] - (positions - whole)[:, None]
            window = 0.5 + 0.5 * np.cos(np.pi * distance / _HALF_TAPS)
            self._weights[key] = (self._cutoff * np.sinc(self._cutoff * distance) * window).astype(np.float32)
        return self._weights[key], indices
