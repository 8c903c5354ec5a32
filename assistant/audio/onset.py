"""Has speech begun? Decided from the detectors' chunks, against a bar that the echo may raise."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile

from assistant.messages import MIC_RATE_HZ

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
    level_db: float
    """RMS, dBFS."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One sufficient reason to say that speech has begun: so sure, for so long, so loud."""

    probability: float
    speech_ms: float
    level_db: float = -math.inf
    """At least one chunk of the run, or the one before it, is this loud (dBFS)."""
    since: int = 0
    """Sample index; chunks that start earlier do not count."""


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
        possible_probability: Silero's probability from which a chunk may be part of speech.
        gap_ms: Longest gap between such chunks within one beginning.
    """

    def __init__(self, possible_probability: float, gap_ms: float) -> None:
        self._possible_probability = possible_probability
        self._gap_samples = gap_ms * MIC_RATE_HZ / 1000
        self._recent: deque[Voice] = deque(maxlen=LOOK_BACK_CHUNKS)

    @property
    def under_way(self) -> bool:
        """The newest chunk may be the beginning of speech."""
        return bool(self._recent) and self._recent[-1].probability >= self._possible_probability

    def feed(self, voice: Voice, bars: Iterable[Bar]) -> Began | None:
        """Take the next chunk; one bar passed is enough."""
        self._recent.append(voice)
        return self._began() if any(self._passed(bar) for bar in bars) else None

    def _passed(self, bar: Bar) -> bool:
        newest_first = reversed(self._recent)
        run = list(takewhile(lambda v: v.probability >= bar.probability and v.start >= bar.since, newest_first))
        if not run or run[0].end - run[-1].start < bar.speech_ms * MIC_RATE_HZ / 1000:
            return False
        if sum(voice.agreed for voice in run) < len(run) / 2:
            return False  # webrtcvad refuses what has no energy of its own, as a click's ring in the room
        before = self._recent[-len(run) - 1].level_db if len(run) < len(self._recent) else -math.inf
        return max(before, *(voice.level_db for voice in run)) >= bar.level_db

    def _began(self) -> Began:
        end = self._recent[-1].end
        start, voiced = end, 0
        for voice in reversed(self._recent):
            if start - voice.end > self._gap_samples:
                break
            if voice.probability >= self._possible_probability:
                start = voice.start
                voiced += voice.end - voice.start
        return Began(start, end, voiced)
