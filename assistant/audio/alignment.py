"""Pairs what is heard with what is played, by the moments at which both pass their converters."""

from __future__ import annotations

from collections import deque

import numpy as np

from assistant.messages import FRAME_SAMPLES, MIC_RATE_HZ, DeskOpened, Frame, Samples

LEAD_MS = 50
"""By which the reference leads the sound: devices' latencies are told with errors of 20 ms either way, and a
reference that lags its echo makes the canceller useless, while 30 to 400 ms of lead cost nothing (measured)."""
_LEAD = LEAD_MS * MIC_RATE_HZ // 1000
_PATIENCE = 60 * MIC_RATE_HZ // 1000
"""How long the microphone waits for the loudspeaker: longer than a block, or two that come at once."""
_REMEMBERED_BLOCKS = 256


class Aligner:
    """Cuts blocks of any length into frames on the talk's clock, each with its reference.

    Samples that come twice, since a clock was set back, are dropped; where some are missing, frames are.
    All indices count samples at 16 kHz from the beginning of the talk.

    Args:
        opened: Given with the first frame.
    """

    def __init__(self, opened: DeskOpened) -> None:
        self._opened: DeskOpened | None = opened
        self._start = 0
        self._heard = np.zeros(0, np.float32)
        self._played: deque[tuple[int, Samples]] = deque(maxlen=_REMEMBERED_BLOCKS)
        self._played_until = 0

    def played(self, start: int, samples: Samples) -> None:
        """Note (n,) samples handed to the loudspeaker, of which the first sounds at `start`."""
        self._played_until = start + len(samples)
        if samples.any():
            self._played.append((start, samples))

    def heard(self, start: int, samples: Samples) -> list[Frame]:
        """Take (n,) samples of the microphone; the frames that are now complete."""
        end = self._start + len(self._heard)
        frames: list[Frame] = []
        if start > end:
            frames = self._cut(patience=0)
            cut = -start % FRAME_SAMPLES
            self._start, self._heard = start + cut, samples[cut:]
        else:
            self._heard = np.concatenate([self._heard, samples[end - start :]])
        return frames + self._cut(_PATIENCE)

    def _cut(self, patience: int) -> list[Frame]:
        frames: list[Frame] = []
        while len(self._heard) >= FRAME_SAMPLES:
            known = self._played_until >= self._start + _LEAD + FRAME_SAMPLES
            if not known and len(self._heard) < FRAME_SAMPLES + patience:
                break
            samples, self._heard = self._heard[:FRAME_SAMPLES], self._heard[FRAME_SAMPLES:]
            frames.append(Frame(self._start, samples, self._reference(self._start + _LEAD), self._opened))
            self._opened = None
            self._start += FRAME_SAMPLES
        return frames

    def _reference(self, start: int) -> Samples:
        out = np.zeros(FRAME_SAMPLES, np.float32)
        while self._played and self._played[0][0] + len(self._played[0][1]) <= start:
            self._played.popleft()
        for begin, samples in self._played:
            low, high = max(begin, start), min(begin + len(samples), start + FRAME_SAMPLES)
            if low < high:
                out[low - start : high - start] = samples[low - begin : high - begin]
        return out
