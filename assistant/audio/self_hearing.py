"""Is what was heard nothing but what was played, however late it came?

The canceller and double-talk detection know how late the echo is. When that changes at once, as when a sound
server or Bluetooth stalls and goes on, they take the echo for a user until they have learned it anew; words
misheard hide it from the comparison of texts. Here the sound itself is compared, at every delay there may be.
"""

from __future__ import annotations

import numpy as np

from assistant.audio.double_talk import NOISE_MARGIN_DB, WINDOW_SAMPLES, Latest, Levels, band_levels
from assistant.audio.echo import LONGEST_LAG_MS
from assistant.messages import FRAME_MS, FRAME_SAMPLES, MIC_RATE_HZ, Frame, Samples, Utterance

LATEST_MS = 1000
"""Compared is the end of what was heard: a user who goes on after the reply has fallen silent is no echo there."""
REMEMBERED_MS = 4000
ALIKE = 0.74
"""Correlation of the levels over time and bands: echo has 0.78 and more, users 0.65 and less (2 % beyond, measured)."""
APART_DB = 6.0
"""Root mean square of their differences, at most: a word said loudly into silence correlates by 0.8 with any other."""
PLAYED_FLOOR_DB = -60.0
DECAYS_DB = (0.0, 0.5, 1.0, 2.0)
"""By which the echo may die away in 10 ms. With RT60 0.6 s it is 1 dB; beside a near loudspeaker there is no tail."""
_BEFORE = 50 * MIC_RATE_HZ // 1000
_LATEST = LATEST_MS * MIC_RATE_HZ // 1000
_LAG = LONGEST_LAG_MS * MIC_RATE_HZ // 1000


class SelfHearing:
    """Remembers what was heard and played lately, to compare them when something seems to have been said."""

    def __init__(self) -> None:
        self._heard = Latest(REMEMBERED_MS // FRAME_MS)
        self._played = Latest(REMEMBERED_MS // FRAME_MS)
        self._now = 0
        self._judged = -1, False

    def take(self, frame: Frame) -> None:
        """Take the next 10 ms."""
        self._heard.add(frame.samples)
        self._played.add(frame.reference)
        self._now = frame.start + FRAME_SAMPLES

    def is_echo(self, utterance: Utterance, noise_db: Levels) -> bool:
        """Whether the end of an utterance follows what was played, band by band, at any one delay up to a second.

        Args:
            utterance: It began inside the echo window, and ended within the last seconds.
            noise_db: (13,) levels of the microphone with nothing played.
        """
        if utterance.speech_end != self._judged[0]:
            self._judged = utterance.speech_end, self._compare(utterance, noise_db)
        return self._judged[1]

    def _compare(self, utterance: Utterance, noise_db: Levels) -> bool:
        end = utterance.speech_end
        start = max(utterance.speech_start - _BEFORE, end - _LATEST)
        first = self._now - len(self._heard.samples)
        if start - _LAG < first or end > self._now:
            return False  # it was too long ago
        heard = np.maximum(_levels(self._heard.samples[start - first : end - first]), noise_db + NOISE_MARGIN_DB)
        played = np.maximum(_levels(self._played.samples[start - _LAG - first : end - first]), PLAYED_FLOOR_DB)
        return any(_follows(heard, _dying_away(played, decay_db)) for decay_db in DECAYS_DB)


def _levels(samples: Samples) -> Levels:
    """(n,) samples to (k, 13) levels of windows 10 ms apart."""
    return band_levels(np.lib.stride_tricks.sliding_window_view(samples, WINDOW_SAMPLES)[::FRAME_SAMPLES])


def _dying_away(played: Levels, decay_db: float) -> Levels:
    """No level is lower than the one before, less the decay."""
    if not decay_db:
        return played
    fall = np.arange(len(played))[:, np.newaxis] * decay_db
    sounding: Levels = np.maximum.accumulate(played + fall) - fall
    return sounding


def _follows(heard: Levels, played: Levels) -> bool:
    """Whether (k, 13) levels are those of `played`, (k + 100, 13), at one of 101 delays."""
    shifts = np.lib.stride_tricks.sliding_window_view(played, len(heard), axis=0).transpose(0, 2, 1)
    shifts = shifts - shifts.mean(axis=1, keepdims=True)
    heard = heard - heard.mean(axis=0)
    norms = np.sqrt(np.square(shifts).sum(axis=(1, 2)) * np.square(heard).sum())
    correlation = (shifts * heard).sum(axis=(1, 2)) / np.maximum(norms, 1e-9)
    best = int(np.argmax(correlation))
    apart_db = np.sqrt(np.square(shifts[best] - heard).mean())
    return bool(correlation[best] >= ALIKE and apart_db <= APART_DB)
