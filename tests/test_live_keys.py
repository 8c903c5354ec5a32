"""The live talk on fakes, in real time: what keys do to it."""

from __future__ import annotations

import anyio
import pytest
from live_user import Desk

from assistant.live import Options

QUESTION = "rhasspy3_what_time_is_it.wav"


def test_a_key_interrupts(desk: Desk) -> None:
    """And the talk goes on."""

    async def user() -> None:
        await desk.reaches("listening")
        desk.keys("\rgo\r")
        await desk.reaches("speaking")
        desk.keys("x")
        await desk.reaches("listening")
        desk.keys("q")

    desk.talk(user)
    assert [(turn.state, turn.cut_by) for turn in desk.shown.turns] == [("cut", None)]


def test_muted_nothing_is_heard(desk: Desk) -> None:
    """Until the same key is pressed again."""

    async def user() -> None:
        await desk.reaches("listening")
        desk.keys("m")
        await desk.reaches("muted")
        await anyio.sleep(2.5)  # the question is over
        assert not desk.shown.turns
        desk.keys("m")
        await desk.reaches("listening")
        desk.keys("q")

    desk.talk(user, said=[(QUESTION, 0.6)])
    assert not desk.shown.turns


def test_asleep_nothing_is_answered(desk: Desk) -> None:
    """Space wakes."""

    async def user() -> None:
        await desk.reaches("listening")
        desk.keys("s")
        await desk.reaches("asleep")
        await anyio.sleep(3)
        desk.keys(" ")
        await desk.reaches("listening")
        desk.keys("q")

    desk.talk(user, said=[(QUESTION, 0.6)])
    assert not [turn for turn in desk.shown.turns if turn.state not in ("rejected", "discarded")]


def test_space_says_when_the_user_speaks(desk: Desk) -> None:
    """By turns, where the terminal does not tell of releases; pressed during the reply it interrupts."""

    async def user() -> None:
        await desk.reaches("listening")
        await anyio.sleep(0.3)
        desk.keys(" ")
        await desk.reaches("hearing")
        assert "space done" in desk.shown.moments[-1].keys
        await anyio.sleep(1)
        desk.keys(" ")
        await desk.reaches("speaking")
        desk.keys(" ")
        await desk.until(lambda: desk.shown.turns[0].state == "cut")
        desk.keys("q")

    desk.talk(user, Options(push_to_talk=True), said=[(QUESTION, 0.5)])
    assert desk.shown.turns[0].transcript == "tell me a story"


def test_space_is_held_where_releases_are_told(desk: Desk) -> None:
    """Without the key nobody is heard."""

    async def user() -> None:
        desk.keys("\x1b[?0u")
        await anyio.sleep(3)
        assert not desk.shown.turns
        assert "hold space to talk" in desk.shown.moments[-1].keys
        desk.keys("\x1b[32u")
        await desk.reaches("hearing")
        desk.keys("\x1b[32;1:2u\x1b[32;1:3u")
        await desk.until(lambda: desk.shown.turns)
        desk.keys("\x1b[113u")

    desk.talk(user, Options(push_to_talk=True), said=[(QUESTION, 0.5)])


def test_a_key_held_too_long_can_be_pressed_again(desk: Desk) -> None:
    """What was said till then is answered."""

    async def user() -> None:
        await desk.reaches("listening")
        desk.keys(" ")
        await desk.until(lambda: desk.shown.turns)
        await desk.reaches("speaking")
        desk.keys(" ")
        await desk.until(lambda: desk.shown.turns[0].state == "cut")
        await desk.until(lambda: len(desk.shown.turns) == 2)
        desk.keys("q")

    desk.talk(user, Options(push_to_talk=True), ["push_to_talk.max_hold_s=1"])


@pytest.mark.parametrize("key", ["q", "\x1b[99;5u", "\x04"])
def test_keys_that_end_the_talk(desk: Desk, key: str) -> None:
    """Ctrl-C and Ctrl-D as well, even while it speaks."""

    async def user() -> None:
        await desk.reaches("listening")
        desk.keys("\rgo\r")
        await desk.reaches("speaking")
        desk.keys(key)

    desk.talk(user)
    assert desk.shown.closed
