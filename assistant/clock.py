"""The talk's clock."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta


class TalkClock:
    """Seconds since it was made or restarted, inside the running loop, whether that jumps or runs (ports.Clock).

    Args:
        start: Date and time of its zero; None for the machine's own.
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._origin_s = self._loop.time()
        self._start = start or datetime.now()

    def restart(self) -> None:
        """Make now its zero, as when the microphone starts after models were warmed."""
        self._origin_s = self._loop.time()

    def time_s(self) -> float:
        """Seconds since the talk began."""
        return self._loop.time() - self._origin_s

    def time_of_day(self) -> str:
        """Like "9:00" or "14:30"."""
        now = self._now()
        return f"{now.hour}:{now:%M}"

    def date_and_time(self) -> str:
        """Like "Monday, 5 January 2026, 09:00"."""
        now = self._now()
        return f"{now:%A}, {now.day} {now:%B %Y, %H:%M}"

    def _now(self) -> datetime:
        return self._start + timedelta(seconds=self.time_s())
