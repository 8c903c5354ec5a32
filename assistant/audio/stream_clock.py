"""Where a stream's samples lie on the talk's clock, smoothed over the timestamps of its callbacks."""

from __future__ import annotations

from collections import deque
from statistics import median

from assistant.messages import FRAME_SAMPLES, MIC_RATE_HZ

_LATEST = 15
"""0.3 s of blocks: PulseAudio's timestamps wander by 6 ms for a moment, a late callback by any amount."""
_FEWEST = 5


class StreamClock:
    """Counts a stream's samples from a beginning on the talk's clock, in units of 1/16000 s.

    The count is believed until the timestamps disagree with it by more than a frame in the median:
    then the beginning is moved by whole frames. That follows lost samples within 0.1 to 0.3 s, and
    100 ppm of drift by 10 ms every 100 s; in between, block joins block without a seam.
    """

    def __init__(self) -> None:
        self._beginning: int | None = None
        self._errors: deque[int] = deque(maxlen=_LATEST)
        self._excused = _LATEST
        self.losses = 0
        """Times that samples were lost and nobody told; not counted while the stream begins."""

    def place(self, first: int, at_s: float, lost: bool = False) -> int:
        """Index on the talk's clock of a block's first sample.

        Args:
            first: Samples of the stream before it, at 16 kHz, lost ones known of included.
            at_s: When the device says that it passed, or will pass, the converter.
            lost: The device says that samples were lost: what was measured before counts no longer.
        """
        index = round(at_s * MIC_RATE_HZ)
        if self._beginning is None:
            self._beginning = index - first
        self._excused -= self._excused > 0
        if lost:
            self._errors.clear()
            self._excused = _LATEST
        self._errors.append(index - first - self._beginning)
        if len(self._errors) >= _FEWEST:
            self._move(round(median(self._errors)))
        return self._beginning + first

    def _move(self, error: int) -> None:
        frames = round(error / FRAME_SAMPLES)
        if abs(error) > FRAME_SAMPLES and self._beginning is not None:
            self._beginning += frames * FRAME_SAMPLES
            self._errors.clear()
            self.losses += frames > 1 and not self._excused
