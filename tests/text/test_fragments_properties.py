"""Cutting is a function of the reply, not of how it streamed; spans are exact; nothing is lost or too long."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from assistant.config import Speech
from assistant.messages import Fragment
from assistant.text.duration import spoken_seconds
from assistant.text.fragments import FragmentCutter

SPEECH = Speech(
    voice="af_heart", speed=1.0, first_fragment_s=2.0, max_fragment_s=4.0, sentence_gap_ms=250, clause_gap_ms=100
)

# What a model writes, whole and broken: words, numbers, marks, Markdown, code, tags, other scripts.
PIECES = [
    "Hello", "the", "and", "because", "Dr.", "e.g.", "U.S.", "No.", "St.", "a.m.", "J.", "R.", "NASA", "FBI", "it’s",
    "3", "5", "2026", "1,234,567", "3.14", "$3.50", "£2", "50%", "21st", "2023-01-01", "14:30", "1/2", "-5", "5–10",
    "km", "°C", "Jan", "January", "million", "www.example.com/a?b=c", "john@example.com", "main.py", "3.11",
    ".", ",", "!", "?", "...", "…", ":", ";", " - ", "—", "(", ")", "\"", "“", "'",
    " ", " ", " ", " ", "\n", "\n\n", "\r\n", "\t", "\u00a0", "\u200b",
    "*", "**", "_", "__", "~~", "~", "`", "```", "```py\n", "\n```\n", "# ", "- ", "1. ", "> ", "|", "|---|---|\n",
    "[", "]", "](", "](http://x.y)", "![", "[1]", "[^2]", "\\", "&", "&amp;", "&#39;", "<", ">", "<br>", "<b>", "</b>",
    "<think>", "</think>", "<!--", "-->", "<|end|>", "http://", "@", "+", "=", "/", "×", "→",
    "🎉", "👍🏽", "❤️", "👨‍👩‍👧", "🇫🇷", "①", "x²", "½", "天", "气", "。", "，",
    "今天很好", "こんにちは", "ー", "สวัสดี", "नमस्ते", "।", "مرحبا", "؟",
    "Übergröße", "straße", "a" * 60,
]  # fmt: skip
replies = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=6)), max_size=40).map("".join)
languages = st.sampled_from(["en", "en-gb", "fr", "de", "ja", "hi", "zh"])


def cut(reply: str, pieces: Sequence[str], language: str = "en", speech: Speech = SPEECH) -> list[Fragment]:
    assert "".join(pieces) == reply
    cutter = FragmentCutter(speech, language)
    fragments = [fragment for piece in pieces for fragment in cutter.feed(piece)]
    return fragments + cutter.finish()


@st.composite
def cut_up(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A reply and one way in which it may stream."""
    reply = draw(replies)
    places = sorted(draw(st.lists(st.integers(0, len(reply)), max_size=8)))
    return reply, [reply[a:b] for a, b in zip([0, *places], [*places, len(reply)], strict=True)]


@settings(max_examples=400, deadline=None)
@given(cut_up(), languages)
def test_fragments_do_not_depend_on_how_the_reply_was_cut_up(cut_reply: tuple[str, list[str]], language: str) -> None:
    reply, pieces = cut_reply
    whole = cut(reply, [reply], language)
    assert cut(reply, pieces, language) == whole
    assert cut(reply, list(reply), language) == whole


@settings(max_examples=400, deadline=None)
@given(replies, languages)
def test_spans_lie_edge_to_edge_and_words_inside_them_in_order(reply: str, language: str) -> None:
    fragments = cut(reply, [reply], language)
    at = 0
    for fragment in fragments:
        assert fragment.start == at < fragment.end <= len(reply)
        assert fragment.words
        at = fragment.end
        ends = [word.end for word in fragment.words]
        starts = [word.start for word in fragment.words]
        assert starts == sorted(starts) and ends == sorted(ends)
        assert fragment.start <= starts[0] and ends[-1] <= fragment.end
        assert all(word.start < word.end and word.text.strip() == word.text != "" for word in fragment.words)


@settings(max_examples=200, deadline=None)
@given(replies)
def test_what_follows_the_last_fragment_is_never_spoken_text(reply: str) -> None:
    """The last fragment ends with the reply, but for unspoken text that came after it was out."""
    assume("</think>" not in reply)  # it takes back what is not out yet, so its place matters
    fragments = cut(reply, [reply])
    if fragments and fragments[-1].end < len(reply):
        assert cut(reply[fragments[-1].end :], [reply[fragments[-1].end :]]) == []


@settings(max_examples=300, deadline=None)
@given(replies, languages, st.sampled_from([0.5, 1.0, 2.0]))
def test_no_fragment_is_longer_than_allowed_unless_a_single_word_is(reply: str, language: str, speed: float) -> None:
    speech = SPEECH.model_copy(update={"speed": speed})
    for fragment in cut(reply, [reply], language, speech):
        one_span = len({(word.start, word.end) for word in fragment.words}) == 1
        assert one_span or spoken_seconds(fragment.words, language, speed) <= speech.max_fragment_s + 1e-6


SPOKEN = st.text(st.characters(categories=["Lu", "Ll", "Lo", "Nd"]), min_size=1, max_size=8)
MARKUP = st.sampled_from("{} {} **{}** *{}* ~~{}~~ `{}` [{}](http://x.y/z) <b>{}</b> “{}” ({}) {}, {}. {}!".split())
DROPPED = st.sampled_from(
    ["🎉", "<br>", "\n\n", "<!-- note -->", "\n```\ncode 1\n```\n", "<think>why 2</think>", "`f(x);`"]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(st.tuples(MARKUP, SPOKEN), DROPPED), max_size=20), languages)
def test_every_letter_and_digit_that_is_not_markup_is_spoken(parts: list[tuple[str, str] | str], language: str) -> None:
    reply, spoken = "", set()
    for part in parts:
        if isinstance(part, str):
            reply += part + " "
            continue
        frame, text = part
        at = len(reply) + frame.index("{")
        spoken |= {at + i for i, char in enumerate(text) if char.isalpha() or char.isdecimal()}
        reply += frame.format(text) + " "
    covered = {
        index for f in cut(reply, [reply], language) for word in f.words for index in range(word.start, word.end)
    }
    assert spoken <= covered, sorted(reply[i] for i in spoken - covered)


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(categories=["Lu", "Ll", "Lo", "Nd", "Po", "Zs", "Pd"]), max_size=60), languages)
def test_plain_text_of_any_script_loses_no_letter(text: str, language: str) -> None:
    marked = set("*&#\\`@%") & set(text)
    covered = {i for f in cut(text, [text], language) for w in f.words for i in range(w.start, w.end)}
    lost = [char for i, char in enumerate(text) if char.isalpha() and i not in covered]
    assert marked or not lost


@example("word " * 5000)
@example("a" * 20000)
@example("天" * 5000)
@example("[" * 3000 + "`" * 3000 + "<" * 3000)
@given(st.just(""))
@settings(deadline=None)
def test_a_very_long_reply_streams_in_bounded_memory(reply: str) -> None:
    """What is held back is bounded, so that every piece costs the same however long the reply is."""
    cutter = FragmentCutter(SPEECH)
    held = 0
    for char in reply:
        cutter.feed(char)
        held = max(held, len(cutter._markup._rest) + len(cutter._cuts._atoms) + len(cutter._tokens._token.chars))
    assert held < 1500
