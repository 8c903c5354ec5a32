"""Soft tones: short, without clicks, told apart, and as loud as asked."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from assistant.audio.earcons import Earcon, earcon, earcon_between
from assistant.audio.level import level_db
from assistant.config import Config
from assistant.metrics import TalkState

RATES_HZ = (8_000, 16_000, 24_000, 48_000)


@pytest.mark.parametrize("name", get_args(Earcon))
@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_an_earcon_is_short_soft_and_does_not_click(name: Earcon, rate_hz: int) -> None:
    """At most 150 ms, from silence to silence, with no step that a note of 660 Hz would not make."""
    tone = earcon(name, rate_hz, -30)
    assert tone.dtype == np.float32
    assert 0.05 <= len(tone) / rate_hz <= 0.15
    assert abs(tone[0]) < 1e-6 and abs(tone[-1]) < 1e-6
    peak = 2**0.5 * 10 ** (-30 / 20)
    assert np.abs(tone).max() <= peak * 1.001
    assert np.abs(np.diff(tone)).max() <= peak * 2 * np.pi * 660 / rate_hz
    assert -36 < level_db(tone) < -30


def test_each_says_something_else() -> None:
    """No two of them sound alike."""
    tones = {earcon(name, 24_000, -30).tobytes() for name in get_args(Earcon)}
    assert len(tones) == len(get_args(Earcon))


def test_the_level_is_the_one_asked_for() -> None:
    """6 dB more is twice the amplitude."""
    softly, louder = (np.abs(earcon("awake", 24_000, level)).max() for level in (-36.0, -30.0))
    assert louder / softly == pytest.approx(2, rel=0.01)


def test_they_are_off_by_default(config: Config) -> None:
    """Whoever wants them switches them on."""
    assert config.earcons.enabled is False


@pytest.mark.parametrize(
    ("before", "state", "name"),
    [
        ("listening", "listening", None),
        ("listening", "hearing", "hearing"),
        ("paused", "hearing", "hearing"),
        ("hearing", "thinking", "got_it"),
        ("speaking", "asleep", "asleep"),
        ("asleep", "listening", "awake"),
        ("asleep", "asleep", None),
        ("thinking", "speaking", None),
    ],
)
def test_which_change_has_a_tone(before: TalkState, state: TalkState, name: str | None) -> None:
    """Those that a user who does not look must know of."""
    assert earcon_between(before, state) == name
