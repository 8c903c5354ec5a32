"""Has speech begun? Decided from the detectors' chunks."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import takewhile

from assistant import config
from assistant.messages import MIC_RATE_HZ

CHUNK_SAMPLES = 512
"""Silero's own step, 32 ms."""
LOOK_BACK_CHUNKS = 64
"""2 s: longer than any window's tail, so that speech held back by one is still found whole."""


@dataclass(frozen=True, slots=True)
class Voice:
    """What the detectors make of one chunk of 32 ms."""

    start: int
    """Sample index of its first sample."""
    end: int
    probability: float
    """Silero's."""
    speech: bool
    """Silero's decision, with hysteresis."""
    agreed: float
    """Share of its 10 ms frames that webrtcvad takes for speech."""


@dataclass(frozen=True, slots=True)
class Began:
    """Speech has begun."""

    speech_start: int
    """Sample index of the first chunk that may belong to it."""
    speech_end: int
    """Sample index after the newest."""
    voiced_samples: int
    """How much of what lies between may be speech."""


class Onset:
    """Pure decider over the latest two seconds of chunks.

    Args:
        settings: The `[vad]` section.
        gap_ms: Longest gap between chunks that may be speech within one beginning.
    """

    def __init__(self, settings: config.Vad, gap_ms: float) -> None:
        self._settings = settings
        self._gap_samples = gap_ms * MIC_RATE_HZ / 1000
        self._recent: deque[Voice] = deque(maxlen=LOOK_BACK_CHUNKS)

    @property
    def under_way(self) -> bool:
        """The newest chunk may be the beginning of speech."""
        return bool(self._recent) and self._recent[-1].probability >= self._settings.continue_probability

    def feed(self, voice: Voice) -> None:
        """Take the next chunk."""
        self._recent.append(voice)

    def began(self, since: int = 0) -> Began | None:
        """Whether speech has begun with the newest chunk; chunks that start before sample `since` prove nothing."""
        least = self._settings.start_probability
        run = list(takewhile(lambda v: v.probability >= least and v.start >= since, reversed(self._recent)))
        if not run or run[0].end - run[-1].start < self._settings.start_ms * MIC_RATE_HZ / 1000:
            return None
        if sum(voice.agreed for voice in run) < len(run) / 2:
            return None  # webrtcvad refuses what has no energy of its own, as a click's ring in the room
        return self._all_of_it()

    def _all_of_it(self) -> Began:
        end = self._recent[-1].end
        start, voiced = end, 0
        for voice in reversed(self._recent):
            if start - voice.end > self._gap_samples:
                break
            if voice.probability >= self._settings.continue_probability:
                start = voice.start
                voiced += voice.end - voice.start
        return Began(start, end, voiced)
