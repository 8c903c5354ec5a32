"""Voicing: what repeats itself, and what resembles what was played."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.audio.voicing import VOICING_SAMPLES, VoicingJudge, periodicity, resemblance
from assistant.messages import Samples

NOISE = np.random.default_rng(0).standard_normal(16000).astype(np.float32)


def vowel(hz: float, samples: int = VOICING_SAMPLES) -> Samples:
    """A pulse train, darkened."""
    return np.asarray(0.9 ** (np.arange(samples) % (16000 / hz)), np.float32)


@pytest.mark.parametrize("gain", [1e-3, 0.1, 1])
@pytest.mark.parametrize("hz", [75, 125, 250, 390])
def test_a_vowel_is_periodic(hz: float, gain: float) -> None:
    """Of a man, a woman or a child, at any loudness."""
    assert periodicity(vowel(hz) * np.float32(gain)) > 0.8


def test_noise_clicks_hum_and_silence_are_not() -> None:
    """Hum is slower than any voice."""
    click = np.zeros(VOICING_SAMPLES, np.float32)
    click[700:760] = NOISE[:60]
    for sound in (NOISE[:VOICING_SAMPLES], click, np.zeros(VOICING_SAMPLES, np.float32)):
        assert periodicity(sound) < 0.3


def test_an_echo_resembles_what_was_played_and_another_voice_does_not() -> None:
    """However late and soft."""
    played = vowel(110, 9000) * NOISE[:9000].clip(0.5, 1)
    assert resemblance(played[3000 : 3000 + VOICING_SAMPLES] * np.float32(0.01), played) > 0.95
    assert resemblance(vowel(173), played) < 0.6
    assert resemblance(NOISE[-VOICING_SAMPLES:], played) < 0.3


@pytest.mark.parametrize(
    ("left", "heard", "proof", "anything"),
    [
        (0.1, 0.1, True, True),
        (0.1, 0.3, True, True),
        (0.001, 0.001, False, True),
        (0.01, 1.0, False, False),
        (0.05, 1.0, False, True),
    ],
)
def test_a_pitch_proves_nothing_when_it_is_soft(left: float, heard: float, proof: bool, anything: bool) -> None:
    """Near the canceller's own noise, or far under the echo that was just heard."""
    judge = VoicingJudge()
    chunk = vowel(125, 512)
    for _ in range(100):
        judge.learn(NOISE[:512] * np.float32(1e-3), chunk * np.float32(1e-3))
    found = judge.judge(vowel(125) * np.float32(left), chunk * np.float32(heard))
    assert found.periodicity > 0.8
    assert (found.pitch > 0.5) == proof
    assert found.left == anything
    assert judge.judge(NOISE[:VOICING_SAMPLES], chunk).pitch == 0
