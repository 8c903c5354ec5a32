"""What `assistant devices test` plays and measures, on a clock moved by hand."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.audio.device_test import TEST_RATE_HZ, DeviceTest, Signal
from assistant.audio.resample import StreamResampler
from assistant.messages import FRAME_SAMPLES, MIC_RATE_HZ, Frame, Samples

BLOCK = TEST_RATE_HZ // 50


class Desk:
    """Plays into its own microphone, `round_trip_s` late."""

    def __init__(self, signal: Signal, round_trip_s: float = 0.1, gain: float = 0.1) -> None:
        self.now_s = 0.0
        self.test = DeviceTest(signal, lambda: self.now_s)
        self.played: list[Samples] = []
        self._late = round(round_trip_s / 0.02)
        self._gain = gain
        self._rng = np.random.default_rng(0)

    def run(self, seconds: float) -> None:
        """Blocks of 20 ms."""
        resampler = StreamResampler(TEST_RATE_HZ, MIC_RATE_HZ)
        for index in range(round(seconds / 0.02)):
            self.now_s = index * 0.02
            heard = self.played[index - self._late] if index >= self._late else np.zeros(BLOCK, np.float32)
            self.played.append(self.test.pull(BLOCK, self.now_s))
            samples = self._gain * resampler.process(heard, 2 * FRAME_SAMPLES)
            samples += self._rng.normal(0, 1e-3, len(samples)).astype(np.float32)
            for half in np.split(samples, 2):
                self.test.hear(Frame(0, half, np.zeros_like(half)))


@pytest.mark.parametrize("round_trip_s", [0.06, 0.2, 0.7])
def test_clicks_measure_the_round_trip(round_trip_s: float) -> None:
    """From handing over to hearing, for every click."""
    desk = Desk("clicks", round_trip_s)
    desk.run(6)
    trips_ms = desk.test.round_trips_ms()
    assert len(trips_ms) in (6, 7)
    assert np.allclose(trips_ms, 1000 * round_trip_s)


def test_clicks_that_do_not_come_back() -> None:
    """As with headphones: nothing is measured."""
    desk = Desk("clicks", gain=0.0)
    desk.run(6)
    assert desk.test.round_trips_ms() == []


def test_a_tone_is_played_once() -> None:
    """An A of a second and a half, without a click at either end, and heard as a level."""
    desk = Desk("tone")
    desk.run(3)
    sound = np.concatenate(desk.played)
    spectrum = np.abs(np.fft.rfft(sound[:TEST_RATE_HZ]))
    assert int(np.argmax(spectrum)) == 440
    assert np.abs(np.diff(sound)).max() < 0.04
    assert not sound[2 * TEST_RATE_HZ :].any()
    assert -35 < desk.test.peak_db < -30
    assert desk.test.level_db < -55


def test_nothing_is_played_unasked() -> None:
    """The level alone is shown."""
    desk = Desk("silence")
    desk.run(1)
    assert not np.concatenate(desk.played).any()
