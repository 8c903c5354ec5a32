"""Frames and verdicts of nobody's speech, for the state machines that make turns of them."""

from __future__ import annotations

import numpy as np

from assistant.audio.onset import Voice
from assistant.messages import FRAME_SAMPLES, TurnEvent

FRAMES_PER_CHUNK = 3
CHUNK = FRAMES_PER_CHUNK * FRAME_SAMPLES  # 30 ms here: no test depends on 512


def frame_at(start: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Samples that tell where they come from."""
    return np.arange(start, start + FRAME_SAMPLES, dtype=np.float32)


def chunk_at(start: int, speech: bool) -> Voice:
    """The chunk that begins at a sample."""
    return Voice(start, start + CHUNK, float(speech), speech, 1.0)


def kinds(events: list[tuple[int, TurnEvent]]) -> list[str]:
    """Names of the events."""
    return [type(event).__name__ for _, event in events]
