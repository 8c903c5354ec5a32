"""The streaming resampler keeps time and pitch."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.audio.resample import StreamResampler
from assistant.messages import Samples


def stream(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """Convert 10 ms at a time, as a desk does."""
    resampler, taken = StreamResampler(from_hz, to_hz), 0
    out: list[Samples] = []
    while taken < len(samples):
        count = round((len(out) + 1) * from_hz / 100) - taken
        out.append(resampler.process(samples[taken : taken + count], to_hz // 100))
        taken += count
    return np.concatenate(out)


@pytest.mark.parametrize("from_hz", [16000, 22050, 24000, 44100, 48000])
def test_a_tone_comes_out_in_time(from_hz: int) -> None:
    """Same pitch and level, late by 16 input samples and no more, whatever the rate."""
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(from_hz) / from_hz)
    expected = 0.5 * np.sin(2 * np.pi * 1000 * (np.arange(16000) / 16000 - 16 / from_hz))
    out = stream(tone.astype(np.float32), from_hz, 16000)
    assert np.abs(out[200:] - expected[200:]).max() < 1e-3


@pytest.mark.parametrize("hz", [9000, 11000])
def test_what_the_lower_rate_cannot_hold_is_gone(hz: int) -> None:
    """Nothing folds back into the speech band."""
    tone = 0.5 * np.sin(2 * np.pi * hz * np.arange(24000) / 24000)
    assert np.abs(stream(tone.astype(np.float32), 24000, 16000)[200:]).max() < 0.005


def test_silence_costs_and_makes_nothing() -> None:
    """After silence the next sound is in time all the same."""
    sound = np.zeros(4800, np.float32)
    sound[2400] = 1.0
    out = stream(sound, 24000, 16000)
    assert not out[:1590].any()
    assert int(np.abs(out).argmax()) == pytest.approx(1600 + 16 * 2 / 3, abs=1)
