"""The echo window and the delay it learns: pure deciders."""

from __future__ import annotations

import numpy as np
import pytest
from echo_scenes import clip, gained, reply, silence

from assistant.audio.echo import EchoWindow
from assistant.config import load
from assistant.messages import FRAME_SAMPLES, Frame, Samples
from assistant.simulation.room import Room, RoomConfig

TAIL_MS = 300
LATENCY_MS = 20


def window() -> EchoWindow:
    """A fresh one."""
    return EchoWindow(load(settings=[f"echo.tail_ms={TAIL_MS}"]).echo, LATENCY_MS)


def feed(echo: EchoWindow, played: Samples, heard: Samples, start: int = 0) -> list[int]:
    """Frame by frame; gives back the samples at which it was found to open and to close."""
    changes = []
    for at in range(0, len(played) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        before = echo.open
        echo.feed(Frame(start + at, heard[at : at + FRAME_SAMPLES], played[at : at + FRAME_SAMPLES]))
        if echo.open != before:
            changes.append(start + at + FRAME_SAMPLES)
    return changes


def in_room(
    played: Samples, delay_ms: float, gain_db: float = -12, rt60_s: float = 0.3, noise_dbfs: float = -60
) -> Samples:
    """What the microphone hears of it."""
    room = Room(
        RoomConfig(
            echo_gain_db=gain_db, echo_delay_ms=delay_ms, reverb_rt60_s=rt60_s, noise="pink", noise_dbfs=noise_dbfs
        )
    )
    return np.concatenate(
        [room.step(played[at : at + FRAME_SAMPLES], silence(0.01)) for at in range(0, len(played), FRAME_SAMPLES)]
    )


def test_it_is_open_from_the_first_audible_sample_until_the_echo_must_be_over() -> None:
    """Before the delay is learned: the latency, 400 ms and the tail."""
    echo = window()
    tone = gained(np.sin(np.arange(16_000, dtype=np.float32)), -20)
    played = np.concatenate([silence(0.5), tone, silence(2)])
    changes = feed(echo, played, np.zeros_like(played))
    assert changes == [8000 + FRAME_SAMPLES, 24_000 + (LATENCY_MS + 400 + TAIL_MS) * 16]
    assert echo.spans[-1] == (8000, changes[1])
    assert echo.last_audible == 24_000
    assert [echo.holds(at) for at in (7999, 8000, changes[1] - 1, changes[1])] == [False, True, True, False]


def test_what_nobody_can_hear_does_not_open_it() -> None:
    """Under -50 dBFS."""
    tone = gained(np.sin(np.arange(16_000, dtype=np.float32)), -50)
    assert feed(window(), tone, tone) == []


def test_it_closes_by_itself_when_playback_breaks_off() -> None:
    """Cancelled in the middle of a word, or died: only what was played counts."""
    echo = window()
    played = reply(5)
    played[40_000:] = 0
    feed(echo, played, in_room(played, 60))
    assert not echo.open
    assert echo.closed < 40_000 + 500 * 16


@pytest.mark.parametrize("delay_ms", [0, 30, 60, 150, 250, 400, 700, 1000])
def test_the_delay_is_learned(delay_ms: int) -> None:
    """Whatever the device reports, from one reply of three seconds, to 20 ms."""
    echo = window()
    played = np.concatenate([silence(0.2), reply(3), silence(1)])
    feed(echo, played, in_room(played, delay_ms))
    assert echo.delay_ms == pytest.approx(delay_ms, abs=20)
    assert echo.hold_ms == max(echo.delay_ms or 0, LATENCY_MS) + TAIL_MS


def test_a_short_reply_is_enough_to_cover_a_late_echo() -> None:
    """The first word of a talk, in a room of 400 ms: the window outlasts its echo."""
    echo = window()
    played = np.concatenate([reply(0.8), silence(2)])
    changes = feed(echo, played, in_room(played, 400))
    assert changes[-1] >= echo.last_audible + (400 + 200) * 16


def test_no_echo_teaches_nothing() -> None:
    """Noise alone leaves the guess as it is."""
    echo = window()
    played = reply(4)
    feed(echo, played, in_room(played, 60, gain_db=-80, noise_dbfs=-50))
    assert echo.delay_ms is None


def test_a_learned_delay_outlives_the_silence() -> None:
    """The second reply begins with what the first has taught."""
    echo = window()
    played = np.concatenate([reply(3), silence(3)])
    feed(echo, played, in_room(played, 150))
    learned = echo.delay_ms
    feed(echo, reply(0.3), silence(0.3), start=len(played))
    assert echo.open and echo.delay_ms == learned is not None


@pytest.mark.parametrize(("words", "gap_s"), [("mycroft_stop", 0), ("mycroft_stop", 0.2), ("jfk", 0)])
def test_a_users_words_after_a_short_reply_are_not_its_echo(words: str, gap_s: float) -> None:
    """It would be one that comes too late for the canceller, and nothing could begin inside the window."""
    echo = window()
    played = np.concatenate([reply(0.6), silence(3)])
    user = np.concatenate([silence(0.6 + gap_s), clip(words), silence(3)])[: len(played)]
    heard = in_room(played, 200, gain_db=-20, noise_dbfs=-120) + user
    for at in range(0, len(played), FRAME_SAMPLES):
        feed(echo, played[at : at + FRAME_SAMPLES], heard[at : at + FRAME_SAMPLES], at)
        assert echo.delay_ms in (None, pytest.approx(200, abs=20))
