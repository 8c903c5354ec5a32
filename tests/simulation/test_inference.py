"""The scheduler of inference, on the simulated GPU and on the real thread alike."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

import anyio
import pytest

from assistant import config
from assistant.messages import Priority, Step, Steps, Work
from assistant.models import runtime
from assistant.models.runtime import MlxThread
from assistant.ports import Inference
from assistant.simulation import clock
from assistant.simulation.inference import SimulatedInference, cost_ms

COSTS = config.load("small").simulation.costs


def job(name: str, count: int, log: list[str], closed: list[str] | None = None) -> Steps[str]:
    """Takes `count` steps of one chat token each."""
    try:
        for index in range(count):
            log.append(f"{name}{index}")
            yield Step((Work("chat_token", 1),), (f"{name}{index}",))
    finally:
        if closed is not None:
            closed.append(name)


def test_costs_are_the_agreed_ones() -> None:
    """Encoder context, tokens and sound have the prices of the contract."""
    assert cost_ms((Work("whisper_encoder", 10),), COSTS) == 50
    assert cost_ms((Work("voice", 2.0),), COSTS) == 460
    assert cost_ms((Work("chat_prefill", 30), Work("chat_token", 1)), COSTS) == 85


def test_a_step_holds_the_gpu_for_its_cost() -> None:
    """Two jobs take turns; time passes for both."""

    async def main() -> tuple[list[str], float]:
        inference = SimulatedInference(COSTS)
        log: list[str] = []

        async def consume(name: str) -> None:
            async with inference.run(job(name, 3, log), lambda: Priority.TOKEN) as values:
                async for _ in values:
                    pass

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(consume, "a")
            tasks.start_soon(consume, "b")
        return log, asyncio.get_running_loop().time()

    log, took_s = clock.run(main, "simulated")
    assert log == ["a0", "b0", "a1", "b1", "a2", "b2"]
    assert took_s == pytest.approx(6 * 0.025)


def test_better_priority_goes_first_at_every_step() -> None:
    """What is urgent overtakes what is held, between two of its steps."""

    async def main() -> list[str]:
        inference = SimulatedInference(COSTS)
        log: list[str] = []

        async def consume(name: str, count: int, priority: Priority, after_s: float) -> None:
            await anyio.sleep(after_s)
            async with inference.run(job(name, count, log), lambda: priority) as values:
                async for _ in values:
                    pass

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(consume, "held", 4, Priority.HELD, 0)
            tasks.start_soon(consume, "token", 4, Priority.TOKEN, 0)
            tasks.start_soon(consume, "first", 2, Priority.FIRST_AUDIO, 0.03)
        return log

    log = clock.run(main, "simulated")
    assert log == ["token0", "token1", "first0", "first1", "token2", "token3", "held0", "held1", "held2", "held3"]


async def speak_what_is_written(inference: Inference) -> list[str]:
    """The order of steps where the second token completes what is to be spoken, by another task."""
    log: list[str] = []
    send, receive = anyio.create_memory_object_stream[str](8)

    async def write() -> None:
        async with send, inference.run(job("token", 4, log), lambda: Priority.TOKEN) as tokens:
            async for token in tokens:
                if token == "token1":
                    await send.send(token)

    async def speak() -> None:
        async with receive:
            async for _ in receive:
                async with inference.run(job("voice", 1, log), lambda: Priority.FIRST_AUDIO) as sounds:
                    async for _ in sounds:
                        pass

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(write)
        tasks.start_soon(speak)
    return log


SPOKEN_AT_ONCE = ["token0", "token1", "voice0", "token2", "token3"]


def test_what_a_result_makes_urgent_comes_before_what_was_ready() -> None:
    """The step after a result is chosen when its owner has asked for more: no token goes before the first sound."""
    assert clock.run(lambda: speak_what_is_written(SimulatedInference(COSTS)), "simulated") == SPOKEN_AT_ONCE


def test_a_cancelled_job_holds_the_gpu_to_the_end_of_its_step() -> None:
    """The step's output is dropped, its time is not given back, its generator is closed."""

    async def main() -> tuple[float, list[str]]:
        inference = SimulatedInference(COSTS)
        log: list[str] = []
        closed: list[str] = []
        with anyio.move_on_after(0.01):
            async with inference.run(job("a", 3, log, closed), lambda: Priority.TOKEN) as values:
                async for _ in values:
                    pass
        async with inference.run(job("b", 1, log), lambda: Priority.TOKEN) as values:
            async for _ in values:
                pass
        assert log == ["a0", "b0"]
        return asyncio.get_running_loop().time(), closed

    took_s, closed = clock.run(main, "simulated")
    assert took_s == pytest.approx(0.050)
    assert closed == ["a"]


def test_measured_steps_cost_what_they_took() -> None:
    """A step that computes takes virtual time; the loop's own time passes too."""

    def busy() -> Steps[int]:
        yield Step((Work("chat_token", 1),), (sum(range(300_000)),))

    async def main() -> tuple[float, float]:
        inference = SimulatedInference(None)
        async with inference.run(busy(), lambda: Priority.TOKEN) as values:
            async for _ in values:
                pass
        return inference.log[0].end_s - inference.log[0].start_s, asyncio.get_running_loop().time()

    step_s, took_s = clock.run(main, "measured")
    assert 0 < step_s <= took_s


def test_a_stalled_program_names_who_waits() -> None:
    """Nothing runnable and no timer is an error, not a hang."""

    async def main() -> None:
        await anyio.Event().wait()

    with pytest.raises(clock.StalledError, match="main"):
        clock.run(main, "simulated")


OnThread: TypeAlias = Callable[[MlxThread], Awaitable[None]]


def on_thread(body: OnThread) -> None:
    """Run against a real thread."""

    async def main() -> None:
        thread = MlxThread()
        try:
            await body(thread)
        finally:
            thread.close()

    anyio.run(main)


def test_every_step_runs_on_the_one_thread_and_is_closed_there() -> None:
    """Loading, stepping and closing all happen on the thread that owns the models."""
    seen: list[str] = []

    def steps() -> Steps[str]:
        try:
            while True:
                seen.append(threading.current_thread().name)
                yield Step((Work("chat_token", 1),), ("x",))
        finally:
            seen.append("closed on " + threading.current_thread().name)

    async def body(thread: MlxThread) -> None:
        assert await thread.call(lambda: threading.current_thread().name) == "mlx"
        async with thread.run(steps(), lambda: Priority.TOKEN) as values:
            await anext(values)
            await anext(values)

    on_thread(body)
    assert seen == ["mlx", "mlx", "closed on mlx"]


def test_the_thread_takes_the_best_waiting_step() -> None:
    """While one step runs, others queue; the urgent one is next though it came last."""
    release = threading.Event()
    order: list[str] = []

    def blocking() -> Steps[str]:
        release.wait(10)
        yield Step((Work("chat_token", 1),), ("done",))

    def noted(name: str) -> Steps[str]:
        order.append(name)
        yield Step((Work("chat_token", 1),), (name,))

    async def first(values: AsyncIterator[str]) -> None:
        await anext(values)

    async def take(thread: MlxThread, steps: Steps[str], priority: Priority) -> None:
        async with thread.run(steps, lambda: priority) as values:
            await first(values)

    async def body(thread: MlxThread) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(take, thread, blocking(), Priority.HELD)
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(take, thread, noted("held"), Priority.HELD)
            tasks.start_soon(take, thread, noted("first audio"), Priority.FIRST_AUDIO)
            await anyio.wait_all_tasks_blocked()
            release.set()

    on_thread(body)
    assert order == ["first audio", "held"]


def test_the_thread_chooses_after_results_are_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the simulated GPU does; a loop that is too busy to ask is not waited for, which a test cannot rule out."""
    monkeypatch.setattr(runtime, "_LONGEST_HAND_OVER_S", 60.0)
    order: list[str] = []

    async def body(thread: MlxThread) -> None:
        order.extend(await speak_what_is_written(thread))

    on_thread(body)
    assert order == SPOKEN_AT_ONCE


def test_an_error_in_a_step_reaches_who_asked_and_the_thread_lives_on() -> None:
    """A model that fails does not take the others with it."""

    def failing() -> Steps[str]:
        yield Step()
        raise ValueError("no such token")

    async def body(thread: MlxThread) -> None:
        with pytest.raises(ValueError, match="no such token"):
            async with thread.run(failing(), lambda: Priority.TOKEN) as values:
                await anext(values)
        assert await thread.call(lambda: 7) == 7

    on_thread(body)


def test_an_error_in_a_simulated_step_reaches_who_asked() -> None:
    """It is raised where the results are awaited, and the GPU goes on."""

    def failing() -> Steps[str]:
        yield Step((Work("chat_token", 1),))
        raise ValueError("no such token")

    async def main() -> list[str]:
        inference = SimulatedInference(COSTS)
        with pytest.raises(ValueError, match="no such token"):
            async with inference.run(failing(), lambda: Priority.TOKEN) as values:
                await anext(values)
        async with inference.run(job("b", 1, []), lambda: Priority.TOKEN) as values:
            return [value async for value in values]

    assert clock.run(main, "simulated") == ["b0"]
