"""What MLX may hold, and when the thread that owns it gives back what it does not need."""

from __future__ import annotations

import threading
import time

import anyio
import mlx.core as mx
import pytest

from assistant import config as configuration
from assistant.messages import Priority, Step, Steps, Work
from assistant.models.memory import give_back, set_limits
from assistant.models.runtime import MlxThread

MB = 1 << 20


@pytest.fixture
def limits() -> dict[str, int]:
    """What was set on a Mac, in megabytes."""
    return {}


@pytest.fixture
def mac(monkeypatch: pytest.MonkeyPatch, limits: dict[str, int]) -> None:
    """One that recommends 12 GB."""
    monkeypatch.setattr(mx.metal, "is_available", lambda: True)
    monkeypatch.setattr(mx, "device_info", lambda: {"max_recommended_working_set_size": 12_000 * MB})
    for name in ("cache", "memory", "wired"):
        monkeypatch.setattr(mx, f"set_{name}_limit", lambda limit, name=name: limits.update({name: limit // MB}))


def memory(*settings: str) -> configuration.Memory:
    """That section of profile `mac`."""
    return configuration.load("mac", settings=[f"memory.{setting}" for setting in settings]).memory


@pytest.mark.usefixtures("mac")
def test_limits_of_a_mac(limits: dict[str, int]) -> None:
    """As much is wired as the system recommends; how much is used is MLX's own choice."""
    set_limits(memory())
    assert limits == {"cache": 1024, "wired": 12_000}


@pytest.mark.usefixtures("mac")
def test_limits_that_are_set(limits: dict[str, int]) -> None:
    """More than the system lets be wired would be an error of MLX."""
    set_limits(memory("cache_mb=0", "most_mb=9000", "wired_mb=5000"))
    assert limits == {"cache": 0, "memory": 9000, "wired": 5000}
    set_limits(memory("wired_mb=64000"))
    assert limits["wired"] == 12_000


def test_freed_memory_is_given_back() -> None:
    """Here too, where there is no Metal."""
    set_limits(configuration.load("small").memory)
    array = mx.zeros(4 * MB // 4)
    mx.eval(array)
    del array
    assert mx.get_cache_memory() >= 4 * MB
    give_back()
    assert mx.get_cache_memory() == 0


def test_the_thread_tidies_up_once_when_it_has_had_nothing_to_do() -> None:
    """Not before its first step, not between two steps that are waited for, and not again until there was another."""
    tidied: list[str] = []
    seen: list[int] = []
    done = threading.Event()

    def tidy() -> None:
        tidied.append(threading.current_thread().name)
        done.set()

    def steps() -> Steps[int]:
        for index in range(4):
            time.sleep(0.15)  # together longer than the thread waits before it tidies up
            seen.append(len(tidied))
            yield Step((Work("chat_token", 1),), (index,))

    async def main() -> None:
        thread = MlxThread(tidy, 0.5)
        try:
            for _ in range(2):
                async with thread.run(steps(), lambda: Priority.TOKEN) as values:
                    assert [value async for value in values] == [0, 1, 2, 3]
                assert await anyio.to_thread.run_sync(done.wait, 10)
                done.clear()
            await anyio.sleep(0.6)
        finally:
            thread.close()

    anyio.run(main)
    assert seen == [0, 0, 0, 0, 1, 1, 1, 1]
    assert tidied == ["mlx", "mlx"]
