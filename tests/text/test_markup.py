"""What must not be spoken never reaches the voice, and what stands in it keeps its place."""

from __future__ import annotations

import pytest

from assistant.text.markup import BREAK, FORGET, Char, MarkupFilter


def filtered(reply: str, thinking: bool = False) -> list[Char]:
    markup = MarkupFilter(thinking)
    return [*markup.feed(reply), *markup.finish()]


def speakable(reply: str, thinking: bool = False) -> str:
    """Breaks as "|", what is forgotten left out, white space single."""
    text = "".join({BREAK: "|"}.get(char.text, char.text) for char in filtered(reply, thinking))
    parts = " ".join(text.rpartition(FORGET)[2].split()).split("|")
    return "|".join(part.strip() for part in parts if part.strip())


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("**bold** and *it* and ~~gone~~", "bold and it and gone"),
        ("***all***, __init__, _emphasis_", "all, init, emphasis"),
        ("2 * 3, 2*3, snake_case, ~5", "2 * 3, 2*3, snake_case, ~5"),
        ("# Title\ntext", "Title|text"),
        ("Title\n=====\ntext\n---\nmore", "Title|text|more"),
        ("one\ntwo\n\nthree", "one two|three"),
        ("- one\n- **two**\n* three\n+ four", "one|two|three|four"),
        ("• one\n• two", "one|two"),
        ("- one\n  goes on\ndone", "one goes on|done"),
        ("- [x] done\n- [ ] open", "done|open"),
        ("1. one\n2) two\n   - a", "1, one|2, two|a"),
        ("2023 was. 3.5 is", "2023 was. 3.5 is"),
        ("> quoted\n> text\n\nmine", "quoted text|mine"),
        ("see [the docs](https://a.b/c_(d) \"title\") now", "see the docs now"),
        ("see [this][1] and [2] and[^note].", "see this and and."),
        ("[a, b] is a list (really)", "a, b is a list (really)"),
        ("![a picture](x.png) text", "text"),
        ("so ![", "so !"),
        ("`git status`, `x = f(y)`, ``a`b``.", "git status, , ."),
        ("a ` b", "a b"),
        ("one\n```py\ncode()\n```\ntwo", "one|two"),
        ("~~~\ncode\n```\nstill\n~~~\ntwo", "two"),
        ("one ```code(x)``` two", "one two"),
        ("one\n```\nnever closed", "one"),
        ("<b>bold</b><br/>next <span class='x'>y</span>", "bold|next y"),
        ("a <!-- a\nnote --> b", "a b"),
        ("<script>x = 1</script>text", "text"),
        ("visit <https://x.com> now", "visit https://x.com> now"),
        ("a < b, x<y, 3 <5", "a < b, x<y, 3 <5"),
        ("AT&amp;T &lt; R&B &nope;", "AT&T < R&B &nope;"),
        ("done<|im_end|>", "done"),
        ("nice 🎉👍🏽 day ❤️", "nice day"),
        ("fun🎉yes 👨‍👩‍👧🇫🇷!", "fun yes !"),
        ("20°C №5", "20°C №5"),
        ("co\u00adop zero\u200bwidth", "coop zerowidth"),
        ("\\*no\\* \\# 5\\$ \\", "no # 5$"),
        ("<think>plan</think>Hello", "Hello"),
        ("<think>\nplan\n\n", ""),
        ("a plan\n</think>\nHello", "Hello"),
        ("<THINKING>plan</thinking>Hello", "Hello"),
        ("🎉", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_only_what_can_be_spoken_is_left(reply: str, expected: str) -> None:
    """Markup goes, breaks and spaces stay."""
    assert speakable(reply) == expected


def test_a_table_is_read_row_by_row() -> None:
    """Its bars are pauses; the line under its head is not read."""
    rows = "".join(char.text for char in filtered("| a | b |\n|---|:-:|\n| c | d |\n")).split(BREAK)
    assert [row.split() for row in rows if row.strip()] == [["a", "|", "b", "|"], ["c", "|", "d", "|"]]


def test_the_prompt_may_have_opened_the_thinking_block() -> None:
    """Then all up to its end is thinking, and nothing of it is spoken early."""
    assert speakable("first. second.</think>Hello", thinking=True) == "Hello"
    assert filtered("first. second.", thinking=True) == []


def test_every_character_keeps_its_place_in_the_reply() -> None:
    """An entity's one character has the span of the whole entity."""
    reply = "**a** &amp; [b](x)"
    assert [(char.text, reply[char.start : char.end]) for char in filtered(reply) if char.text.strip()] == [
        ("a", "a"), ("&", "&amp;"), ("b", "b"),
    ]  # fmt: skip


@pytest.mark.parametrize("reply", ["Hello ", "**bold** ", "5 * 3 ", "see [docs](x) ", "wow! it ", "a & b "])
def test_nothing_decided_is_held_back(reply: str) -> None:
    """Speech must not wait for what cannot become markup any more."""
    streamed = MarkupFilter().feed(reply)
    assert streamed == filtered(reply)
