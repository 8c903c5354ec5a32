"""What keys mean to a talk."""

from __future__ import annotations

import pytest

from assistant.keys.bindings import Bindings, Command, Meaning
from assistant.keys.line import LineEditor
from assistant.keys.parser import Key, KeyParser
from assistant.messages import LineTyped


def meanings(data: str, push_to_talk: bool = False, hold: bool = False) -> list[Meaning]:
    bindings = Bindings(push_to_talk)
    bindings.hold = hold
    keys = [key for key in KeyParser().feed(data.encode()) if isinstance(key, Key)]
    return [meaning for key in keys if (meaning := bindings.feed(key)) is not None]


@pytest.mark.parametrize(
    ("key", "command"),
    [
        ("m", Command.MUTE),
        ("M", Command.MUTE),
        ("s", Command.SLEEP),
        (" ", Command.WAKE),
        ("x", Command.INTERRUPT),
        ("\x1b[27u", Command.INTERRUPT),
        ("q", Command.QUIT),
        ("\x03", Command.QUIT),
        ("\x04", Command.QUIT),
    ],
)
def test_single_keys(key: str, command: Command) -> None:
    """Hands-free."""
    assert meanings(key) == [command]


def test_other_keys_mean_nothing() -> None:
    """Nor do keys with a modifier that would mean something alone."""
    assert meanings("abc\t\x1b[A\x1bq\x1b[109;5u") == []


def test_an_open_line_takes_every_key_as_text() -> None:
    """Enter opens it and sends it; then single keys are single keys again."""
    assert meanings("\rmix a quiz, please\rm") == [LineTyped("mix a quiz, please"), Command.MUTE]


def test_a_closed_line_is_forgotten() -> None:
    """Esc closes it, and does not interrupt."""
    assert meanings("\rnever mind\x1b[27u\r\r") == []


def test_ctrl_c_ends_the_talk_even_while_typing() -> None:
    """As everywhere."""
    assert meanings("\rwhat\x03") == [Command.QUIT]


def test_pasted_text_opens_the_line_and_is_not_taken_for_keys() -> None:
    """Nor is it sent before Enter."""
    assert meanings("\x1b[200~quit\nsmoking\x1b[201~\r") == [LineTyped("quit smoking")]


def test_space_talks_by_turns_where_releases_are_not_told() -> None:
    """A repeat cannot be told from a press there."""
    assert meanings("  ", push_to_talk=True) == [Command.TOGGLE, Command.TOGGLE]


def test_space_talks_while_it_is_held_where_releases_are_told() -> None:
    """Repeats in between are nothing."""
    held = "\x1b[32u\x1b[32;1:2u\x1b[32;1:2u\x1b[32;1:3u"
    assert meanings(held, push_to_talk=True, hold=True) == [Command.PRESS, Command.RELEASE]


def test_a_key_released_in_an_open_line_is_still_released() -> None:
    """Else the microphone would stay open."""
    held = "\x1b[32u\x1b[13u\x1b[32;1:3u"
    assert meanings(held, push_to_talk=True, hold=True) == [Command.PRESS, Command.RELEASE]


def test_space_typed_into_a_line_does_not_talk() -> None:
    """Neither its press nor its release."""
    typed = "\x1b[13u\x1b[97u\x1b[32u\x1b[32;1:3u\x1b[98u\x1b[13u"
    assert meanings(typed, push_to_talk=True, hold=True) == [LineTyped("a b")]


def edited(data: str) -> tuple[str, int]:
    line = LineEditor()
    for key in KeyParser().feed(data.encode()):
        assert isinstance(key, Key)
        line.feed(key)
    return line.text, line.cursor


@pytest.mark.parametrize(
    ("typed", "text", "cursor"),
    [
        ("hello", "hello", 5),
        ("hellp\x7fo", "hello", 5),
        ("\x7fé", "é", 1),
        ("ello\x1b[Hh\x1b[F!", "hello!", 6),
        ("helo\x1b[Dl", "hello", 4),
        ("hhello\x01\x1b[3~", "hello", 0),
        ("one two\x17three", "one three", 9),
        ("wrong\x15right", "right", 5),
        ("keep this\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x0b", "keep", 4),
        ("\x1b[A\t\x1bz", "", 0),
    ],
)
def test_a_line_is_edited_as_in_a_shell(typed: str, text: str, cursor: int) -> None:
    """The keys that fingers know."""
    assert edited(typed) == (text, cursor)


def test_control_characters_in_pasted_text_become_spaces() -> None:
    """They would move the cursor of the terminal."""
    line = LineEditor()
    line.feed(Key("paste", "a\x1b[2Jb\nc"))
    assert line.text == "a [2Jb c"
