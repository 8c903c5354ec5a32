"""The one simulated GPU: model steps run inline and hold it for their cost in virtual time.

The same interface as the MLX thread (models/runtime.py), so priorities and pre-emption show in the
timeline exactly as they would there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

from assistant.config import Costs
from assistant.messages import Priority, Step, Steps, Work
from assistant.metrics import Rates, StepRecord
from assistant.schedule import Job, Schedule, hand_over
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
        "voice_more": costs.voice_ms_per_s,
        "turn_model": costs.turn_model_ms,
    }
    fixed = sum(costs.voice_fixed_ms for item in work if item.kind == "voice")
    return fixed + sum(rates[item.kind] * item.amount for item in work)


class SimulatedInference:
    """Runs model steps inline, one at a time, best priority first.

    Args:
        costs: The agreed costs (`simulated` clock), or None to charge what a step took (`measured`).
    """

    def __init__(self, costs: Costs | None) -> None:
        self._costs = costs
        self._loop = asyncio.get_running_loop()
        self._schedule = Schedule()
        self._busy = False
        self.log: list[StepRecord] = []
        self.rates = Rates()
        """See ports.Inference."""

    @asynccontextmanager
    async def run(self, steps: Steps[T], priority: Callable[[], Priority]) -> AsyncIterator[AsyncIterator[T]]:
        """See ports.Inference."""
        job = Job(steps, priority)
        self._schedule.add(job, self._loop.time())
        self._wake()
        try:
            async with aclosing(job.values(self._wake)) as values:
                yield values
        finally:
            self._schedule.remove(job)
            steps.close()

    def _wake(self) -> None:
        if not self._busy:
            self._busy = True
            self._loop.call_soon(self._next)  # so that everything asked for at this moment is compared

    def _next(self) -> None:
        """Take the best step and hold the GPU for its cost, whatever becomes of its owner."""
        job = self._schedule.take()
        if job is None:
            self._busy = False
            return
        began_s = time.perf_counter()
        step = job.step()
        held_s = self._charge(step, time.perf_counter() - began_s)
        now_s = self._loop.time()
        if step is not None and step.work:
            queued_s = max(now_s - job.ready_s, 0.0)
            self.log.append(StepRecord(now_s, now_s + held_s, queued_s, job.priority(), step.work))
            self.rates.learn(self.log[-1])
        job.ready_s = now_s + held_s
        self._loop.call_later(held_s, self._release, job, step)

    def _charge(self, step: Step[Any] | None, took_s: float) -> float:
        if self._costs is not None:
            return cost_ms(step.work, self._costs) / 1000 if step is not None else 0.0
        if isinstance(self._loop, VirtualLoop):
            self._loop.exclude(took_s)
        return took_s

    def _release(self, job: Job[Any], step: Step[Any] | None) -> None:
        job.settle(step)
        if step is None or step.values:
            job.news.set()
            hand_over(self._loop, self._next)
        else:
            self._next()
