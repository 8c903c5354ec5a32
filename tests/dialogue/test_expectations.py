"""What a script expects, and the sentence when it did not happen."""

from __future__ import annotations

from typing import Any

import pytest
from happenings import HEARD, failures, happened, judged, turn
from scripted import dialogue

from assistant.metrics import Span, TurnRecord
from assistant.simulation.judge import Verdict

# interruption

INTERRUPTION = ({"user": "a.wav"}, {"user": "b.wav", "interrupts_after_ms": 700})


def interrupted(last_audio_s: float = 5.0, **more: Any) -> list[tuple[TurnRecord, list[Span]]]:
    """The reply to a is cut by b, which begins to speak at 4.7 s."""
    cut = turn(1.0, 2.0, state="cut", cut_by=(4.7, 5.4), ended_s=5.4, reply_heard="Well,", **more)
    return [(cut, [(3.5, last_audio_s)]), (turn(4.7, 5.7), [(8.0, 9.0)])]


def test_an_interruption() -> None:
    """The one that was cut, and the one that did it, each have their part."""
    script = dialogue(*INTERRUPTION)
    cut, by = judged(script, happened(script, interrupted(), [0.5, 4.2])).turns
    assert (cut.interrupted, cut.marks_ms.interrupted, cut.reply_heard, cut.interrupts) == (True, 5000, "Well,", None)
    assert (by.interrupted, by.interrupts, by.stopped_ms) == (False, 0, 300)


@pytest.mark.parametrize(
    ("expect", "failure"),
    [
        ({"interrupted": True, "stopped_within_ms": 300}, []),
        ({"stopped_within_ms": 299}, ["stopped_within_ms: 300 over 299"]),
        ({"interrupted": False}, ["interrupted: the reply of entry 0 was cut at 5000 ms"]),
    ],
)
def test_expectations_of_an_interruption(expect: dict[str, Any], failure: list[str]) -> None:
    """They are the interrupting entry's."""
    script = dialogue(INTERRUPTION[0], {**INTERRUPTION[1], "expect": expect})
    assert failures(script, happened(script, interrupted(), [0.5, 4.2])) == [[], failure]


def test_an_interruption_that_came_too_late() -> None:
    """Both expectations fail, and say when the reply ended, whatever happened later."""
    expect = {"interrupted": True, "stopped_within_ms": 400}
    script = dialogue(INTERRUPTION[0], {**INTERRUPTION[1], "expect": expect})
    turns = [(turn(1.0, 2.0), [(3.5, 4.0)]), (turn(5.0, 6.0), [])]
    end = "the reply of entry 0 ended at 4000 ms, before 700 ms of it had been heard"
    assert failures(script, happened(script, turns, [0.5, 4.5], missed=1))[1] == [
        f"interrupted: {end}",
        f"stopped_within_ms: {end}",
    ]


def test_an_interruption_of_nothing() -> None:
    """No reply was heard at all."""
    script = dialogue(INTERRUPTION[0], {**INTERRUPTION[1], "expect": {"interrupted": True}})
    turns: list[tuple[TurnRecord, list[Span]]] = [(turn(1.0, 2.0), []), (turn(5.0, 6.0), [])]
    (failure,) = failures(script, happened(script, turns, [0.5, 4.5], missed=1))[1]
    assert failure == "interrupted: there was no audible reply before"


def test_a_pause_is_no_interruption() -> None:
    """A reply that fell silent and went on to its end."""
    script = dialogue(INTERRUPTION[0], {**INTERRUPTION[1], "expect": {"turns": 0, "interrupted": False}})
    turns = [(turn(1.0, 2.0), [(3.5, 5.0), (6.0, 7.0)]), (turn(4.7, 5.7, state="rejected"), [])]
    result = judged(script, happened(script, turns, [0.5, 4.2]))
    assert result.passed
    assert (result.turns[0].marks_ms.last_audio, result.turns[1].interrupts) == (7000, None)


def test_the_key_stops_a_reply_before_the_voice_begins() -> None:
    """stopped_ms is negative, and passes."""
    expect = {"interrupted": True, "stopped_within_ms": 0}
    script = dialogue(INTERRUPTION[0], {**INTERRUPTION[1], "expect": expect}, mode="push-to-talk")
    turns = interrupted(last_audio_s=4.55)
    turns[0][0].cut_by, turns[0][0].ended_s = None, 4.55
    result = judged(script, happened(script, turns, [0.5, 4.2]))
    assert (result.turns[1].interrupts, result.turns[1].stopped_ms) == (0, -150)
    assert result.passed


def test_a_reply_cut_by_nobodys_voice() -> None:
    """Nobody is said to have interrupted."""
    script = dialogue({"user": "a.wav"}, {"silence_ms": 1000})
    cut = turn(1.0, 2.0, state="cut", cut_by=(4.7, 5.4), ended_s=5.4)
    result = judged(script, happened(script, [(cut, [(3.5, 4.8)])], [0.5, 4.2]))
    assert result.turns[0].interrupted
    assert [entry.interrupts for entry in result.turns] == [None, None]


def test_a_reply_cut_by_the_time_out() -> None:
    """Is not the doing of the entry that starts at that moment."""
    script = dialogue({"user": "a.wav"}, {"type": "hello"})
    trace = happened(script, [(turn(1.0, 2.0, state="cut", ended_s=5.0), [(3.5, 5.0)])], [0.5, 5.0])
    trace.entries[0].stalled = True
    first, second = judged(script, trace).turns
    assert first.interrupted
    assert (second.interrupts, second.stopped_ms) == (None, None)


# the other expectations


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        ({"min_words": 3, "max_words": 3, "contains_any": ["x", "HELLO"]}, None),
        ({"matches": "(?i)^well.*\\.$", "not_matches": "(?i)as an ai"}, None),
        ({"min_words": 4}, "reply.min_words: 3 under 4"),
        ({"max_words": 2}, "reply.max_words: 3 over 2"),
        ({"contains_any": ["good", "bye"]}, 'reply.contains_any: none of good, bye in "Well, hello there."'),
        ({"matches": "^hello"}, 'reply.matches: no ^hello in "Well, hello there."'),
        ({"not_matches": "(?i)W.ll"}, 'reply.not_matches: "Well" in "Well, hello there."'),
    ],
)
def test_expectations_of_the_reply(reply: dict[str, Any], failure: str | None) -> None:
    """Judged on its raw text."""
    script = dialogue({"user": "a.wav", "expect": {"reply": reply}})
    assert failures(script, happened(script, [(HEARD, [])], [0.5])) == [[failure] if failure else []]


@pytest.mark.parametrize(
    ("expect", "failure"),
    [
        ({"transcript": "hello"}, None),
        ({"transcript": "goodbye", "max_wer": 0.5}, None),
        (
            {"transcript": "goodbye"},
            'transcript: "hello" instead of "goodbye" (word error rate 0.5 over 0.2)',
        ),
        ({"first_audio_ms": 1500}, None),
        ({"first_audio_ms": 1499}, "first_audio_ms: 1500 over budget 1499"),
        ({"turns": 2}, "turns: 1 instead of 2"),
    ],
)
def test_expectations_of_an_entry(expect: dict[str, Any], failure: str | None) -> None:
    """Each by itself."""
    script = dialogue({"user": "a.wav", "expect": expect})
    assert failures(script, happened(script, [(HEARD, [(3.5, 5.0)])], [0.5])) == [[failure] if failure else []]


def test_a_budget_without_sound() -> None:
    """It cannot have been kept."""
    script = dialogue({"user": "a.wav", "expect": {"first_audio_ms": 9000}})
    assert failures(script, happened(script, [(HEARD, [])], [0.5])) == [["first_audio_ms: no audible reply"]]


def test_time_out_fails_the_entry() -> None:
    """With the contract's words."""
    script = dialogue({"user": "a.wav"}, timeout_ms=1234)
    trace = happened(script, [(HEARD, [])], [0.5])
    trace.entries[0].stalled = True
    assert failures(script, trace) == [["not idle after 1234 ms"]]


@pytest.mark.parametrize(
    ("expect", "failure"),
    [
        ({}, ["self_heard: 1 instead of 0", "noise_heard: 2 instead of 0"]),
        ({"self_heard": 1, "noise_heard": 2}, []),
        ({"turns": 3, "self_heard": 1, "noise_heard": 2}, ["turns: 1 instead of 3"]),
    ],
)
def test_expectations_of_the_whole(expect: dict[str, int], failure: list[str]) -> None:
    """Nothing may be heard that nobody said, unless the script says so; refusals are never a failure."""
    script = dialogue({"user": "a.wav"}, expect=expect)
    result = judged(script, happened(script, [(HEARD, [])], [0.5]), Verdict(1, 2, 3))
    assert result.failures == failure
    assert result.passed is (not failure)
    assert result.rejected == 3
