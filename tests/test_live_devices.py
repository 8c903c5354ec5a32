"""`assistant talk` on real audio devices, with the small models: what a user at the desk would see.

The devices are PulseAudio's; the microphone hears the loudspeaker 10 dB weaker and 60 ms later all the
time. What happens is judged by the JSON events. Small models answer nonsense, so no words are looked at.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from pulse import URGENT, Pulse

pytestmark = [pytest.mark.audio, pytest.mark.models]

Event: TypeAlias = dict[str, Any]

SPEECH = Path(__file__).parent / "speech"
ORDER = SPEECH / "rhasspy3_turn_on_the_lamp.wav"
LONG_SPEECH = SPEECH / "jfk.wav"
STORY = "Tell me a very long story about a dog, a cat and the sea."
SETTINGS = [
    "--set", "devices.latency_ms=300",  # two cores share models, sound server and test
    "--set", "chat.system_prompt='You tell long stories.'",
    "--set", "chat.max_tokens=400",
]  # fmt: skip
PATIENCE_S = 240
INTERRUPT_AGAIN_S = 2.0
ATTEMPTS = 3


class Talk:
    """A running `assistant talk --json-events` and what it has told so far."""

    def __init__(self, pulse: Pulse, *options: str) -> None:
        self._keyboard, terminal = os.openpty()
        self.process = subprocess.Popen(
            [
                *URGENT,
                sys.executable,
                "-m",
                "assistant",
                "talk",
                "--profile",
                "small",
                "--json-events",
                *SETTINGS,
                *options,
            ],
            env=pulse.environment,
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        os.close(terminal)
        self.events: list[Event] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.until(lambda: self.states("listening"))

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.events.append(json.loads(line))
                self._news.notify_all()

    def until(self, condition: Callable[[], Any]) -> None:
        """Wait for something that will be told."""
        with self._news:
            if not self._news.wait_for(condition, PATIENCE_S):
                raise AssertionError(f"it did not happen; the latest: {self.events[-5:]}")

    def listen(self, seconds: float, until: Callable[[], Any]) -> None:
        """Let it talk for so long, or until something happens."""
        with self._news:
            self._news.wait_for(until, seconds)

    def keys(self, keys: str) -> None:
        os.write(self._keyboard, keys.encode())

    def type(self, line: str) -> None:
        self.keys(f"\r{line}\r")

    def turns(self, since: int = 0) -> list[Event]:
        """The latest that was told of each turn that began after an event."""
        turns = {event["number"]: event for event in self.events if event["event"] == "turn"}
        before = {event["number"] for event in self.events[:since] if event["event"] == "turn"}
        return [turn for number, turn in turns.items() if number not in before]

    def accepted(self, since: int = 0) -> list[Event]:
        """Spoken turns that were answered."""
        taken = ("open", "done", "cut")
        return [turn for turn in self.turns(since) if turn["kind"] == "spoken" and turn["state"] in taken]

    def over(self, since: int) -> bool:
        """A turn that began after an event has had its reply."""
        return any(turn["state"] in ("done", "cut") for turn in self.turns(since))

    def states(self, state: str, since: int = 0) -> list[Event]:
        return [event for event in self.events[since:] if event == {"event": "state", "state": state}]

    def trouble(self, since: int) -> bool:
        """Sound was lost: what was heard then says nothing."""
        desks = [event for event in self.events if event["event"] == "desk"]
        before = [event for event in self.events[:since] if event["event"] == "desk"]
        return bool(desks) and desks[-1]["xruns"] > (before[-1]["xruns"] if before else 0)

    def under_way(self) -> bool:
        """A turn is, or somebody is being heard."""
        states = [event["state"] for event in self.events if event["event"] == "state"]
        return states[-1] != "listening" or any(turn["state"] in ("held", "open") for turn in self.turns())

    def quiet(self) -> None:
        """Interrupt it until nothing is under way: speech that ends after the key is one more turn."""
        give_up = time.monotonic() + PATIENCE_S
        while self.under_way():
            assert time.monotonic() < give_up, self.events[-5:]
            self.keys("x")
            self.listen(INTERRUPT_AGAIN_S, until=lambda: not self.under_way())

    def attempt(self, scene: Callable[[int], None]) -> None:
        """Play a scene; again where sound was lost and nowhere else.

        Args:
            scene: Given the number of events before it.
        """
        for attempt in range(1, ATTEMPTS + 1):
            since = len(self.events)
            try:
                scene(since)
                return
            except AssertionError:
                if attempt == ATTEMPTS or not self.trouble(since):
                    raise
                self.quiet()

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(PATIENCE_S)
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        os.close(self._keyboard)
        return status


@contextlib.contextmanager
def a_desk() -> Iterator[Pulse]:
    folder = Path(tempfile.mkdtemp(prefix="pulse-"))
    server = Pulse(folder)
    try:
        server.start()
        server.noise()
        server.loopback(60, -10)
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def desk() -> Iterator[Pulse]:
    """A desk with open loudspeakers, for all tests: starting the models takes longest."""
    with a_desk() as server:
        yield server


def test_push_to_talk_by_keys_of_a_terminal(desk: Pulse) -> None:
    """By turns, then held once the terminal has said that it tells of releases; else nothing is heard.

    It comes first: two talks at one desk would answer each other.
    """
    talk = Talk(desk, "--push-to-talk")

    def say_with(down: str, up: str) -> Callable[[int], None]:
        def scene(since: int) -> None:
            talk.keys(down)
            talk.until(lambda: talk.states("hearing", since))
            desk.play(ORDER).wait()
            talk.keys(up)
            talk.until(lambda: talk.accepted(since) and talk.accepted(since)[-1]["latency_ms"])

        return scene

    def interrupted(since: int) -> None:
        talk.keys("\x1b[32u")
        talk.until(lambda: talk.states("hearing", since))
        talk.keys("\x1b[32;1:3u")
        talk.quiet()

    try:
        since = len(talk.events)
        desk.play(ORDER).wait()
        time.sleep(1)  # hands-free, it would have been a turn by now
        assert not talk.turns()
        talk.attempt(say_with(" ", " "))
        talk.quiet()
        talk.keys("\x1b[?0u")
        talk.attempt(say_with("\x1b[32u", "\x1b[32;1:2u\x1b[32;1:3u"))
        talk.attempt(interrupted)
        assert "cut" in [turn["state"] for turn in talk.accepted(since)]
    finally:
        assert talk.end() == 0


@pytest.fixture(scope="module")
def talk(desk: Pulse) -> Iterator[Talk]:
    """One hands-free talk for all tests that follow."""
    one = Talk(desk)
    yield one
    assert one.end() == 0


def test_it_does_not_hear_itself(talk: Talk) -> None:
    """In a minute of speech at least, out of a loudspeaker that the microphone hears."""

    def scene(since: int) -> None:
        while sum(turn["spoken_s"] for turn in talk.turns(since)) < 60:
            told = len(talk.events)
            talk.type(STORY)
            talk.until(partial(talk.states, "speaking", told))
            talk.listen(80, until=partial(talk.over, told))
            talk.quiet()
            assert not talk.accepted(since), talk.turns(since)
            assert not [turn for turn in talk.turns(since) if turn["cut_by"]], talk.turns(since)

    talk.attempt(scene)


def test_recorded_speech_is_answered(talk: Talk, desk: Pulse) -> None:
    """And its latency is told with its parts."""

    def scene(since: int) -> None:
        desk.play(ORDER).wait()
        talk.until(lambda: talk.accepted(since) and talk.accepted(since)[-1]["latency_ms"])
        parts = dict(talk.accepted(since)[-1]["latency_ms"])
        assert parts.pop("voice_to_voice_ms") == sum(parts.values())
        assert parts["endpoint_ms"] > 0
        talk.quiet()

    talk.attempt(scene)
    assert {"hearing", "speaking"} <= {event["state"] for event in talk.events if event["event"] == "state"}


def test_speaking_over_it_stops_it(talk: Talk, desk: Pulse) -> None:
    """The reply is cut by the user's speech, which is then answered."""

    def scene(since: int) -> None:
        talk.type(STORY)
        talk.until(lambda: talk.states("speaking", since))
        user = desk.play(LONG_SPEECH)
        talk.until(lambda: talk.turns(since)[0]["state"] != "open")
        assert user.poll() is None, "it went on until the user had done"
        assert talk.turns(since)[0]["cut_by"]
        user.wait()
        talk.until(lambda: talk.accepted(since))
        talk.quiet()

    talk.attempt(scene)


def test_a_microphone_that_goes_away_and_comes_back_ends_nothing(talk: Talk, desk: Pulse) -> None:
    """In mid-reply: it says so, and then the same reply goes on, and somebody is heard again."""

    def scene(since: int) -> None:
        talk.type(STORY)
        talk.until(lambda: talk.states("speaking", since))
        desk.remove_microphone()
        talk.until(lambda: [event for event in talk.events[since:] if event.get("problem")])
        desk.restore_microphone()
        talk.until(lambda: not [event for event in talk.events if event["event"] == "desk"][-1]["problem"])
        assert talk.turns(since)[0]["state"] == "open", talk.events[since:]
        talk.quiet()
        assert talk.turns(since)[0]["spoken_s"] > 0
        desk.play(ORDER).wait()
        talk.until(lambda: talk.accepted(since))
        talk.quiet()

    talk.attempt(scene)
