"""The echo window: when the microphone may hear the loudspeaker, and how late.

Nothing is discarded inside the window. With a canceller speech that begins there must show in double-talk
detection; without one nothing begins there, but speech that goes on past the end is taken up from
the last audible sample on.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from assistant import config
from assistant.audio.level import AUDIBLE_DB, level_db
from assistant.messages import FRAME_MS, MIC_RATE_HZ, Frame

LONGEST_LAG_MS = 1000
UNLEARNED_DELAY_MS = 400.0
"""The echo's delay, beyond the reported latency, until it is learned: Bluetooth may report 20 ms and take 300."""

_REMEMBERED_SPANS = 256
_ENVELOPE_FRAMES = 3000 // FRAME_MS
_LAG_FRAMES = LONGEST_LAG_MS // FRAME_MS
_FLOOR_DB = -70.0
_LEARN_EVERY_FRAMES = 500 // FRAME_MS
_LEAST_CORRELATION = 0.6
"""Echo alone correlates by 0.9 and more, with a user talking over it by 0.4 to 0.8 (measured)."""
_LEAST_TO_CHANGE = 0.8
"""A user's word after a short reply passes for its late echo by 0.6 to 0.7 (measured)."""
_GAIN_TO_CHANGE = 0.1
_FRAMES_TO_CHANGE = 1000 // FRAME_MS
"""In the first half second of a reply any delay fits by 0.9: words of equal length were taken for echoes of each other,
up to a second late, which shut the bar."""


class EchoDelay:
    """Learns how late the echo is, by correlating the envelopes (dB) of what was played and heard."""

    def __init__(self) -> None:
        self.ms: float | None = None
        self.restart()

    def restart(self) -> None:
        """Begin a new stretch of sound before which nothing was played; what was learned is kept."""
        self._played = deque([_FLOOR_DB] * _LAG_FRAMES, maxlen=_LAG_FRAMES + _ENVELOPE_FRAMES)
        self._heard: deque[float] = deque(maxlen=_ENVELOPE_FRAMES)
        self._frames = 0

    def feed(self, played_db: float, heard_db: float) -> None:
        """Take the levels of the next 10 ms; twice a second, look for the delay that fits best."""
        self._played.append(max(played_db, _FLOOR_DB))
        self._heard.append(max(heard_db, _FLOOR_DB))
        self._frames += 1
        if self._frames % _LEARN_EVERY_FRAMES == 0:
            self._learn()

    def _learn(self) -> None:
        heard = np.array(self._heard)
        played = np.lib.stride_tricks.sliding_window_view(np.array(self._played), len(heard))
        heard = heard - heard.mean()
        played = played - played.mean(axis=1, keepdims=True)
        norms = np.sqrt((played**2).sum(axis=1) * (heard**2).sum())
        correlation = (played * heard).sum(axis=1) / np.maximum(norms, 1e-9)
        best = int(np.argmax(correlation))
        if self.ms is None:
            found = correlation[best] >= _LEAST_CORRELATION
        else:
            now = correlation[_LAG_FRAMES - round(self.ms / FRAME_MS)]
            enough = len(heard) >= _FRAMES_TO_CHANGE
            found = enough and correlation[best] >= max(_LEAST_TO_CHANGE, now + _GAIN_TO_CHANGE)
        if found:
            self.ms = float((_LAG_FRAMES - best) * FRAME_MS)


class EchoWindow:
    """Open from the first audible sample played until its echo must be over; it closes by itself.

    Args:
        settings: The `[echo]` section.
        latency_ms: What the output device reports.
    """

    def __init__(self, settings: config.Echo, latency_ms: float) -> None:
        self._settings = settings
        self._latency_ms = latency_ms
        self._delay = EchoDelay()
        self.open = False
        self.blind = False
        """Open for a sound of which nothing is known."""
        self.opened = 0
        """Sample index at which the window, or the one before, opened."""
        self.closed = 0
        """Sample index at which the window before closed."""
        self.last_audible = 0
        """Sample index after the last audible sample played."""
        self.spans: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED_SPANS)
        """The latest windows, closed: sample indices from and to."""
        self._audible_ms = 0

    @property
    def delay_ms(self) -> float | None:
        """From the converter to the microphone, as learned; None before."""
        return self._delay.ms

    @property
    def hold_ms(self) -> float:
        """How long after the last audible sample the window stays open."""
        return self.echo_after_ms + self._settings.tail_ms

    @property
    def echo_heard_ms(self) -> float:
        """Audible sound whose echo has arrived since the stream began: what a canceller had to learn from."""
        return max(self._audible_ms - self.echo_after_ms, 0)

    @property
    def echo_after_ms(self) -> float:
        """How late the echo is, at most: as learned, and before that as latest."""
        learned = self._delay.ms
        return self._latency_ms + UNLEARNED_DELAY_MS if learned is None else max(self._latency_ms, learned)

    def expect(self, at: int) -> None:
        """Open, as if something audible had been played until sample `at`: nobody knows what was."""
        self.open, self.opened, self.last_audible = True, at, at
        self.blind = True

    def feed(self, frame: Frame) -> None:
        """Take the next 10 ms of what was played and heard."""
        now = frame.start + len(frame.samples)
        played_db = level_db(frame.reference)
        if played_db >= AUDIBLE_DB:
            if not self.open:
                self.open, self.opened = True, frame.start
                self._delay.restart()
            self.last_audible = now
            self.blind = False
            self._audible_ms += FRAME_MS
        if not self.open:
            return
        self._delay.feed(played_db, level_db(frame.samples))
        if now >= self.last_audible + self.hold_ms * MIC_RATE_HZ / 1000:
            self.open, self.blind, self.closed = False, False, now
            self.spans.append((self.opened, now))

    def holds(self, index: int) -> bool:
        """Whether a sample lies in the window that is open, or in the last one that was."""
        return self.opened <= index and (self.open or index < self.closed)
