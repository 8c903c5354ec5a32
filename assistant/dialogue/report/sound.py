"""A dialogue's sound inside a page: small, whole, and playable in every browser."""

from __future__ import annotations

import base64
import io

import numpy as np
import soundfile
import soxr

from assistant.dialogue.trace import Trace
from assistant.messages import MIC_RATE_HZ, Samples

_LEVELS = 2**11
"""12 bits a sample: what is lost lies at -74 dBFS, and FLAC takes half of the room that 16 would."""


def flac(trace: Trace) -> bytes:
    """Both sides at 16 kHz, microphone left, loudspeaker right.

    FLAC, since it starts at any sample asked for, and Safari plays Opus only from 18.4 on.
    """
    played = soxr.resample(trace.loudspeaker, trace.speaker_rate_hz, MIC_RATE_HZ)
    both = np.zeros((max(len(trace.microphone), len(played)), 2), np.float32)
    both[: len(trace.microphone), 0] = _rounded(trace.microphone)
    both[: len(played), 1] = _rounded(played)
    file = io.BytesIO()
    soundfile.write(file, both, MIC_RATE_HZ, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def data_uri(sound: bytes) -> str:
    """FLAC as the address of itself."""
    return f"data:audio/flac;base64,{base64.b64encode(sound).decode()}"


def _rounded(samples: Samples) -> Samples:
    return (np.round(np.clip(samples, -1, 1 - 1 / _LEVELS) * _LEVELS) / _LEVELS).astype(np.float32)
