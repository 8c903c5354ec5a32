"""What a turn took: parts that add up, the critical path of inference, and what is left of the latency."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measured import STEPS, TURN, performance, step

from assistant import config
from assistant.bench.steps import covered_s
from assistant.bench.turns import MeasuredTurn, TypedTurn, measured_turn, typed_turns
from assistant.dialogue.load import Dialogue
from assistant.dialogue.result import Performance, summarise
from assistant.dialogue.script import Entry, Script
from assistant.dialogue.trace import EntryTrace, Trace
from assistant.metrics import StepRecord, TurnRecord
from assistant.simulation.judge import Verdict

MOMENT = st.none() | st.floats(1.0, 4.0)


def measured(turn: TurnRecord = TURN, steps: tuple[StepRecord, ...] = STEPS, sounds_s: float = 4.0) -> MeasuredTurn:
    """Of a dialogue that was answered."""
    found = measured_turn(performance(turn, steps, sounds_s))
    assert found is not None
    return found


def test_the_parts_of_a_turn() -> None:
    """From mark to mark, counted from the recording's last voiced sample, not from the detector's."""
    turn = measured()
    assert turn.parts_ms == {
        "end of turn": 500,
        "transcription": 400,
        "first token": 300,
        "first fragment": 300,
        "voice": 900,
        "device": 100,
    }
    assert turn.voice_to_voice_ms == 2500
    assert (turn.recording, turn.turns, turn.speech_s) == ("time.wav", 1, 1.0)


def test_the_critical_path_and_the_rest() -> None:
    """Of the 1.9 s from the certain end to the first sound the first sound needed 1.77 s; a token went before it."""
    turn = measured()
    assert turn.inference_ms == pytest.approx(100 + 290 + 300 + 300 + 780)
    assert turn.overhead_ms == pytest.approx(10 + 100 + 20)


def test_the_turn_model_is_waited_for_like_the_transcriber() -> None:
    """The transcriber does not begin before it has answered."""
    token = step(2.15, 2.39, "whisper_token")
    asked = measured(steps=(STEPS[0], step(2.1, 2.15, "turn_model"), token, *STEPS[2:]))
    assert (asked.inference_ms, asked.overhead_ms) == (measured().inference_ms, measured().overhead_ms)


def test_work_done_while_the_turn_might_have_gone_on_costs_nothing() -> None:
    """Everything was ready before the end was certain: there is only the wait and the device."""
    early = replace(TURN, endpoint_s=3.95)
    turn = measured(early)
    assert {name: ms for name, ms in turn.parts_ms.items() if ms} == {"end of turn": 2450, "device": 50}
    assert (turn.inference_ms, turn.overhead_ms) == (0, 0)


def test_steps_of_an_abandoned_transcription_are_counted_once() -> None:
    """Overlaps, as there are on a clock that is read by two threads, are not counted twice."""
    twice = measured(steps=(*STEPS, step(2.0, 2.1, "whisper_encoder")))
    assert twice.inference_ms == measured().inference_ms


@pytest.mark.parametrize(
    "unanswered",
    [
        performance(turn=None),
        performance(turn=replace(TURN, state="rejected")),
        performance(turn=replace(TURN, command="stop")),
        performance(sounds_s=1.2),  # answered in the middle of it, and never again
    ],
)
def test_what_is_no_answer_is_not_measured(unanswered: Performance) -> None:
    """It is left out, and told."""
    assert measured_turn(unanswered) is None


@given(MOMENT, MOMENT, MOMENT, MOMENT, MOMENT, st.lists(st.tuples(st.floats(0, 5), st.floats(0, 5)), max_size=6))
def test_both_splits_add_up(
    endpoint_s: float | None,
    transcript_s: float | None,
    token_s: float | None,
    sentence_s: float | None,
    ready_s: float | None,
    spans: list[tuple[float, float]],
) -> None:
    """Whatever was reached, and whatever steps there were, nothing is negative and nothing is lost."""
    marked = replace(
        TURN,
        endpoint_s=endpoint_s,
        transcript_s=transcript_s,
        first_token_s=token_s,
        first_sentence_s=sentence_s,
        first_fragment_s=ready_s,
    )
    turn = measured(marked, tuple(step(min(span), max(span), "voice") for span in spans))
    assert turn.voice_to_voice_ms == 2500 == sum(turn.parts_ms.values())
    assert min(*turn.parts_ms.values(), turn.inference_ms, turn.overhead_ms) >= 0
    if ready_s is not None and ready_s >= max(m for m in (transcript_s, token_s, sentence_s, 0.0) if m is not None):
        split = turn.parts_ms["end of turn"] + turn.inference_ms + turn.overhead_ms + turn.parts_ms["device"]
        assert split == pytest.approx(2500, abs=2)


def test_covered_time() -> None:
    """Overlaps once, empty and inverted spans not at all."""
    assert covered_s([(2, 3), (0, 1), (0.5, 2), (5, 4), (6, 6)]) == pytest.approx(3)
    assert covered_s([]) == 0


def test_first_tokens_of_typed_lines() -> None:
    """From the line's entering on, with the tokens fed in between; a line without a reply is left out."""
    script = Script(turns=[Entry(type="one"), Entry(type="two"), Entry(type="three")])
    entries = [
        EntryTrace(index, entry, start_s=at_s, end_s=at_s)
        for index, (entry, at_s) in enumerate(zip(script.turns, (0.5, 5.0, 9.0), strict=True))
    ]
    turns = [
        TurnRecord("typed", at_s, at_s, at_s, "done", first_token_s=at_s + 0.4 if at_s < 9 else None)
        for at_s in (0.5, 5.0, 9.0)
    ]
    steps = [
        step(0.1, 0.5, "chat_prefill", 99),  # the system prompt, before anything was entered
        step(0.5, 0.7, "chat_prefill", 30),
        step(0.7, 0.9, "chat_prefill", 7),
        step(5.0, 5.4, "chat_prefill", 12),
        step(5.4, 5.5, "chat_token"),
    ]
    silent = np.zeros(8000, np.float32)
    trace = Trace(entries, turns, [[] for _ in turns], steps, loudspeaker=silent, speaker_rate_hz=8000, seconds=12.0)
    dialogue = Dialogue(Path("typed"), script, config.load("small"), {})
    result = summarise(dialogue, trace, Verdict(0, 0, 0), "measured", lambda expected, heard: 0.0)
    found = typed_turns(Performance(dialogue, trace, result))
    assert found == [TypedTurn(1, 400.0, 37), TypedTurn(2, 400.0, 12)]
