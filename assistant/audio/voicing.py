"""Is what the canceller leaves voiced, and whose voice is it?

A vowel repeats itself, a click does not. So does the echo that a canceller lets pass, but it still resembles what
was played: its pitch is that of the loudspeaker, half a second ago at most.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assistant.audio.level import level_db
from assistant.messages import MIC_RATE_HZ, Samples

VOICING_SAMPLES = 1024
"""64 ms: four periods of the lowest voice."""
_LAGS = slice(MIC_RATE_HZ // 400, MIC_RATE_HZ // 70)
_WINDOW = np.hanning(VOICING_SAMPLES).astype(np.float32)

PERIODIC_FROM, PERIODIC_TO = 0.5, 0.8
OVER_FLOOR_FROM_DB, OVER_FLOOR_TO_DB = 10.0, 20.0
"""Over its noise floor: AEC3's own noise has a pitch at times."""
UNDER_ECHO_FROM_DB, UNDER_ECHO_TO_DB = -26.0, -16.0
"""Under what the microphone has just heard: in a silent room the last of a reverberation has a pitch too."""
NOTHING_LEFT_DB = -40.0
FLOOR_UP_DB, FLOOR_DOWN_DB, LEAST_FLOOR_DB = 0.05, 1.0, -75.0
LOUDEST_DOWN_DB = 1.0


def autocorrelation(windows: Samples) -> Samples:
    """Of windows (..., n) at the lags from 0 to n - 1, over that at lag 0: (..., n)."""
    samples = windows.shape[-1]
    power = np.square(np.abs(np.fft.rfft(windows, 2 * samples)))
    correlation = np.fft.irfft(power)[..., :samples]
    return np.asarray(correlation / np.maximum(correlation[..., :1], 1e-9), np.float32)


_WINDOW_CORRELATION = autocorrelation(_WINDOW) + np.float32(1e-9)


def periodicity(samples: Samples) -> float:
    """How much of a sound repeats itself 70 to 400 times a second: a vowel 0.8, a click 0.1 (Boersma 1993).

    Args:
        samples: (1024,) float32 at 16 kHz.
    """
    centred: Samples = (samples - samples.mean()) * _WINDOW
    return float((autocorrelation(centred) / _WINDOW_CORRELATION)[_LAGS].max())


def resemblance(samples: Samples, played: Samples) -> float:
    """The highest correlation with any stretch of what was played, 0 to 1.

    Echo alone has 0.6 at the median, a user beside it 0.3 (measured, of what AEC3 leaves).

    Args:
        samples: (1024,) float32 at 16 kHz.
        played: (n,) the same, n over 1024.
    """
    size = 1 << (len(played) + VOICING_SAMPLES).bit_length()
    moments = np.fft.rfft([played, np.square(played)], size)
    against = np.conj(np.fft.rfft([samples * _WINDOW, _WINDOW], size))
    product, energy = np.fft.irfft(moments * against)[:, : len(played) - VOICING_SAMPLES + 1]
    own = float(np.dot(np.square(samples), _WINDOW))
    return float((np.abs(product) / np.sqrt(np.maximum(energy, 1e-6) * max(own, 1e-9))).max())


def share(value: float, least: float, most: float) -> float:
    """Where a value lies between two others, 0 to 1."""
    return min(max((value - least) / (most - least), 0), 1)


@dataclass(frozen=True, slots=True)
class Voicing:
    """What is known of one chunk."""

    periodicity: float
    """See there."""
    pitch: float
    """How far that proves a voice, 0 to 1: by its loudness too."""
    left: bool
    """Something is left of it at all. Else Silero, which is slow to let go, speaks of what was there before."""


class VoicingJudge:
    """Keeps the levels against which a chunk is held."""

    def __init__(self) -> None:
        self._floor_db = -60.0
        self._loudest_db = -60.0

    def learn(self, left: Samples, heard: Samples) -> float:
        """Take the next chunk, (512,), as the canceller leaves it and as it was heard; the former's level, dB."""
        left_db = max(level_db(left), LEAST_FLOOR_DB)
        if left_db > self._floor_db:
            self._floor_db += FLOOR_UP_DB
        elif left_db < self._floor_db - FLOOR_DOWN_DB:
            self._floor_db -= FLOOR_DOWN_DB
        self._loudest_db = max(level_db(heard), self._loudest_db - LOUDEST_DOWN_DB)
        return left_db

    def judge(self, left: Samples, heard: Samples) -> Voicing:
        """Take the next chunk as for `learn`, `left` with the chunk before, (1024,)."""
        left_db = self.learn(left[-len(heard) :], heard)
        periodic, under_echo_db = periodicity(left), left_db - self._loudest_db
        return Voicing(
            periodic,
            share(periodic, PERIODIC_FROM, PERIODIC_TO)
            * share(left_db - self._floor_db, OVER_FLOOR_FROM_DB, OVER_FLOOR_TO_DB)
            * share(under_echo_db, UNDER_ECHO_FROM_DB, UNDER_ECHO_TO_DB),
            under_echo_db >= NOTHING_LEFT_DB,
        )
