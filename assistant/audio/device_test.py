"""What `assistant devices test` plays and measures: a tone, clicks, the microphone's level."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Literal, TypeAlias

import numpy as np

from assistant.audio.level import SILENCE_DB, level_db
from assistant.messages import Frame, Samples

Signal: TypeAlias = Literal["silence", "tone", "clicks"]

TEST_RATE_HZ = 24_000
CLICK_EVERY_S = 0.8
"""Longer than the round trip of any headset, so that no click is taken for the next."""
_CLICK_AFTER_S = 0.5
_CLICK_S = 0.004
_TONE_HZ = 440.0
_TONE_S = 1.5
_AMPLITUDE = 0.3
_FADE_S = 0.02
_OVER_NOISE = 4.0
"""12 dB over what is usual in the half second before it: a click was heard."""


@dataclass(slots=True, eq=False)
class _Heard:
    arrived_s: float
    samples: Samples


class DeviceTest:
    """Give `pull` to a desk, and its frames to `hear`.

    Args:
        signal: What is played.
        now_s: A clock, readable from any thread.
    """

    def __init__(self, signal: Signal, now_s: Callable[[], float]) -> None:
        self._signal: Signal = signal
        self._now_s = now_s
        self._played = 0
        self._clicked_s: list[float] = []
        self._heard: list[_Heard] = []  # of one test: some seconds
        self.level_db = SILENCE_DB
        """Of the latest 10 ms."""
        self.peak_db = SILENCE_DB
        """The loudest 10 ms so far."""

    def pull(self, count: int, at_s: float) -> Samples:
        """See ports.Pull."""
        start = self._played
        self._played += count
        match self._signal:
            case "tone":
                return _tone(start, count)
            case "clicks":
                return self._click(start, count)
            case "silence":
                return np.zeros(count, np.float32)

    def hear(self, frame: Frame) -> None:
        """Take the next frame."""
        self._heard.append(_Heard(self._now_s(), frame.samples))
        self.level_db = level_db(frame.samples)
        self.peak_db = max(self.peak_db, self.level_db)

    def round_trips_ms(self) -> list[float]:
        """From the moment a click was handed over to the moment its frame came, for each click that came back."""
        found = (self._round_trip_s(clicked_s) for clicked_s in self._clicked_s)
        return [1000 * seconds for seconds in found if seconds is not None]

    def _round_trip_s(self, clicked_s: float) -> float | None:
        after = [heard for heard in self._heard if 0 <= heard.arrived_s - clicked_s < CLICK_EVERY_S]
        before = [heard for heard in self._heard if -_CLICK_AFTER_S <= heard.arrived_s - clicked_s < 0]
        if not after or not before:
            return None
        noise = median(_peak(heard) for heard in before)
        loudest = max(after, key=_peak)
        return loudest.arrived_s - clicked_s if _peak(loudest) > _OVER_NOISE * noise else None

    def _click(self, start: int, count: int) -> Samples:
        out = np.zeros(count, np.float32)
        every, first = round(CLICK_EVERY_S * TEST_RATE_HZ), round(_CLICK_AFTER_S * TEST_RATE_HZ)
        if start >= first and (start - first) % every < count:  # at the beginning of a block, whose moment is known
            self._clicked_s.append(self._now_s())
            length = min(round(_CLICK_S * TEST_RATE_HZ), count)
            out[:length] = _AMPLITUDE * np.sin(2 * np.pi * 2000 / TEST_RATE_HZ * np.arange(length))
        return out


def _peak(heard: _Heard) -> float:
    return float(np.abs(heard.samples).max())


def _tone(start: int, count: int) -> Samples:
    """A second and a half of A, faded at both ends, then silence."""
    time_s = (start + np.arange(count)) / TEST_RATE_HZ
    envelope = np.clip(np.minimum(time_s, _TONE_S - time_s) / _FADE_S, 0, 1)
    out: Samples = (_AMPLITUDE * envelope * np.sin(2 * np.pi * _TONE_HZ * time_s)).astype(np.float32)
    return out
