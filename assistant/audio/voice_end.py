"""Where a voice really ended: Silero lets go a tenth of a second later, at times a quarter."""

from __future__ import annotations

from collections import deque

from assistant.audio.level import SILENCE_DB, level_db
from assistant.audio.onset import Voice
from assistant.messages import FRAME_SAMPLES, MIC_RATE_HZ, Samples

RANGE_DB = 25.0
"""What is so far under the loudest of an utterance is no longer its voice (DIALOGUE.md)."""
LATEST_MS = 250
"""Silero is believed beyond this: somebody may go on under his breath."""
_LATEST_SAMPLES = LATEST_MS * MIC_RATE_HZ // 1000
_FRAMES = _LATEST_SAMPLES // FRAME_SAMPLES + 8  # and those of the chunk that is being judged


class VoiceEnd:
    """Pure decider, fed with every frame and asked after every chunk of speech."""

    def __init__(self) -> None:
        self._levels: deque[tuple[int, float]] = deque(maxlen=_FRAMES)
        self._loudest_db = SILENCE_DB

    def add(self, start: int, samples: Samples) -> None:
        """Take the frame that begins at sample index `start`: (160,) at 16 kHz."""
        self._levels.append((start + len(samples), level_db(samples)))

    def begin(self) -> None:
        """Another utterance: what was loud before is nothing to it."""
        self._loudest_db = SILENCE_DB

    def after(self, voice: Voice) -> int:
        """Sample index after the last of the voice, once this chunk of speech is heard too."""
        inside = [level for end, level in self._levels if voice.start < end <= voice.end]
        self._loudest_db = max(self._loudest_db, *inside, SILENCE_DB)
        voiced = [end for end, level in self._levels if end <= voice.end and level >= self._loudest_db - RANGE_DB]
        return max(voiced[-1] if voiced else 0, voice.end - _LATEST_SAMPLES)
