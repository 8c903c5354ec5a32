"""Earcons: short soft tones that say what happens without a word. Off by default."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from assistant.messages import Samples
from assistant.metrics import TalkState

Earcon: TypeAlias = Literal["hearing", "got_it", "asleep", "awake", "lost"]

_NOTES_HZ: dict[Earcon, tuple[float, ...]] = {
    "hearing": (659.3,),
    "got_it": (523.3,),
    "asleep": (523.3, 392.0),
    "awake": (392.0, 523.3),
    "lost": (311.1, 311.1),
}
"""Rising opens, falling closes, one note answers, the same low one twice is trouble."""
_NOTE_MS, _FADE_MS = 70, 15


def earcon(name: Earcon, rate_hz: int, level_db: float) -> Samples:
    """A tone of 70 ms, or two.

    Args:
        name: What it says: somebody is heard, the turn is understood, asleep, awake, a device is lost.
        rate_hz: Sample rate of the result, 8000 or more.
        level_db: RMS of a note before its fades, dBFS.

    Returns:
        (n,) float32, n at most 140 ms; it begins and ends in silence.
    """
    count, ramp = rate_hz * _NOTE_MS // 1000, rate_hz * _FADE_MS // 1000
    envelope = np.ones(count)
    envelope[:ramp] = np.sin(np.linspace(0, np.pi / 2, ramp)) ** 2
    envelope[-ramp:] = envelope[ramp - 1 :: -1]
    amplitude = 2**0.5 * 10 ** (level_db / 20)
    at_s = np.arange(count) / rate_hz
    notes = [amplitude * envelope * np.sin(2 * np.pi * note_hz * at_s) for note_hz in _NOTES_HZ[name]]
    return np.concatenate(notes).astype(np.float32)


def earcon_between(before: TalkState, state: TalkState) -> Earcon | None:
    """The tone that says what has changed; None where it speaks for itself."""
    match before, state:
        case _, _ if before == state:
            return None
        case _, "asleep":
            return "asleep"
        case "asleep", _:
            return "awake"
        case _, "hearing":
            return "hearing"
        case "hearing", "thinking":
            return "got_it"
    return None
