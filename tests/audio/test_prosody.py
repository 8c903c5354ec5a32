"""How final a sound is: its features on made-up voices, and that the model takes them as they were learned."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.audio.prosody import FEATURES, MEANS, SCALES, WEIGHTS, features, finality
from assistant.messages import MIC_RATE_HZ, Samples


def voice(pitches_hz: list[float], levels_db: list[float]) -> Samples:
    """A buzz with a given pitch and level for each 20 ms; no pitch is noise."""
    step = MIC_RATE_HZ // 50
    frequency = np.repeat(pitches_hz, step)
    phase = np.cumsum(frequency) / MIC_RATE_HZ
    buzz = sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, 8))
    noise = np.random.default_rng(1).standard_normal(len(frequency))
    gain = 10 ** (np.repeat(levels_db, step) / 20)
    return np.asarray(np.where(frequency > 0, buzz, noise) * gain * 0.3, np.float32)


def heard(samples: Samples, voiced_ms: float = 2000) -> dict[str, float]:
    """The features by name."""
    return dict(zip(FEATURES, features(samples, voiced_ms), strict=True))


def test_the_fall_of_a_voice_is_measured_in_semitones() -> None:
    """A second at 200 Hz, then half a second down an octave."""
    falls = heard(voice([200.0] * 50 + list(np.geomspace(200, 100, 25)), [-10.0] * 75))
    assert falls["pitch_end_st"] < -6
    assert falls["pitch_slope_st_per_s"] == pytest.approx(-24, abs=8)
    level = heard(voice([200.0] * 75, [-10.0] * 75))
    assert level["pitch_end_st"] == pytest.approx(0, abs=0.3)
    assert level["pitch_slope_st_per_s"] == pytest.approx(0, abs=1)


def test_the_last_syllable_is_as_long_as_since_the_dip_before_it() -> None:
    long = heard(voice([150.0] * 75, [-10.0] * 45 + [-30.0] * 5 + [-10.0] * 25))
    short = heard(voice([150.0] * 75, [-10.0] * 60 + [-30.0] * 5 + [-10.0] * 10))
    assert long["last_syllable_ms"] - short["last_syllable_ms"] == pytest.approx(300, abs=40)


def test_a_voice_that_fades_has_a_lower_end() -> None:
    fades = heard(voice([150.0] * 75, [-10.0] * 70 + [-26.0] * 5))
    assert fades["level_end_db"] == pytest.approx(-14, abs=3)
    assert fades["level_before_db"] > -6


def test_where_there_is_no_pitch_there_is_no_melody() -> None:
    """Whispered."""
    whisper = heard(voice([0.0] * 75, [-20.0] * 75))
    assert [whisper[name] for name in FEATURES if "pitch" in name] == [0, 0, 0]


@pytest.mark.parametrize("samples", [0, 5, 160, 700, 30000])
def test_however_little_was_said_there_is_a_probability(samples: int) -> None:
    assert 0 < finality(np.zeros(samples, np.float32), 0) < 1


def test_who_has_said_more_is_more_likely_to_have_said_all() -> None:
    said = voice([150.0] * 75, [-10.0] * 75)
    assert finality(said, 400) < finality(said, 1500) < finality(said, 4000)


def test_there_is_a_weight_for_every_feature() -> None:
    assert len(FEATURES) == len(MEANS) == len(SCALES) == len(WEIGHTS)
