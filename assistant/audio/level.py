"""Loudness, as everything here measures it."""

from __future__ import annotations

import math

import numpy as np

from assistant.messages import Samples

SILENCE_DB = -120.0
AUDIBLE_DB = -50.0
"""What is heard of a loudspeaker: RMS of a 10 ms frame, dBFS (DIALOGUE.md)."""


def crest_db(samples: Samples) -> float:
    """Peak over RMS of (n,) samples, dB: of 32 ms of a voice 9, of a key's click 16 (medians); 0 for silence."""
    power = float(np.dot(samples, samples)) / max(len(samples), 1)
    return 10 * math.log10(float(np.square(samples).max()) / power) if power > 1e-12 else 0.0


def level_db(samples: Samples) -> float:
    """RMS of (n,) samples in dBFS, -120 for silence and for nothing."""
    power = float(np.dot(samples, samples)) / max(len(samples), 1)
    return 10 * math.log10(power) if power > 1e-12 else SILENCE_DB
