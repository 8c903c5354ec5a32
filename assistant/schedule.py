"""Whose step of inference is next: shared by the MLX thread and its simulated twin."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from assistant.messages import Priority, Step, Steps

T = TypeVar("T")

_AHEAD = 2
"""Results a job may have waiting: its owner may be slow to take them."""
_HAND_OVER_TURNS = 8
"""Turns of the event loop until the owner of a result has asked for what it needs next: from a token to the fragment
that it completes, and on to the voice, it is four."""


@dataclass(slots=True, eq=False)
class Job(Generic[T]):
    """A model's work in progress and the results its owner has not taken yet."""

    steps: Steps[T]
    priority: Callable[[], Priority]
    served: int = 0
    """When it last had its turn; among equals the one that waited longest is next."""
    ready_s: float = 0.0
    results: deque[T] = field(default_factory=deque)  # bounded by _AHEAD: a full job gets no step
    finished: bool = False
    error: Exception | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ready(self) -> bool:
        """Whether a step of it may be taken."""
        return not self.finished and len(self.results) < _AHEAD

    def step(self) -> Step[T] | None:
        """Take the next step, on the thread that owns the models; None is the end, or a failure."""
        try:
            return next(self.steps, None)
        except Exception as error:  # raised again where the job's owner waits; the models' thread lives on
            self.error = error
            return None

    def settle(self, step: Step[T] | None) -> None:
        """Hand out what a step gave. Then `news` is to be set, on the event loop's thread."""
        if step is not None:
            self.results.extend(step.values)
        else:
            self.finished = True

    async def values(self, taken: Callable[[], None]) -> AsyncGenerator[T]:
        """Results in order, as they come; `taken` is called when one has made room for the next."""
        while True:
            while self.results:
                value = self.results.popleft()
                taken()
                yield value
            if self.finished:
                if self.error is not None:
                    raise self.error
                return
            self.news.clear()
            await self.news.wait()


def outcome(steps: Iterable[Step[T]]) -> T:
    """Take steps, all of them, and give the last value, as a command does that has the models to itself."""
    value: list[T] = []
    for step in steps:
        value = list(step.values[-1:]) or value
    assert value, "ports: the last step holds the outcome"
    return value[0]


def hand_over(loop: asyncio.AbstractEventLoop, then: Callable[[], None], turns: int = _HAND_OVER_TURNS) -> None:
    """Call `then` when those who were just given results have asked for what they need next.

    What is chosen before that is the wrong step: every first fragment had to wait until one more token was written.
    """
    if turns:
        loop.call_soon(hand_over, loop, then, turns - 1)
    else:
        then()


class Schedule:
    """Jobs in progress; picks the best ready one."""

    def __init__(self) -> None:
        self._jobs: list[Job[Any]] = []  # bounded by the talk: a job or two per live turn
        self._count = itertools.count(1)

    def add(self, job: Job[Any], now_s: float) -> None:
        """Take a job in."""
        job.served = next(self._count)
        job.ready_s = now_s
        self._jobs.append(job)

    def remove(self, job: Job[Any]) -> None:
        """Forget a job."""
        self._jobs.remove(job)

    def take(self) -> Job[Any] | None:
        """The job whose step is next; None if none is ready."""
        ready = [job for job in self._jobs if job.ready]
        if not ready:
            return None
        chosen = self.choose(ready)
        chosen.served = next(self._count)
        return chosen

    def choose(self, ready: Sequence[Job[Any]]) -> Job[Any]:
        """Of jobs, the oldest first, that of best priority, the longest waiting among equals."""
        return min(ready, key=lambda job: (job.priority(), job.served))
