"""A terminal's bytes made keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.keys.parser import Key, KeyParser, KittySupported


def keys(*pieces: bytes) -> list[Key | KittySupported]:
    parser = KeyParser()
    return [key for piece in pieces for key in parser.feed(piece)]


SEQUENCES: dict[bytes, list[Key | KittySupported]] = {
    b" ": [Key("space", " ")],
    b"a": [Key("a", "a")],
    b"Q": [Key("Q", "Q")],
    "é".encode(): [Key("é", "é")],
    "日".encode(): [Key("日", "日")],
    "🎤".encode(): [Key("🎤", "🎤")],
    b"\r": [Key("enter")],
    b"\x7f": [Key("backspace")],
    b"\x03": [Key("ctrl+c")],
    b"\x1b[A": [Key("up")],
    b"\x1b[1;5D": [Key("ctrl+left")],
    b"\x1bOH": [Key("home")],
    b"\x1bOP": [],  # F1
    b"\x1b[3~": [Key("delete")],
    b"\x1b[200~two\nlines\x1b[201~": [Key("paste", "two\nlines")],
    b"\x1b[32u": [Key("space", " ")],
    b"\x1b[32;1:2u": [Key("space", " ", "repeat")],
    b"\x1b[32;1:3u": [Key("space", "", "release")],
    b"\x1b[27u": [Key("escape")],
    b"\x1b[13u": [Key("enter")],
    b"\x1b[57414u": [Key("enter")],  # of the keypad
    b"\x1b[57400;1;49u": [Key("1", "1")],  # of the keypad
    b"\x1b[57441;2u": [Key("other")],  # shift alone
    b"\x1b[99;5u": [Key("ctrl+c")],
    b"\x1b[99;69u": [Key("ctrl+c")],  # with caps lock
    b"\x1b[97;2;65u": [Key("A", "A")],
    b"\x1b[97;2u": [Key("A", "A")],  # a terminal that does not tell the text
    b"\x1b[47:63;2;63u": [Key("?", "?")],
    b"\x1b[122;9u": [Key("super+z")],
    b"\x1b[1;1:3A": [Key("up", "", "release")],
    b"\x1b[?0u": [KittySupported()],
    b"\x1b[?62;4;22c": [],  # what kind of terminal it is
    b"\x1b[I": [],  # focus
    b"\xff": [],
}


@pytest.mark.parametrize(("data", "expected"), SEQUENCES.items(), ids=repr)
def test_what_a_sequence_means(data: bytes, expected: list[Key | KittySupported]) -> None:
    """In one piece."""
    assert keys(data) == expected


@given(st.lists(st.sampled_from(list(SEQUENCES)), max_size=8), st.data())
def test_bytes_may_be_split_anywhere(sequences: list[bytes], data: st.DataObject) -> None:
    """The pieces in which a terminal's bytes come change nothing."""
    whole = b"".join(sequences)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)))))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert keys(*pieces) == [key for sequence in sequences for key in SEQUENCES[sequence]]


@given(st.lists(st.binary(max_size=6)))
def test_no_bytes_are_an_error(pieces: list[bytes]) -> None:
    """Line noise is survived, and after it keys are keys again."""
    parser = KeyParser()
    for piece in pieces:
        parser.feed(piece)
        parser.flush()
    after = parser.feed(b"\x1b[201~" + b"uu  " + b"x")
    assert after[-1] == Key("x", "x")


def test_a_lone_escape_is_told_when_nothing_follows() -> None:
    """Only then is it known not to begin an arrow."""
    parser = KeyParser()
    assert parser.feed(b"\x1b") == []
    assert parser.flush() == [Key("escape")]
    assert parser.flush() == []


def test_escape_twice_is_at_least_one() -> None:
    """The second may begin something."""
    assert keys(b"\x1b\x1b") == [Key("escape")]


def test_alt_does_not_pass_for_the_key_alone() -> None:
    """Alt+q must not quit."""
    assert keys(b"\x1bq") == [Key("alt+q")]
