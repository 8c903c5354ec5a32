"""The one thread that owns MLX: it loads the models, steps their generators and closes them.

Since MLX 0.31.2 streams are bound to the thread that made them, and three models used from three
threads have crashed Metal; so only numpy arrays and strings cross. Work is taken a step at a time by
priority, which makes the longest step the longest wait of anything more urgent.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from assistant.messages import Priority, Step, Steps
from assistant.metrics import StepRecord

T = TypeVar("T")

_LOG_LENGTH = 4096
"""Steps kept for reports; the oldest are forgotten, so that a talk of days stays small."""


@dataclass(slots=True, eq=False)
class _Request(Generic[T]):
    """One thing for the thread to do. The queue of these is bounded by its users: a job asks for one step at a time."""

    work: Callable[[], T]
    priority: Callable[[], int]
    order: int
    future: asyncio.Future[T] | None
    asked_s: float


class MlxThread:
    """Runs everything of MLX on one thread of its own, best priority first."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._order = itertools.count()
        self._requests: list[_Request[Any]] = []
        self._wake = threading.Condition()
        self._stopping = False
        self.log: deque[StepRecord] = deque(maxlen=_LOG_LENGTH)
        self._origin_s = self._loop.time()
        self._thread = threading.Thread(target=self._serve, name="mlx", daemon=True)
        self._thread.start()

    async def call(self, function: Callable[[], T]) -> T:
        """Run a function on the thread, as for loading a model, before any step."""
        return await self._ask(function, lambda: -1)

    @asynccontextmanager
    async def run(self, steps: Steps[T], priority: Callable[[], Priority]) -> AsyncIterator[AsyncIterator[T]]:
        """See ports.Inference."""
        try:
            async with aclosing(self._values(steps, priority)) as values:
                yield values
        finally:
            # closed by the thread that ran it, after the running step; nobody needs to wait for that
            self._post(_Request(steps.close, lambda: -1, next(self._order), None, time.monotonic()))

    def close(self) -> None:
        """End the thread after the running step."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

    async def _values(self, steps: Steps[T], priority: Callable[[], Priority]) -> AsyncGenerator[T]:
        while True:
            step: Step[T] | None = await self._ask(lambda: next(steps, None), priority)
            if step is None:
                return
            for value in step.values:
                yield value

    async def _ask(self, work: Callable[[], T], priority: Callable[[], int]) -> T:
        future: asyncio.Future[T] = self._loop.create_future()
        request = _Request(work, priority, next(self._order), future, time.monotonic())
        self._post(request)
        try:
            return await future
        finally:
            with self._wake:
                if request in self._requests:
                    self._requests.remove(request)

    def _post(self, request: _Request[Any]) -> None:
        with self._wake:
            self._requests.append(request)
            self._wake.notify()

    def _serve(self) -> None:
        while True:
            with self._wake:
                while not self._requests and not self._stopping:
                    self._wake.wait()
                if not self._requests:
                    return
                request = min(self._requests, key=lambda waiting: (waiting.priority(), waiting.order))
                self._requests.remove(request)
            self._do(request)

    def _do(self, request: _Request[Any]) -> None:
        began_s = time.monotonic()
        try:
            result = request.work()
        except Exception as error:  # handed to whoever asked; the thread lives on
            outcome: tuple[Any, BaseException | None] = (None, error)
        else:
            outcome = (result, None)
            if isinstance(result, Step) and result.work:
                self._note(request, began_s, result)
        if request.future is not None:
            self._loop.call_soon_threadsafe(_settle, request.future, *outcome)
        elif outcome[1] is not None:
            raise outcome[1]

    def _note(self, request: _Request[Any], began_s: float, step: Step[Any]) -> None:
        start_s, end_s = began_s - self._origin_s, time.monotonic() - self._origin_s
        queued_s = began_s - request.asked_s
        self.log.append(StepRecord(start_s, end_s, queued_s, Priority(request.priority()), step.work))


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():  # cancelled meanwhile: the output of that step is dropped
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
