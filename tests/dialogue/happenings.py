"""Traces of dialogues that never were, for the tests of results and expectations."""

from __future__ import annotations

from typing import Any

import numpy as np

from assistant.dialogue.expect import judge_expectations
from assistant.dialogue.load import Dialogue
from assistant.dialogue.result import DialogueResult, summarise
from assistant.dialogue.trace import EntryTrace, Trace
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


ANSWERED = (turn(1.0, 2.0), [(3.2, 5.0)])
"""A turn, and when its reply sounded."""
