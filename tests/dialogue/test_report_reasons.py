"""The report: why a dialogue failed, in plain words at its moments."""

from __future__ import annotations

from typing import Any

import pytest
from happenings import ANSWERED, happened, turn
from performances import heard_itself, judged, page, performance
from scripted import dialogue

from assistant.dialogue.report.why import Why, reasons
from assistant.dialogue.result import Judgement
from assistant.metrics import Span, TurnRecord
from assistant.simulation.judge import Verdict


def why(
    expect: dict[str, Any], turns: list[tuple[TurnRecord, list[Span]]], verdict: Verdict | None = None
) -> list[Why]:
    """Why a talk of one recording, voiced from 1 s to 2 s, failed."""
    script = dialogue({"user": "a.wav", "expect": expect})
    return reasons(judged(script, happened(script, turns, [0.5]), verdict))


@pytest.mark.parametrize(
    ("expect", "turns", "what", "seen", "moment"),
    [
        ({}, [], "not taken up", "no turn", (1.0, 2.0)),
        ({}, [(turn(1.1, 1.9, "hm", "rejected", reason="backchannel"), [])], "not taken up", "backchannel", (1.0, 2.0)),
        ({}, [ANSWERED, (turn(6.0, 6.5, "two"), [])], "Something else was answered", "“hello”, “two”", (6.0, 6.5)),
        ({"turns": 2}, [ANSWERED], "Too little", "1 turn", (1.0, 2.0)),
        ({"turns": 0}, [ANSWERED], "What was said was answered", "1 turn", (1.0, 2.0)),
        ({"transcript": "other"}, [ANSWERED], "misheard", "“hello”, 25% of the words wrong", (1.0, 2.0)),
        ({"first_audio_ms": 900}, [ANSWERED], "too late", "1200 ms, the largest part of it end of turn", (2.0, 3.2)),
        ({"first_audio_ms": 900}, [(turn(1.0, 2.0), [])], "no reply to hear", "none", (2.0, 3.0)),
        ({"reply": {"min_words": 9}}, [ANSWERED], "too short", "3 words: “Well, hello there.”", (3.2, 5.0)),
        ({"reply": {"max_words": 1}}, [ANSWERED], "too long", "3 words", (3.2, 5.0)),
        ({"reply": {"contains_any": ["x"]}}, [ANSWERED], "lacks a word", "“Well, hello there.”", (3.2, 5.0)),
        ({"reply": {"matches": "x"}}, [ANSWERED], "does not match", "hello", (3.2, 5.0)),
        ({"reply": {"not_matches": "Well"}}, [ANSWERED], "must not", "hello", (3.2, 5.0)),
    ],
)
def test_a_failure_in_plain_words(
    expect: dict[str, Any], turns: list[tuple[TurnRecord, list[Span]]], what: str, seen: str, moment: Span
) -> None:
    """What was expected, what was seen, and when."""
    (found,) = why({"max_wer": 0.2, **expect} if "transcript" in expect else expect, turns)
    assert what in found.what
    assert seen in found.seen
    assert found.expected
    (first, *_) = found.moments_s
    assert first == pytest.approx(moment, abs=0.011)


def test_an_answer_to_silence() -> None:
    """Nobody spoke."""
    script = dialogue({"silence_ms": 2000})
    (found,) = reasons(judged(script, happened(script, [ANSWERED], [0.5])))
    assert found.what == "Something was answered though nobody spoke"


def test_a_reply_that_was_over_before_anyone_could_stop_it() -> None:
    """It did not talk over the user."""
    expect = {"stopped_within_ms": 100}
    script = dialogue({"user": "a.wav"}, {"user": "b.wav", "interrupts_after_ms": 9000, "expect": expect})
    trace = happened(script, [ANSWERED, (turn(6.0, 7.0), [])], [0.5, 5.5], missed=1)
    (found,) = reasons(judged(script, trace))
    assert found.what == "There was no reply left to stop"


def test_less_was_heard_than_a_script_expects() -> None:
    """Which is no reason to say that it was heard."""
    script = dialogue({"user": "a.wav"}, expect={"self_heard": 1, "noise_heard": 2})
    told = [found.what for found in reasons(judged(script, happened(script, [ANSWERED], [0.5])))]
    assert told == [
        "The assistant heard itself less often than expected",
        "Noise was taken for a voice less often than expected",
    ]


@pytest.mark.parametrize(
    ("expect", "cut", "what", "moment"),
    [
        ({"interrupted": True}, False, "did not interrupt", (6.0, 7.0)),
        ({"interrupted": False}, True, "was cut off", (6.0, 7.0)),
        ({"stopped_within_ms": 100}, True, "went on talking", (6.0, 6.4)),
        ({"stopped_within_ms": 100}, False, "went on talking", (6.0, 7.0)),
    ],
)
def test_interruptions(expect: dict[str, Any], cut: bool, what: str, moment: Span) -> None:
    """The second entry speaks from 6 s to 7 s, under a reply that is cut at 6.4 s, or is not."""
    script = dialogue({"user": "a.wav"}, {"user": "b.wav", "interrupts_after_ms": 100, "expect": expect})
    state, by = ("cut", (6.0, 7.0)) if cut else ("done", None)
    before = turn(1.0, 2.0, "hello", state, cut_by=by)  # type: ignore[arg-type]
    trace = happened(script, [(before, [(3.2, 6.4)]), (turn(6.0, 7.0), [])], [0.5, 5.5])
    (found,) = reasons(judged(script, trace))
    assert what in found.what and found.entry == 1
    assert found.moments_s[0] == pytest.approx(moment, abs=0.011)


def test_what_explains_the_rest_comes_first() -> None:
    """A reply cannot be late, nor words be wrong, before it is known that nobody spoke."""
    heard, *rest = reasons(heard_itself())
    assert (heard.what, heard.moments_s) == ("The assistant heard itself", ((3.0, 3.4),))
    assert heard.seen == "once, first at 3.0 s: its echo was taken for the user, and understood as “words”"
    assert [one.key for one in rest] == ["turns", "transcript", "first_audio_ms"]


def test_a_failure_that_nobody_has_words_for_is_shown_as_it_is() -> None:
    """What is added to the contract shows up without anything being done here."""
    one = performance()
    one.result.turns[1].failures.append("novelty: it was not new")
    one.result.failures.append("age: 3 instead of 2")
    found = {why.key: why for why in reasons(one)}
    assert (found["novelty"].seen, found["novelty"].moments_s) == ("it was not new", (one.trace.entries[1].voiced_s,))
    assert (found["age"].what, found["age"].seen) == ("age", "3 instead of 2")


def test_what_a_judge_says_is_shown_with_its_name() -> None:
    """Whether it finds fault or not."""
    script = dialogue({"user": "a.wav", "expect": {"reply": {"judge": "greets the user"}}})
    one = judged(script, happened(script, [ANSWERED], [0.5]))
    one.result.turns[0].judgement = Judgement(False, "It does not.", "some-model")
    one.result.turns[0].failures = ["reply.judge: not greets the user, says some-model: It does not."]
    (found,) = reasons(one)
    assert (found.expected, found.seen) == ("greets the user", "It does not. (some-model)")
    assert "no, says some-model: It does not." in page(one)
