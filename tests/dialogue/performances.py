"""Dialogues that were performed by the planned assistant, with sound on both sides."""

from __future__ import annotations

import numpy as np
from scripted import dialogue, play

from assistant.dialogue.expect import judge_expectations
from assistant.dialogue.load import Dialogue
from assistant.dialogue.report.report import Report
from assistant.dialogue.result import Performance, summarise
from assistant.dialogue.trace import Trace
from assistant.messages import Priority, Work
from assistant.metrics import ReplyPause, StepRecord
from assistant.simulation.judge import Unasked, Verdict

RATE_HZ = 24_000


def performance(name: str = "a <talk> & more") -> Performance:
    """A talk with an interruption, a typed line and a failure, with sound on both sides."""
    script = dialogue(
        {"user": "a.wav", "expect": {"transcript": "a", "max_wer": 0}},
        {"user": "b.wav", "interrupts_after_ms": 700},
        {"type": "so <long>"},
        name=name,
    )
    trace, _ = play(script)
    trace.microphone = np.full(round(trace.seconds * 16_000), 0.1, np.float32)
    trace.loudspeaker = np.full(round((trace.seconds + 0.02) * RATE_HZ), 0.5, np.float32)
    trace.speaker_rate_hz = RATE_HZ
    trace.turns[0].transcript, trace.turns[0].reply, trace.turns[0].reply_heard = "words & more", "One two.", "One"
    trace.turns[0].pauses.append(ReplyPause(4.0, (3.9, 4.0)))
    trace.turns[0].endpoint_s = 2.7
    trace.steps = [
        StepRecord(2.2, 2.3, 0.0, Priority.HELD, (Work("whisper_encoder", 10.0),)),
        StepRecord(2.31, 2.4, 0.0, Priority.HELD, (Work("chat_token", 1.0),)),
        StepRecord(2.41, 2.5, 0.0, Priority.TOKEN, (Work("chat_token", 1.0),)),
        StepRecord(2.6, 2.9, 0.0, Priority.FIRST_AUDIO, (Work("voice", 1.2),)),
    ]
    return judged(script, trace)


def judged(script: Dialogue, trace: Trace, verdict: Verdict | None = None) -> Performance:
    """What came of it; the word error rate is 0 for the same words, else 0.25."""
    verdict = verdict or Verdict(0, 0, 0)
    result = summarise(script, trace, verdict, "simulated", lambda expected, heard: 0.25 * (expected != heard))
    return Performance(script, trace, judge_expectations(result, script, trace), verdict.unasked)


def heard_itself() -> Performance:
    """The user asks once; the echo of the reply is taken for the user, cuts it and is answered."""
    script = dialogue(
        {"user": "a.wav", "expect": {"transcript": "words", "first_audio_ms": 500}},
        name="hears itself",
        room={"echo_gain_db": -6.0, "noise": "pink"},
    )
    trace, _ = play(script, noises=[(3.0, 3.4)])
    trace.microphone = np.full(round(trace.seconds * 16_000), 0.1, np.float32)
    trace.loudspeaker = np.full(round(trace.seconds * RATE_HZ), 0.5, np.float32)
    trace.speaker_rate_hz = RATE_HZ
    return judged(script, trace, Verdict(1, 0, 0, (Unasked((3.0, 3.4), "itself"),)))


def page(*performances: Performance, complete: bool = True) -> str:
    """The report of these."""
    report = Report()
    for one in performances:
        report.add(one)
    return report.html({"chat": {"name": "a-model"}}, complete)
