"""The desk outlives its devices: it says what is wrong, goes on with what opens, and never ends by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import numpy as np
import pytest
from fake_devices import AIRPODS, AIRPODS_MICROPHONE, MACBOOK_MICROPHONE, MACBOOK_SPEAKERS, FakeSystem

from assistant.audio.live_desk import LiveDesk
from assistant.audio.stream_ends import UNHURRIED
from assistant.config import Config
from assistant.errors import AudioError
from assistant.messages import Frame, Samples
from assistant.metrics import DeskStatus

TIMEOUT_S = 20


@dataclass
class Sitting:
    """A desk at work, its devices called again and again."""

    system: FakeSystem = field(default_factory=FakeSystem)
    told: list[DeskStatus] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    level: float = 0.1
    calling: bool = True
    idle: bool = False
    listens_s: float = 0.0
    """How long whoever listens takes for the next frame."""
    blocks: int = 0
    came_with: list[int] = field(default_factory=list)
    """For each frame, how many blocks the microphone had given by then."""

    @property
    def status(self) -> DeskStatus:
        """As told last."""
        return self.told[-1] if self.told else DeskStatus()

    @asynccontextmanager
    async def at(self, desk: LiveDesk) -> AsyncIterator[None]:
        """While the context lasts."""
        with anyio.fail_after(TIMEOUT_S):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(desk.run, self._hear, hum, 24_000)
                tasks.start_soon(self._call)
                yield
                tasks.cancel_scope.cancel()
        assert self.system.open_now() == []

    async def until(self, condition: Callable[[], bool]) -> None:
        """Time passes until this is so, or the test fails."""
        while not condition():
            self._ticked = anyio.Event()
            await self._ticked.wait()

    def __post_init__(self) -> None:
        self._ticked = anyio.Event()

    async def _hear(self, frame: Frame) -> bool:
        self.frames.append(frame)
        self.came_with.append(self.blocks)
        busy_s, self.listens_s = self.listens_s, 0.0
        await anyio.sleep(busy_s)
        return self.idle

    async def _call(self) -> None:
        while True:
            working = [stream for stream in self.system.streams if stream.active]
            if self.calling and len(working) == 2:
                self.blocks += 1
                self.system.hear(self.level)
                self.system.play()
            self._ticked.set()
            await anyio.sleep(0.02)


def hum(count: int, at_s: float) -> Samples:
    """Never silent."""
    return np.full(count, 0.1, np.float32)


def opened(sitting: Sitting) -> int:
    """How many times frames told of devices opened."""
    return sum(frame.opened is not None for frame in sitting.frames)


@pytest.fixture
def sitting() -> Sitting:
    """A MacBook with AirPods near."""
    return Sitting()


@pytest.fixture
def desk(sitting: Sitting, config: Config) -> LiveDesk:
    """At the system's default devices."""
    return LiveDesk(config.devices, sitting.system, sitting.told.append)


def test_a_name_that_no_device_has_is_refused_at_once(config: Config) -> None:
    """Before the talk."""
    settings = config.devices.model_copy(update={"microphone": "MacBook Micro"})
    with pytest.raises(AudioError, match="did you mean MacBook Pro Microphone"):
        LiveDesk(settings, FakeSystem())


def test_the_kind_of_loudspeaker_is_known_before_the_talk(config: Config) -> None:
    """As far as the name tells; without any, loudspeakers are assumed."""
    airpods = config.devices.model_copy(update={"loudspeaker": "airpods"})
    assert not LiveDesk(airpods, FakeSystem()).loudspeakers
    assert LiveDesk(config.devices, FakeSystem()).loudspeakers
    assert LiveDesk(config.devices, FakeSystem(present=[])).loudspeakers


def test_a_lost_device_pauses_the_talk_and_its_return_goes_on(sitting: Sitting, desk: LiveDesk) -> None:
    """Frames stop, the status says why; they go on where the clock is then, and say that devices were opened."""

    async def scene() -> None:
        async with sitting.at(desk):
            await sitting.until(lambda: len(sitting.frames) > 10)
            assert sitting.status == DeskStatus(MACBOOK_MICROPHONE.name, MACBOOK_SPEAKERS.name)
            sitting.system.unplug(MACBOOK_MICROPHONE)
            await sitting.until(lambda: "The microphone MacBook Pro Microphone is lost" in sitting.status.problem)
            assert sitting.status.microphone == ""
            before = len(sitting.frames)
            await sitting.until(lambda: "There is no microphone" in sitting.status.problem)
            assert len(sitting.frames) == before
            sitting.system.present.append(MACBOOK_MICROPHONE)
            await sitting.until(lambda: len(sitting.frames) > before + 10)
            assert sitting.status == DeskStatus(MACBOOK_MICROPHONE.name, MACBOOK_SPEAKERS.name)
            assert sitting.frames[before].opened is not None
            assert sitting.frames[before].start > sitting.frames[before - 1].start + 16_000

    anyio.run(scene)
    assert opened(sitting) == 2


def test_while_nothing_goes_on_the_microphone_is_taken_five_blocks_at_a_time(sitting: Sitting, desk: LiveDesk) -> None:
    """None is lost, and as soon as something does go on they come one by one."""

    async def scene() -> None:
        async with sitting.at(desk):
            for sitting.idle in (False, True, False):
                sitting.came_with.clear()
                await sitting.until(lambda: len(sitting.came_with) > 60)
                at_once = Counter(sitting.came_with[10:]).most_common(1)[0][1]
                assert at_once == (2 * UNHURRIED if sitting.idle else 2)

    anyio.run(scene)
    assert 1.8 < len(sitting.frames) / sitting.blocks <= 2  # the blocks come a little late, so the clock is moved


def test_what_is_heard_late_has_its_reference(sitting: Sitting, desk: LiveDesk) -> None:
    """Frames that came while one was listened to for long; without it, all of their echo would be somebody's speech."""

    async def scene() -> None:
        async with sitting.at(desk):
            await sitting.until(lambda: len(sitting.frames) > 40)
            sitting.listens_s = 0.6
            await sitting.until(lambda: len(sitting.frames) > 140)

    anyio.run(scene)
    assert all(frame.reference.any() for frame in sitting.frames[40:])


def test_a_device_that_opens_and_never_calls_is_lost(sitting: Sitting, desk: LiveDesk) -> None:
    """Nothing wakes the desk then but its own watch."""
    sitting.calling = False

    async def scene() -> None:
        async with sitting.at(desk):
            await sitting.until(lambda: "The microphone MacBook Pro Microphone is lost" in sitting.status.problem)
            sitting.calling = True
            await sitting.until(lambda: len(sitting.frames) > 10 and not sitting.status.problem)

    anyio.run(scene)


def test_another_default_is_followed_without_a_word(sitting: Sitting, desk: LiveDesk) -> None:
    """Headphones are plugged in: the talk goes on there, and the canceller is told."""

    async def scene() -> None:
        async with sitting.at(desk):
            await sitting.until(lambda: len(sitting.frames) > 10)
            sitting.system.choose(AIRPODS_MICROPHONE, AIRPODS)
            await sitting.until(lambda: opened(sitting) == 2)

    anyio.run(scene)
    reopened = [frame.opened for frame in sitting.frames if frame.opened is not None]
    assert [desk_opened.loudspeakers for desk_opened in reopened] == [True, False]
    assert not desk.loudspeakers
    assert {status.problem for status in sitting.told} == {""}


def test_devices_can_be_switched(sitting: Sitting, desk: LiveDesk, config: Config) -> None:
    """By name, in mid-talk."""

    async def scene() -> None:
        async with sitting.at(desk):
            await sitting.until(lambda: len(sitting.frames) > 10)
            desk.switch(config.devices.model_copy(update={"loudspeaker": "airpods"}))
            await sitting.until(lambda: opened(sitting) == 2)
            assert sitting.system.open_now() == [MACBOOK_MICROPHONE.name, AIRPODS.name]

    anyio.run(scene)


def test_a_withheld_microphone_is_a_problem_until_it_is_heard(sitting: Sitting, desk: LiveDesk) -> None:
    """The stream stays open meanwhile."""
    sitting.level = 0.0

    async def scene() -> None:
        async with sitting.at(desk):
            await sitting.until(lambda: "nothing but exact zeros" in sitting.status.problem)
            sitting.level = 0.1
            await sitting.until(lambda: sitting.status.problem == "")

    anyio.run(scene)
    assert opened(sitting) == 1


def test_xruns_are_told(sitting: Sitting, desk: LiveDesk) -> None:
    """And counted on when devices are opened anew."""

    async def scene() -> None:
        async with sitting.at(desk):
            await sitting.until(lambda: len(sitting.frames) > 10)
            sitting.system.play(lost=True)
            await sitting.until(lambda: sitting.status.xruns == 1)
            sitting.system.asleep_s = 60.0
            await sitting.until(lambda: opened(sitting) == 2)
            sitting.system.hear(lost=True)
            await sitting.until(lambda: sitting.status.xruns == 2)

    anyio.run(scene)
