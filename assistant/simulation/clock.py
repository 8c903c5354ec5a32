"""Virtual time: an event loop whose clock jumps to the next timer when nothing is runnable.

Nothing here sleeps and no thread may be used, since a thread lets the clock run away. The same
pipeline code runs on it as at the desk. After the idea of trio's autojump clock.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Any, Literal, TypeAlias, TypeVar, TypeVarTuple, Unpack

import anyio

from assistant.errors import AssistantError

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

ClockMode: TypeAlias = Literal["simulated", "measured", "real"]


class StalledError(AssistantError):
    """Nothing was runnable and no timer was set: every task waits for another."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that never waits.

    Args:
        charge_own_time: Whether the loop's own running time passes on the clock too (`measured`).
    """

    def __init__(self, charge_own_time: bool) -> None:
        self._now_s = 0.0
        self._charge = charge_own_time
        self._charged_to = time.perf_counter()
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        """Seconds of virtual time since the loop was made."""
        return self._now_s

    def call_soon_threadsafe(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """As `call_soon`: there is no thread, and nobody waits in a selector to be woken."""
        return self.call_soon(callback, *args, context=context)

    def jump(self, seconds: float) -> None:
        """Let time pass: the loop's own running time first where it counts, then the wait."""
        if self._charge:
            now = time.perf_counter()
            own_s = now - self._charged_to
            self._charged_to = now
            self._now_s += max(own_s, seconds)
        else:
            self._now_s += seconds

    def exclude(self, seconds: float) -> None:
        """Keep a model step, run inline but charged to the simulated GPU, out of the loop's own time."""
        self._charged_to += seconds


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        if timeout == 0:  # something is runnable; to look at the files each time took as long as most of what runs
            self._loop.jump(0.0)
            return []
        ready = super().select(0)
        if ready:
            timeout = 0.0
        if timeout is None:
            waiting = sorted(task.get_name() for task in asyncio.all_tasks(self._loop))
            raise StalledError(f"Nothing can go on: these tasks wait for each other: {', '.join(waiting)}.")
        self._loop.jump(timeout)
        return ready


def run(main: Callable[[], Awaitable[T]], mode: ClockMode) -> T:
    """Run `main` to its end: in virtual time (`simulated`, `measured`) or on the wall clock (`real`)."""
    options: dict[str, Any] = {}
    if mode != "real":
        options["loop_factory"] = lambda: VirtualLoop(charge_own_time=mode == "measured")
    return anyio.run(main, backend_options=options)
