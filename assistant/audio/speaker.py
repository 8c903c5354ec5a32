"""The playback timeline with somebody waiting for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from assistant import config
from assistant.audio.playback import Playback


class Speaker(Playback):
    """Playback whose progress can be awaited; made inside the running loop, pulled from any thread."""

    def __init__(self, rate_hz: int, settings: config.Playback) -> None:
        super().__init__(rate_hz, settings)
        self._loop = asyncio.get_running_loop()
        self._waiting: set[asyncio.Event] = set()
        self.on_progress = self._progressed

    async def until(self, condition: Callable[[], bool]) -> None:
        """See ports.Speaker."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            while not condition():
                event.clear()
                await event.wait()
        finally:
            self._waiting.discard(event)

    def _progressed(self) -> None:
        if self._waiting:
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for event in self._waiting:
            event.set()
