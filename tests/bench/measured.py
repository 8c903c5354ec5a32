"""Dialogues of one utterance with planned steps of inference, performed by nobody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from assistant import config
from assistant.dialogue.load import Dialogue, Recording
from assistant.dialogue.result import Performance, summarise
from assistant.dialogue.script import Entry, Script
from assistant.dialogue.trace import EntryTrace, Trace
from assistant.messages import Priority, Work, WorkKind
from assistant.metrics import StepRecord, TurnRecord
from assistant.simulation.judge import Verdict

RATE_HZ = 8000


def step(start_s: float, end_s: float, kind: WorkKind, amount: float = 1.0, queued_s: float = 0.0) -> StepRecord:
    """A step of the most urgent kind."""
    return StepRecord(start_s, end_s, queued_s, Priority.FIRST_AUDIO, (Work(kind, amount),))


TURN = TurnRecord(
    "spoken",
    0.5,
    1.55,
    1.75,
    "done",
    transcript="what time is it",
    reply="It is nine.",
    endpoint_s=2.0,
    transcript_s=2.4,
    first_token_s=2.7,
    first_sentence_s=3.0,
    first_fragment_s=3.9,
)
"""The last voiced sample of its recording is at 1.5 s; the reply sounds from 4 s on."""

STEPS = (
    step(1.75, 2.1, "whisper_encoder", 10),  # a part of it while the turn might have gone on
    step(2.1, 2.39, "whisper_token"),
    step(2.4, 2.7, "chat_prefill", 20),
    step(2.7, 3.0, "chat_token"),
    step(3.0, 3.1, "chat_token"),  # more of the reply: the first sound did not need it
    step(3.1, 3.88, "voice", 1.3, queued_s=0.1),
    step(3.9, 4.2, "chat_token"),
)


def performance(
    turn: TurnRecord | None = TURN,
    steps: tuple[StepRecord, ...] = STEPS,
    sounds_s: float = 4.0,
    recording: str = "time.wav",
    run: int = 0,
) -> Performance:
    """A dialogue of one utterance, voiced from 0.5 to 1.5 s; None: it was not taken for speech."""
    script = Script(name=recording, turns=[Entry(user=recording)])
    dialogue = Dialogue(Path(recording), script, config.load("small"), {0: Recording(np.zeros(1, np.float32), None)})
    entry = EntryTrace(0, script.turns[0], start_s=0.0, end_s=2.0, voiced_s=(0.5, 1.5))
    sound = np.zeros(10 * RATE_HZ, np.float32)
    sound[round(sounds_s * RATE_HZ) : round((sounds_s + 2) * RATE_HZ)] = 0.1
    turns = [] if turn is None else [replace(turn)]
    trace = Trace(
        [entry],
        turns,
        [[(sounds_s, sounds_s + 2)] for _ in turns],
        steps,
        loudspeaker=sound,
        speaker_rate_hz=RATE_HZ,
        seconds=10.0,
    )
    result = summarise(dialogue, trace, Verdict(0, 0, 0), "measured", lambda expected, heard: 0.0)
    result.run = run
    return Performance(dialogue, trace, result)
