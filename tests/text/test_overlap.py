"""An echo is told from an answer by words; backchannels are told from answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.text.overlap import is_backchannel, normalise, repeats

BACKCHANNELS = ["mm", "mhm", "mm-hm", "mmhmm", "uh-huh", "uh huh", "hm", "hmm", "yeah", "ok", "okay", "right", "i see"]


@pytest.mark.parametrize(
    ("transcript", "played"),
    [
        ("I set a timer for ten minutes.", "Sure! I set a timer for 10 minutes."),
        ("full chubby chorus line", "the full chibi chorus line of"),
        ("ten", "10"),
        ("It's three oh five PM", "It's 3:05 PM."),
        ("Doctor Smith works for the F.B.I.", "Dr. Smith works for the FBI"),
        ("good bye my dear friend", "goodbye my dear friend, see you"),
        ("stop", "stop"),
        ("Minutes.", "minutes"),
        ("set a timer for", "I set a timer for ten"),
        ("сегодня хорошая погода", "Сегодня хорошая погода, правда?"),
        ("今天天气很好", "今天天气很好，我们去公园"),
        ("ＷＨＡＴ ＡＲＥ ＹＯＵ", "what are you doing"),
        ("straße und haus", "Die STRASSE und Haus"),
    ],
)
def test_an_echo_is_recognised(transcript: str, played: str) -> None:
    """Misheard a little, written otherwise, in any script."""
    assert repeats(transcript, played, 0.6)


@pytest.mark.parametrize(
    ("transcript", "played"),
    [
        ("stop", "You should stop and wait for the light."),
        ("Stop!", "you should stop"),
        ("stop stop stop", "you should stop and wait"),
        ("стоп", "вы должны остановиться: стоп, и ждите"),
        ("停下", "你应该停下来等红灯"),
        ("the light", "you should stop and wait for the light"),
        ("no I don't want to wait for you", "you should stop and wait for the light"),
        ("what is the weather like", "the weather is nice today"),
        ("yes please do that", "do you want me to set a timer"),
        ("ten", "11"),
        ("set another one for tea", "I set a timer for ten minutes"),
        ("", "anything"),
        ("...", "anything"),
        ("hello", ""),
    ],
)
def test_an_answer_survives(transcript: str, played: str) -> None:
    """Short words that stand somewhere in the reply, and answers that share a few."""
    assert not repeats(transcript, played, 0.6)


words = st.lists(st.sampled_from("you should stop and wait for the green light at next corner".split()), min_size=1)


@given(words)
def test_the_very_words_are_always_an_echo(played: list[str]) -> None:
    """Whatever was played, heard as it was played, is refused."""
    assert repeats(" ".join(played), " ".join(played), 1.0)


@given(words, st.lists(st.text("bcdfg", min_size=3, max_size=6), min_size=1))
def test_other_words_are_never_an_echo(played: list[str], heard: list[str]) -> None:
    """Without a word in common nothing is refused."""
    assert not repeats(" ".join(heard), " ".join(played), 0.6)


@pytest.mark.parametrize(
    "text", ["Mm-hm.", "OK", "Okay, I see.", "Mmmmm...", "yeah yeah", "Right! Uh-huh.", "Mm-hmm", "YEAH"]
)
def test_a_backchannel_is_recognised(text: str) -> None:
    """In any case, drawn out, repeated or joined."""
    assert is_backchannel(text, BACKCHANNELS)


@pytest.mark.parametrize("text", ["", "...", "stop", "okay stop", "I see a cat", "right now", "hm what"])
def test_words_that_mean_something_are_no_backchannel(text: str) -> None:
    """One word more and it is an answer."""
    assert not is_backchannel(text, BACKCHANNELS)


def test_backchannels_of_another_script() -> None:
    """The list is the user's."""
    assert is_backchannel("Ага, угу!", ["ага", "угу"])
    assert is_backchannel("嗯嗯，对。", ["嗯", "对"])


def test_what_compares_equal() -> None:
    """Numbers are words, letters are spelled, case and marks do not count."""
    assert normalise("Dr. Lee's 21 DVDs!") == ["doctor", "lees", "twenty", "one", "d", "v", "ds"]
    assert normalise("twenty-one") == normalise("21")
    assert normalise("今天 好") == ["今", "天", "好"]
