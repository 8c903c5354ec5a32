"""The desk a person sits at: this machine's microphone and loudspeaker, whatever becomes of them.

While a device is missing nothing is heard and nothing pulled, so the talk stands still; it goes on
with the next devices that open.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import anyio
from anyio import to_thread

from assistant import config
from assistant.audio.alignment import LEAD_MS, Aligner
from assistant.audio.audio_system import AudioSystem
from assistant.audio.device_choice import check, choose
from assistant.audio.session import Session, can_be_heard
from assistant.audio.stream_ends import UNHURRIED
from assistant.errors import AudioError
from assistant.messages import DeskOpened
from assistant.metrics import DeskChanged, DeskStatus
from assistant.ports import Hear, Pull

_WATCH_S = 0.5
_RETRY_S = 1.0


class LiveDesk:
    """Microphone and loudspeaker, two streams on the event loop's clock (ports.Desk).

    Args:
        settings: The `[devices]` section.
        system: Where the devices are: `devices.PortAudio()`.
        changed: Told of every change of `status`, in the event loop.

    Raises:
        AudioError: The settings name a device that is not there; the text names the nearest.
    """

    def __init__(self, settings: config.Devices, system: AudioSystem, changed: DeskChanged = lambda _: None) -> None:
        self._settings = settings
        self._system = system
        self._changed = changed
        self._switched = False
        self._xruns_before = 0
        devices = system.devices()
        check(devices, "microphone", settings.microphone)
        check(devices, "loudspeaker", settings.loudspeaker)
        likely = choose(devices, "loudspeaker", settings.loudspeaker)
        self.status = DeskStatus(loudspeakers=likely is None or can_be_heard(system, likely))
        self.latency_ms = float(LEAD_MS)
        """Between a frame's reference and its sound, whatever the devices' latencies."""

    @property
    def loudspeakers(self) -> bool:
        """Whether the microphone can hear what is played, as the device's name and kind tell."""
        return self.status.loudspeakers

    def switch(self, settings: config.Devices) -> None:
        """Go on with other devices, within a second; for a name that none has, with the system's default."""
        self._settings = settings
        self._switched = True

    async def run(self, hear: Hear, pull: Pull, rate_hz: int) -> None:
        """See ports.Desk; it outlives any device."""
        loop = asyncio.get_running_loop()
        origin_s = loop.time()
        wake = asyncio.Event()

        def now_s() -> float:
            return loop.time() - origin_s

        def open_session() -> Session:
            return Session(
                self._settings, self._system, pull, rate_hz, now_s, partial(loop.call_soon_threadsafe, wake.set)
            )

        while True:
            self._switched = False
            try:
                async with _opened(open_session) as session:
                    problem = await self._serve(session, hear, wake)
            except AudioError as error:
                problem = str(error)
            if problem:
                self._tell(microphone="", loudspeaker="", problem=problem, warning="")
                await anyio.sleep(_RETRY_S)

    async def _serve(self, session: Session, hear: Hear, wake: asyncio.Event) -> str:
        """Move sound until devices are to be opened anew; why, or nothing where nothing is wrong."""
        microphone, loudspeaker = session.microphone, session.loudspeaker
        loudspeakers = can_be_heard(self._system, loudspeaker.device)
        self._tell(microphone=microphone.device.name, loudspeaker=loudspeaker.device.name, loudspeakers=loudspeakers)
        aligner = Aligner(DeskOpened(loudspeakers, self.latency_ms))
        loop = asyncio.get_running_loop()
        watch_s = loop.time()
        wake.set()
        try:
            while True:
                await wake.wait()
                wake.clear()
                for start, samples in microphone.end.blocks():
                    for block in loudspeaker.end.blocks():  # what came while one was heard had no reference
                        aligner.played(*block)
                    for frame in aligner.heard(start, samples):
                        microphone.end.together = UNHURRIED if await hear(frame) else 1
                self._tell(problem=session.withheld(), xruns=self._xruns_before + session.xruns)
                if loop.time() >= watch_s:
                    watch_s = loop.time() + _WATCH_S
                    loop.call_at(watch_s, wake.set)  # a device that is lost wakes nobody
                    if self._switched or (problem := session.loss()) or session.is_outdated():
                        return "" if self._switched else problem
                    self._tell(warning=session.warning())
        finally:
            self._xruns_before += session.xruns

    def _tell(self, **changes: Any) -> None:
        if any(getattr(self.status, name) != value for name, value in changes.items()):
            self.status = replace(self.status, **changes)
            self._changed(self.status)


@asynccontextmanager
async def _opened(open_session: Callable[[], Session]) -> AsyncIterator[Session]:
    """On a thread, and to the end even when cancelled: a stream opened for nobody would go on playing."""
    with anyio.CancelScope(shield=True):
        session = await to_thread.run_sync(open_session)
    try:
        yield session
    finally:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(session.close)
