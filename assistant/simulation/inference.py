"""The one simulated GPU: model steps run inline and hold it for their cost in virtual time.

The same interface as the MLX thread (models/runtime.py), so priorities and pre-emption show in the
timeline exactly as they would there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from assistant.config import Costs
from assistant.messages import Priority, Step, Steps, Work
from assistant.metrics import StepRecord
from assistant.simulation.clock import VirtualLoop

T = TypeVar("T")


def cost_ms(work: tuple[Work, ...], costs: Costs) -> float:
    """What a step costs under the `simulated` clock."""
    rates = {
        "whisper_encoder": costs.whisper_encoder_ms_per_s_of_context,
        "whisper_token": costs.whisper_token_ms,
        "chat_prefill": costs.chat_prefill_ms_per_token,
        "chat_token": costs.chat_token_ms,
        "voice": costs.voice_ms_per_s,
        "turn_model": costs.turn_model_ms,
    }
    fixed = sum(costs.voice_fixed_ms for item in work if item.kind == "voice")
    return fixed + sum(rates[item.kind] * item.amount for item in work)


@dataclass(slots=True, eq=False)
class _Job(Generic[T]):
    steps: Steps[T]
    priority: Callable[[], Priority]
    granted: asyncio.Event = field(default_factory=asyncio.Event)
    asked_s: float = 0.0
    result: Step[T] | None = None


class SimulatedInference:
    """Runs model steps inline, one at a time, best priority first, first come first served within one.

    Args:
        costs: The agreed costs (`simulated` clock), or None to charge what a step took (`measured`).
    """

    def __init__(self, costs: Costs | None) -> None:
        self._costs = costs
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_Job[object]] = []
        self._busy = False
        self.log: list[StepRecord] = []

    @asynccontextmanager
    async def run(self, steps: Steps[T], priority: Callable[[], Priority]) -> AsyncIterator[AsyncIterator[T]]:
        """See ports.Inference."""
        job = _Job(steps, priority)
        try:
            async with aclosing(self._values(job)) as values:
                yield values
        finally:
            steps.close()

    async def _values(self, job: _Job[T]) -> AsyncGenerator[T]:
        while True:
            step = await self._take(job)
            if step is None:
                return
            for value in step.values:
                yield value

    async def _take(self, job: _Job[T]) -> Step[T] | None:
        job.granted.clear()
        job.asked_s = self._loop.time()
        waiting: list[_Job[T]] = self._waiting  # type: ignore[assignment]
        waiting.append(job)
        if not self._busy:
            self._busy = True
            self._loop.call_soon(self._next)  # so that everything asked for at this moment is compared
        try:
            await job.granted.wait()
        finally:
            if job in waiting:
                waiting.remove(job)
        return job.result

    def _next(self) -> None:
        """Take the best waiting step and hold the GPU for its cost, whatever becomes of its owner."""
        if not self._waiting:
            self._busy = False
            return
        job = min(self._waiting, key=lambda waiting: waiting.priority())
        self._waiting.remove(job)
        began = time.perf_counter()
        job.result = next(job.steps, None)
        took_s = time.perf_counter() - began
        work = job.result.work if job.result is not None else ()
        held_s = took_s if self._costs is None else cost_ms(work, self._costs) / 1000
        if self._costs is None and isinstance(self._loop, VirtualLoop):
            self._loop.exclude(took_s)
        now = self._loop.time()
        if work:
            self.log.append(StepRecord(now, now + held_s, now - job.asked_s, job.priority(), work))
        self._loop.call_later(held_s, self._release, job)

    def _release(self, job: _Job[object]) -> None:
        job.granted.set()
        self._next()
