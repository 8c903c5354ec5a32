"""The one thread that owns MLX: it loads the models, steps their generators and closes them.

Since MLX 0.31.2 streams are bound to the thread that made them, and three models used from three
threads have crashed Metal; so only numpy arrays and strings cross. Work is taken a step at a time by
priority, which makes the longest step the longest wait of anything more urgent.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

from assistant.messages import Priority, Step, Steps
from assistant.metrics import Rates, StepRecord
from assistant.schedule import Job, Schedule, hand_over

T = TypeVar("T")

_LOG_LENGTH = 4096
"""Steps kept for reports; the oldest are forgotten, so that a talk of days stays small."""

_LONGEST_HAND_OVER_S = 0.01
"""How long the next step is put off so that it be the right one; a busy event loop must not stop the models."""


def peak_memory_bytes() -> int:
    """The most that MLX held at a time since the program began, weights included."""
    import mlx.core as mx

    return mx.get_peak_memory()


class MlxThread:
    """Runs everything of MLX on one thread of its own, best priority first.

    Args:
        tidy: Called on the thread when it has had nothing to do for a while.
        tidy_after_s: How long that is.
    """

    def __init__(self, tidy: Callable[[], None] | None = None, tidy_after_s: float = 0.0) -> None:
        self._loop = asyncio.get_running_loop()
        self._origin_s = time.monotonic() - self._loop.time()
        self._schedule = Schedule()
        self._calls: deque[Callable[[], None]] = deque()  # loading and closing: a few in a program's life
        self._tidy, self._tidy_after_s = tidy, tidy_after_s
        self._wake = threading.Condition()
        self._stopping = False
        self._handed_over = True
        self.log: deque[StepRecord] = deque(maxlen=_LOG_LENGTH)
        self.rates = Rates()
        """See ports.Inference."""
        self._thread = threading.Thread(target=self._serve, name="mlx", daemon=True)
        self._thread.start()

    async def call(self, function: Callable[[], T]) -> T:
        """Run a function on the thread, as for loading a model, before any step."""

        def steps() -> Steps[T]:
            yield Step(values=(function(),))

        async with self.run(steps(), lambda: Priority.FIRST_AUDIO) as values:
            return await anext(values)

    @asynccontextmanager
    async def run(self, steps: Steps[T], priority: Callable[[], Priority]) -> AsyncIterator[AsyncIterator[T]]:
        """See ports.Inference."""
        job = Job(steps, priority)
        with self._wake:
            self._schedule.add(job, time.monotonic())
            self._wake.notify()
        try:
            async with aclosing(job.values(self._taken)) as values:
                yield values
        finally:
            with self._wake:
                self._schedule.remove(job)
                self._calls.append(steps.close)  # by the thread that ran it, after the running step
                self._wake.notify()

    def close(self) -> None:
        """End the thread after the running step."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

    def _taken(self) -> None:
        with self._wake:
            self._wake.notify()

    def _serve(self) -> None:
        untidy = False
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._handed_over or self._stopping, _LONGEST_HAND_OVER_S)
                job = self._schedule.take()
                idle = False
                while not (job or self._calls or self._stopping or idle):
                    idle = not self._wake.wait(self._tidy_after_s if untidy else None)
                    job = self._schedule.take()
                calls, self._calls = self._calls, deque()
                if self._stopping:
                    job = None
            for call in calls:
                call()
            if job is not None:
                self._step(job)
                untidy = self._tidy is not None
            elif self._stopping:
                return
            elif idle and self._tidy is not None:
                self._tidy()
                untidy = False

    def _step(self, job: Job[Any]) -> None:
        began_s = time.monotonic()
        step = job.step()
        ended_s = time.monotonic()
        if step is not None and step.work:
            start_s, end_s = began_s - self._origin_s, ended_s - self._origin_s
            self.log.append(StepRecord(start_s, end_s, max(began_s - job.ready_s, 0.0), job.priority(), step.work))
            self.rates.learn(self.log[-1])
        job.ready_s = ended_s
        job.settle(step)
        if step is None or step.values:
            self._handed_over = False
            self._loop.call_soon_threadsafe(self._hand_over, job)

    def _hand_over(self, job: Job[Any]) -> None:
        job.news.set()
        hand_over(self._loop, self._choose)

    def _choose(self) -> None:
        with self._wake:
            self._handed_over = True
            self._wake.notify()
