"""From what happened to the contract's result, and what of it fails an expectation."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from happenings import HEARD, RATE_HZ, happened, judged, turn
from scripted import dialogue

from assistant.dialogue.formats import as_json
from assistant.dialogue.result import Marks
from assistant.dialogue.trace import audible_span
from assistant.metrics import TurnState


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
