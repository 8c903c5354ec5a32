"""How final the last words sound: a small learned model of level, pitch, lengthening and how much has been said.

Logistic regression on recordings of 258 voices in five languages (bench/endpoint.py, which repeats the fit). It never
needs another machine than the processor: some 1 ms at each pause.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from assistant.audio.voicing import autocorrelation
from assistant.messages import FRAME_SAMPLES, MIC_RATE_HZ, Samples

SPAN_SAMPLES = 3 * MIC_RATE_HZ // 2
"""What is listened to: the speaker's level and pitch, and how the last syllables differ from them."""
_PITCH_RATE_HZ = MIC_RATE_HZ // 2
_WINDOW = 512  # 64 ms at that rate: four periods of the lowest voice
_HOP = 160  # 20 ms
_LAGS = slice(_PITCH_RATE_HZ // 400, _PITCH_RATE_HZ // 65)
_HANN = np.hanning(_WINDOW).astype(np.float32)
_WINDOW_CORRELATION = autocorrelation(_HANN)[_LAGS]
_PREFERENCE = (1 - 0.02 * np.log2(np.arange(_LAGS.start, _LAGS.stop) / _LAGS.start)).astype(np.float32)
_VOICED_RANGE_DB = 25.0
_PERIODIC = 0.5
_LONGEST_MS = 800.0

FEATURES = (
    "level_end_db",
    "level_before_db",
    "pitch_end_st",
    "pitch_over_low_st",
    "pitch_slope_st_per_s",
    "last_syllable_ms",
    "last_voiced_ms",
    "said_log_ms",
)
"""Of the last 80 ms and the 120 ms before, over the loudest; semitones over the median and over the 10th percentile."""

MEANS = (-16.3, -12.5, -3.03, 1.54, -9.45, 222.0, 230.0, 8.23)
SCALES = (8.04, 7.76, 4.35, 3.78, 15.6, 141.0, 203.0, 0.773)
WEIGHTS = (-0.281, 0.0676, -0.656, -0.0161, 0.214, 0.203, -0.0817, 0.981)
BIAS = 0.26


def finality(samples: Samples, voiced_ms: float) -> float:
    """The probability that a pause is the end of what somebody has to say, by the sound before it.

    Args:
        samples: (n,) float32 at 16 kHz, up to the last voiced sample; the last 1.5 s count.
        voiced_ms: Speech so far, pauses left out.
    """
    return probability(features(samples, voiced_ms))


def probability(heard: NDArray[np.float64]) -> float:
    """The same, of (8,) features."""
    return 1 / (1 + math.exp(-float((heard - MEANS) / SCALES @ WEIGHTS) - BIAS))


def features(samples: Samples, voiced_ms: float) -> NDArray[np.float64]:
    """What the model hears, as FEATURES names it: (8,)."""
    said = math.log(voiced_ms + 100)
    span = samples[-SPAN_SAMPLES:]
    frames = span[len(span) % FRAME_SAMPLES :].reshape(-1, FRAME_SAMPLES)
    if not len(frames):
        return np.array([*MEANS[:-1], said])
    levels_db = _levels_db(frames)
    loudest_db = np.sort(levels_db)[-max(len(levels_db) // 20, 1)]
    over_db = np.maximum(levels_db - loudest_db, -50)
    pitch_st, last_voiced_ms = _pitch(span, float(loudest_db))
    return np.array(
        [
            over_db[-8:].mean(),
            over_db[-20:-8].mean() if len(over_db) > 8 else over_db.mean(),
            *_melody(pitch_st),
            _last_syllable_ms(over_db),
            last_voiced_ms,
            said,
        ]
    )


def _levels_db(frames: Samples) -> NDArray[np.float64]:
    power = np.einsum("ij,ij->i", frames, frames) / frames.shape[1]
    return np.asarray(10 * np.log10(power + 1e-10), np.float64)


def _pitch(span: Samples, loudest_db: float) -> tuple[NDArray[np.float64], float]:
    """Pitch every 20 ms, semitones over 100 Hz, NaN where there is none; how long the last stretch of it is, ms.

    The highest peak of the autocorrelation (Boersma 1993), short lags preferred so that no octave is lost.
    """
    halved = (span[len(span) % 2 :: 2] + span[len(span) % 2 + 1 :: 2]) * np.float32(0.5)
    halved = np.pad(halved, (max(_WINDOW - len(halved), 0), 0))
    halved = halved[(len(halved) - _WINDOW) % _HOP :]
    windows = np.lib.stride_tricks.sliding_window_view(halved, _WINDOW)[::_HOP]
    levels_db = _levels_db(windows)
    correlation = autocorrelation((windows - windows.mean(1, keepdims=True)) * _HANN)
    lags = correlation[:, _LAGS] / _WINDOW_CORRELATION * _PREFERENCE
    best = lags.argmax(1)
    voiced = (lags.max(1) > _PERIODIC) & (levels_db > loudest_db - _VOICED_RANGE_DB)
    pitch_st = np.where(voiced, 12 * np.log2(_PITCH_RATE_HZ / (best + _LAGS.start) / 100), np.nan)
    heard = np.flatnonzero(voiced)
    breaks = np.flatnonzero(~voiced[: heard[-1]]) if len(heard) else heard
    since = breaks[-1] if len(breaks) else -1
    return pitch_st, min((heard[-1] - since) * 20.0, _LONGEST_MS) if len(heard) else 0.0


def _melody(pitch_st: NDArray[np.float64]) -> tuple[float, float, float]:
    """The last 100 ms of pitch over the median and over the 10th percentile, and the slope of the last 300 ms."""
    heard = np.flatnonzero(~np.isnan(pitch_st))
    if len(heard) < 4:
        return 0.0, 0.0, 0.0
    median = float(np.median(pitch_st[heard]))
    tones = np.clip(pitch_st[heard], median - 9, median + 9)
    low, last = float(np.sort(tones)[len(tones) // 10]), float(np.median(tones[-5:]))
    times_s = (heard[-15:] - heard[-15:].mean()) * 0.02
    slope = float(times_s @ tones[-15:] / max(float(times_s @ times_s), 1e-6))
    return last - median, last - low, min(max(slope, -30.0), 30.0)


def _last_syllable_ms(over_db: NDArray[np.float64]) -> float:
    """From the end back to where the level is 4 dB under a later peak."""
    smooth = np.convolve(over_db, np.ones(5) / 5, "valid")[::-1] if len(over_db) >= 5 else over_db[::-1]
    peak = np.maximum.accumulate(smooth)
    dips = np.flatnonzero((smooth < peak - 4) & (peak > -18))
    return min(float(dips[0] if len(dips) else len(smooth)) * 10, _LONGEST_MS)
