"""From what happened to the contract's result, and what of it fails an expectation."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scripted import dialogue

from assistant.dialogue.expect import judge_expectations
from assistant.dialogue.load import Dialogue
from assistant.dialogue.result import DialogueResult, Marks, as_json, summarise
from assistant.dialogue.trace import EntryTrace, Trace, audible_span
from assistant.metrics import Span, TurnRecord, TurnState
from assistant.simulation.judge import Verdict

RATE_HZ = 8000


def turn(start_s: float, end_s: float, transcript: str = "hello", state: TurnState = "done", **more: Any) -> TurnRecord:
    """An accepted spoken turn with marks 100 ms apart."""
    times = {
        "endpoint_s": end_s + 0.7,
        "transcript_s": end_s + 0.8,
        "first_token_s": end_s + 0.9,
        "first_sentence_s": end_s + 1.0,
        "ended_s": end_s + 3.0,
    }
    record = TurnRecord("spoken", start_s, end_s, end_s + 0.2, state, transcript=transcript, reply="Well, hello there.")
    record.reply_heard = record.reply
    for name, value in {**times, **more}.items():
        setattr(record, name, value)
    return record


def happened(
    script: Dialogue, turns: list[tuple[TurnRecord, list[Span]]], starts: list[float], missed: int | None = None
) -> Trace:
    """A trace: turns with the spans in which their replies sound, and the entries' starts, a second voiced in each."""
    entries = [EntryTrace(index, entry) for index, entry in enumerate(script.script.turns)]
    for entry, start_s in zip(entries, starts, strict=False):
        entry.start_s, entry.end_s = start_s, start_s + 2.0
        entry.voiced_s = (start_s + 0.5, start_s + 1.5) if entry.entry.user else None
        entry.missed = entry.index == missed
    sound = np.zeros(60 * RATE_HZ, np.float32)
    for _, spans in turns:
        for start_s, end_s in spans:
            sound[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)] = 0.1
    records, replies = [record for record, _ in turns], [spans for _, spans in turns]
    return Trace(entries, records, replies, loudspeaker=sound, speaker_rate_hz=RATE_HZ, seconds=60.0)


def judged(script: Dialogue, trace: Trace, verdict: Verdict | None = None) -> DialogueResult:
    """The result; the word error rate is 0 for the same words, else 0.5."""
    verdict = verdict or Verdict(0, 0, 0)
    result = summarise(script, trace, verdict, "simulated", lambda expected, heard: 0.5 * (expected != heard))
    return judge_expectations(result, script, trace)


def failures(script: Dialogue, trace: Trace) -> list[list[str]]:
    """Of each entry."""
    return [entry.failures for entry in judged(script, trace).turns]


HEARD = turn(1.0, 2.0)
"""What came of a recording that began at 0.5 s."""


def test_marks_of_a_plain_turn() -> None:
    """They count from the start of the dialogue; speech is the recording's, not the detector's."""
    script = dialogue({"user": "deep/down/a.wav"})
    entry = judged(script, happened(script, [(turn(0.98, 2.05), [(3.5, 5.0)])], [0.5])).turns[0]
    assert entry.marks_ms == Marks(None, 1000, 2000, 2750, 2850, 2950, 3050, 3500, 5000, None)
    assert (entry.voice_to_voice_ms, entry.user, entry.kind) == (1500, "a.wav", "spoken")
    assert (entry.recognised, entry.transcript, entry.wer) == (1, "hello", None)
    assert (entry.reply, entry.reply_heard) == ("Well, hello there.", "Well, hello there.")
    assert not entry.failures


def test_an_entry_of_which_nothing_came() -> None:
    """Texts are empty, the rate is 1, marks not reached are null, and the missing turn is a failure."""
    script = dialogue({"user": "a.wav", "expect": {"transcript": "hello"}})
    entry = judged(script, happened(script, [], [0.5])).turns[0]
    assert (entry.recognised, entry.transcript, entry.reply, entry.wer) == (0, "", "", 1.0)
    assert entry.marks_ms == Marks(speech_started=1000, speech_ended=2000)
    assert entry.voice_to_voice_ms is None
    assert entry.failures[0] == "turns: 0 instead of 1"
    assert "word error rate 1 over 0.2" in entry.failures[1]


@pytest.mark.parametrize("state", ["held", "rejected", "discarded"])
def test_turns_that_are_none(state: TurnState) -> None:
    """What never entered the history does not count."""
    script = dialogue({"silence_ms": 100})
    result = judged(script, happened(script, [(turn(1.0, 2.0, state=state), [])], [0.5]))
    assert (result.turns_recognised, result.turns[0].recognised) == (0, 0)


def test_several_turns_of_an_entry() -> None:
    """Transcripts are joined by a space, the reply and later marks are the last one's."""
    script = dialogue({"user": "a.wav", "expect": {"turns": 2, "transcript": "one two"}})
    second = turn(6.0, 7.0, "two", reply="Second.")
    entry = judged(script, happened(script, [(turn(1.0, 2.0, "one"), [(3, 4)]), (second, [(9, 10)])], [0.5])).turns[0]
    assert (entry.recognised, entry.transcript, entry.wer, entry.reply) == (2, "one two", 0.0, "Second.")
    assert entry.marks_ms.first_audio == 9000
    assert not entry.failures


def test_a_typed_entry() -> None:
    """Its turn is no spoken one, and its budget counts from the moment of entry."""
    script = dialogue({"type": "hello", "expect": {"first_audio_ms": 900, "reply": {"min_words": 3}}})
    record = turn(0.5, 0.5, kind="typed", opened_s=0.5)
    result = judged(script, happened(script, [(record, [(1.5, 2.5)])], [0.5]))
    entry = result.turns[0]
    assert (result.turns_recognised, entry.recognised, entry.kind, entry.user) == (0, 0, "typed", None)
    assert (entry.marks_ms.entered, entry.marks_ms.first_audio, entry.voice_to_voice_ms) == (500, 1500, None)
    assert entry.failures == ["first_audio_ms: 1000 over budget 900"]


def test_a_voice_command() -> None:
    """It is recognised, and has no reply."""
    script = dialogue({"user": "stop.wav"})
    entry = judged(script, happened(script, [(turn(1.0, 2.0, "Stop.", command="stop", reply=""), [])], [0.5])).turns[0]
    assert (entry.recognised, entry.command, entry.reply) == (1, "stop", "")
    assert not entry.failures


def test_turns_before_the_first_entry_belong_to_none() -> None:
    """But they count for the dialogue."""
    script = dialogue({"silence_ms": 100, "after_ms": 5000}, expect={"turns": 0})
    result = judged(script, happened(script, [(turn(1.0, 2.0), [])], [5.0]))
    assert (result.turns_recognised, result.turns[0].recognised) == (1, 0)
    assert result.failures == ["turns: 1 instead of 0"]
    assert not result.passed


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
    assert failure.startswith("interrupted: there was no audible reply before")


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


# what is audible


def test_audible() -> None:
    """10 ms frames of -50 dBFS RMS or more, of those in which the reply played."""
    sound = np.zeros(RATE_HZ, np.float32)
    sound[1600:3200] = 10 ** (-49.9 / 20)
    sound[3200:4000] = 10 ** (-50.1 / 20)
    sound[6000:7000] = 0.5
    assert audible_span(sound, RATE_HZ, [(0.1, 0.6)]) == pytest.approx((0.2, 0.4))
    assert audible_span(sound, RATE_HZ, [(0.1, 0.15), (0.305, 0.6)]) == pytest.approx((0.305, 0.4))
    assert audible_span(sound, RATE_HZ, [(0.41, 0.6)]) is None
    assert audible_span(sound, RATE_HZ, []) is None


# the file

CONTRACT = (
    "name script run passed clock seconds turns_recognised self_heard noise_heard rejected turns failures".split(),
    "index kind user recognised command transcript wer reply reply_heard interrupted interrupts stopped_ms marks_ms "
    "voice_to_voice_ms failures".split(),
    "entered speech_started speech_ended endpoint transcript first_token first_sentence first_audio last_audio "
    "interrupted".split(),
)


def test_the_json_is_the_contracts() -> None:
    """Its keys in its order, one object per entry, the same text every time."""
    script = dialogue({"user": "a.wav"}, {"silence_ms": 100}, {"type": "hé"})
    result = judged(script, happened(script, [(HEARD, [(3.5, 5.0)])], [0.5, 9.0, 9.6]))
    text = as_json([result], result.costs, result.models)
    assert text == as_json([result], dict(result.costs), dict(result.models))
    whole = json.loads(text)
    assert list(whole) == ["version", "passed", "costs", "models", "dialogues"]
    assert whole["passed"] is True
    assert whole["costs"]["chat_token_ms"] == 25
    assert whole["models"]["chat"]["name"] == "smollm2-135m-instruct"
    (first,) = whole["dialogues"]
    assert list(first) == CONTRACT[0]
    assert [list(entry) for entry in first["turns"]] == [CONTRACT[1]] * 3
    assert list(first["turns"][0]["marks_ms"]) == CONTRACT[2] == [field.name for field in fields(Marks)]
    assert [entry["kind"] for entry in first["turns"]] == ["spoken", "silence", "typed"]
    assert first["script"] == "script.yaml" and Path(first["script"]).stem == first["name"]


def test_other_costs_are_told() -> None:
    """A script may change them; then its own stand with it."""
    script = dialogue({"silence_ms": 100})
    result = judged(script, happened(script, [], [0.5]))
    whole = json.loads(as_json([result], {**result.costs, "chat_token_ms": 1}, result.models))
    assert whole["dialogues"][0]["costs"]["chat_token_ms"] == 25


def test_a_run_cut_short_has_not_passed() -> None:
    """Even if all that was run has."""
    assert json.loads(as_json([], {}, {}, complete=False))["passed"] is False


def test_a_dialogue_stopped_before_its_end() -> None:
    """It still has an object for every entry, and says that it was stopped."""
    script = dialogue({"user": "a.wav"}, {"user": "b.wav"})
    trace = happened(script, [(HEARD, [])], [0.5])
    trace.stopped, trace.seconds = True, 3.21
    result = judged(script, trace)
    assert len(result.turns) == 2
    assert result.failures == ["stopped at 3.2 s, before its end"]
    assert not result.passed
