"""A pair of open devices tells when it is lost, outdated, or poor: on a clock and devices moved by hand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from fake_devices import AIRPODS, AIRPODS_MICROPHONE, DEVICES, MACBOOK_MICROPHONE, MACBOOK_SPEAKERS, FakeSystem

from assistant import config
from assistant.audio.coreaudio import Landscape
from assistant.audio.session import Session, can_be_heard
from assistant.config import Config
from assistant.errors import AudioError
from assistant.messages import Samples


@dataclass
class Bench:
    """A session, a clock, and what was pulled."""

    system: FakeSystem
    settings: config.Devices
    now_s: float = 0.0
    wakes: int = 0
    pulls: list[tuple[int, float]] = field(default_factory=list)

    def open(self) -> Session:
        """A pair of devices, opened now."""
        return Session(self.settings, self.system, self._pull, 24_000, lambda: self.now_s, self._wake)

    def live(self, seconds: float, microphone: bool = True, loudspeaker: bool = True, level: float = 0.1) -> None:
        """Time passes; each device that works calls every 20 ms."""
        for _ in range(round(seconds / 0.02)):
            self.now_s += 0.02
            if microphone:
                self.system.hear(level)
            if loudspeaker:
                self.system.play()

    def _pull(self, count: int, at_s: float) -> Samples:
        self.pulls.append((count, at_s))
        return np.full(count, 0.5, np.float32)

    def _wake(self) -> None:
        self.wakes += 1


@pytest.fixture
def bench(config: Config) -> Bench:
    """A MacBook with AirPods near."""
    return Bench(FakeSystem(), config.devices)


@pytest.fixture
def with_airpods(bench: Bench) -> Bench:
    """They are asked for by name."""
    bench.settings = bench.settings.model_copy(update={"microphone": "airpods", "loudspeaker": "airpods"})
    return bench


def test_what_the_callbacks_move(bench: Bench) -> None:
    """Both ends are on one clock: what is heard is 20 ms old, what is pulled sounds in 80 ms."""
    bench.now_s = 1.0
    session = bench.open()
    bench.live(0.2)
    heard = list(session.microphone.end.blocks())
    assert [start for start, _ in heard] == [16_000 + index * 320 for index in range(10)]
    assert bench.wakes == 10
    assert [count for count, _ in bench.pulls] == [480] * 10
    assert np.allclose([at_s for _, at_s in bench.pulls], [1.1 + 0.02 * index for index in range(10)])
    played = list(session.loudspeaker.end.blocks())
    assert [start for start, _ in played] == [17_600 + index * 320 for index in range(10)]
    assert np.allclose(played[5][1], 0.5, atol=1e-3)
    assert {len(samples) for _, samples in heard + played} == {320}


@pytest.mark.parametrize("rate_hz", [16_000, 24_000, 44_100, 48_000])
def test_other_rates_are_converted(bench: Bench, rate_hz: int) -> None:
    """A device that has one rate of its own still hears 16 kHz and plays the voice's 24."""
    bench.system.rates_hz = {MACBOOK_MICROPHONE.name: rate_hz, MACBOOK_SPEAKERS.name: rate_hz}
    session = bench.open()
    bench.live(0.2)
    assert [len(samples) for _, samples in session.microphone.end.blocks()] == [320] * 10
    assert {count for count, _ in bench.pulls} == {480}
    out = bench.system.play()
    assert len(out) == rate_hz // 50
    assert np.allclose(out, 0.5, atol=2e-3)


def test_a_stuck_event_loop_loses_the_oldest(bench: Bench) -> None:
    """Two seconds are kept; what was lost is counted, and the rest keeps its place on the clock."""
    session = bench.open()
    bench.live(3.0)
    heard = list(session.microphone.end.blocks())
    assert len(heard) == 100
    assert heard[0][0] == 50 * 320
    assert session.xruns == 50


def test_xruns_of_both_are_counted(bench: Bench) -> None:
    """As the devices tell them."""
    session = bench.open()
    bench.live(1.0)
    bench.system.hear(lost=True)
    bench.system.play(lost=True)
    bench.system.play(lost=True)
    assert session.xruns == 3


@pytest.mark.parametrize("gone", [MACBOOK_MICROPHONE, MACBOOK_SPEAKERS])
def test_a_device_that_fails_is_named_with_the_cure(bench: Bench, gone: object) -> None:
    """PortAudio says so."""
    session = bench.open()
    bench.live(1.0)
    assert session.loss() == ""
    next(stream for stream in bench.system.streams if stream.device == gone).active = False
    assert session.loss().startswith(f"The {'microphone' if gone == MACBOOK_MICROPHONE else 'loudspeaker'} MacBook Pro")
    assert "Connect it again" in session.loss()


def test_a_device_that_no_longer_calls_is_lost(bench: Bench) -> None:
    """PortAudio says nothing; at the beginning a device may take its time."""
    session = bench.open()
    bench.live(3.9, microphone=False)
    assert session.loss() == ""
    bench.live(0.2, microphone=False)
    assert "The microphone MacBook Pro Microphone is lost" in session.loss()
    bench.live(0.1)
    assert session.loss() == ""
    bench.live(1.1, loudspeaker=False)
    assert "The loudspeaker MacBook Pro Speakers is lost" in session.loss()


def test_nothing_but_zeros_is_a_microphone_withheld(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """For two seconds; the first sound lifts it, and a quiet room later is no cause."""
    session = bench.open()
    end = session.microphone.end
    bench.live(1.9, level=0.0)
    assert (list(end.blocks()), session.withheld())[1] == ""
    bench.live(0.2, level=0.0)
    assert (list(end.blocks()), session.withheld())[1].startswith("The microphone MacBook Pro Microphone gives nothing")
    monkeypatch.setattr("sys.platform", "darwin")
    assert "System Settings > Privacy & Security > Microphone" in session.withheld()
    bench.live(0.02, level=0.001)
    assert (list(end.blocks()), session.withheld())[1] == ""
    bench.live(5.0, level=0.0)
    assert (list(end.blocks()), session.withheld())[1] == ""


def test_a_headset_that_is_gone_is_replaced_until_it_returns(with_airpods: Bench) -> None:
    """By the computer's own, with a warning."""
    with_airpods.system.present = [MACBOOK_MICROPHONE, MACBOOK_SPEAKERS]
    session = with_airpods.open()
    assert with_airpods.system.open_now() == [MACBOOK_MICROPHONE.name, MACBOOK_SPEAKERS.name]
    assert session.warning() == (
        "There is no microphone 'airpods' now; MacBook Pro Microphone is used. "
        "There is no loudspeaker 'airpods' now; MacBook Pro Speakers is used."
    )
    assert not session.is_outdated()
    with_airpods.system.now = Landscape(0, 1, frozenset({0, 1, 2, 3}))
    assert session.is_outdated()


def test_a_headset_that_does_not_open_is_waited_for(with_airpods: Bench) -> None:
    """It is there: in a moment it may be ready."""
    with_airpods.system.broken = {AIRPODS.name}
    with pytest.raises(AudioError, match="AirPods Pro cannot be opened"):
        with_airpods.open()
    assert with_airpods.system.open_now() == []


def test_without_any_device_nothing_stays_open(bench: Bench) -> None:
    """A microphone alone is given back."""
    bench.system.present = [MACBOOK_MICROPHONE]
    with pytest.raises(AudioError, match="Connect one; it is used as soon as it is there"):
        bench.open()
    assert bench.system.open_now() == []


def test_the_systems_choice_is_followed(bench: Bench) -> None:
    """Unless a device was asked for by name."""
    session = bench.open()
    assert not session.is_outdated()
    bench.system.choose(AIRPODS_MICROPHONE, MACBOOK_SPEAKERS)
    assert session.is_outdated()
    session.close()
    again = bench.open()
    assert bench.system.open_now() == [AIRPODS_MICROPHONE.name, MACBOOK_SPEAKERS.name]
    assert not again.is_outdated()


def test_a_device_asked_for_is_kept(with_airpods: Bench) -> None:
    """Whatever the system's choice, and whatever else is plugged in."""
    session = with_airpods.open()
    assert with_airpods.system.open_now() == [AIRPODS_MICROPHONE.name, AIRPODS.name]
    with_airpods.system.now = Landscape(7, 8, frozenset({7, 8}))
    assert not session.is_outdated()


def test_after_a_sleep_devices_are_opened_anew(bench: Bench) -> None:
    """What is open on a machine that slept may be open on nothing."""
    session = bench.open()
    bench.system.asleep_s = 30.0
    assert session.is_outdated()


def test_a_headset_in_its_telephone_profile_is_warned_of(with_airpods: Bench) -> None:
    """Its rate falls when its microphone is opened, whatever the list said before."""
    with_airpods.system.bluetooth_rate_hz = 24_000
    assert "telephone profile" in with_airpods.open().warning()


def test_what_the_microphone_can_hear() -> None:
    """Loudspeakers, unless the name or the jack tells of headphones."""
    system = FakeSystem()
    assert [can_be_heard(system, device) for device in DEVICES] == [True, True, False, False]
    system.jack = True
    assert not can_be_heard(system, replace(MACBOOK_SPEAKERS, name="Built-in Output"))
