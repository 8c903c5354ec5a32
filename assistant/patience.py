"""How long a pause may last before it is the end of the turn: from the words so far and the speaker's habits."""

from __future__ import annotations

from assistant.config import Endpoint
from assistant.turn_end import Ending

_MARGIN = 1.3
"""The wait is this much longer than the pauses that the speaker makes."""
_LONGEST_TO_SHORTEN_MS = 800
"""Who sets a longer wait pauses where Whisper writes a full stop: "And so, my fellow Americans." was cut off."""
_RISE, _FALL = 0.5, 0.05
"""How fast the estimate follows a longer pause and a shorter one: about the 90th percentile of what is seen."""


class Patience:
    """The wait for the end, learned from pauses after which the speaker went on.

    After what sounds final it lies between `final_ms` and `end_ms`, after a finished sentence between
    `finished_ms` and `end_ms`, after an unfinished one between `end_ms` and `unfinished_ms`; what tells
    nothing leaves it at `end_ms`. Nothing shortens an `end_ms` above 800 ms.

    Args:
        settings: The bounds. With `adaptive` off the wait is always `end_ms`.
    """

    def __init__(self, settings: Endpoint) -> None:
        self._ordinary_ms = float(settings.end_ms)
        hasty = settings.adaptive and settings.end_ms <= _LONGEST_TO_SHORTEN_MS
        final_ms = min(settings.final_ms, settings.end_ms) if hasty else settings.end_ms
        finished_ms = min(settings.finished_ms, settings.end_ms) if hasty else settings.end_ms
        longest_ms = max(settings.unfinished_ms, settings.end_ms) if settings.adaptive else settings.end_ms
        self._bounds_ms: dict[Ending, tuple[float, float]] = {
            "final": (float(final_ms), self._ordinary_ms),
            "finished": (float(finished_ms), self._ordinary_ms),
            "unfinished": (self._ordinary_ms, float(longest_ms)),
        }
        self._pauses_ms: dict[Ending, float] = {
            "final": final_ms / _MARGIN,
            "finished": finished_ms / _MARGIN,
            "unfinished": longest_ms / _MARGIN,
        }

    def wait_ms(self, ending: Ending) -> float:
        """The longest pause, from the last voiced sample, that is not yet the end."""
        if ending == "unknown":
            return self._ordinary_ms
        least_ms, most_ms = self._bounds_ms[ending]
        return min(max(self._pauses_ms[ending] * _MARGIN, least_ms), most_ms)

    def learn(self, ending: Ending, pause_ms: float) -> None:
        """The speaker went on after a pause that followed such words."""
        if ending != "unknown":
            difference_ms = pause_ms - self._pauses_ms[ending]
            self._pauses_ms[ending] += difference_ms * (_RISE if difference_ms > 0 else _FALL)
