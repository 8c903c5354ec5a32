"""What a turn of a dialogue took, from its trace: latency, its parts, and what of it was inference."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from assistant.bench.held import HeldWork, held_work
from assistant.bench.steps import ROUNDING_S, covered_s, model_of
from assistant.dialogue.result import Performance
from assistant.metrics import StepRecord, TurnRecord
from assistant.screen.latency import durations_ms

PARTS = ("end of turn", "transcription", "first token", "first fragment", "voice", "device")
"""In order. "device" is the way of sound that is ready: its place in the next block, the output device's
latency, and silence at the head of it."""


@dataclass(frozen=True, slots=True)
class MeasuredTurn:
    """One utterance that was answered.

    Its latency is the sum of `parts_ms`. It is also, to the millisecond, the sum of the wait for the end of the turn
    and of the device, which are parts, and of `inference_ms` and `overhead_ms`, which are what lies between them.
    """

    recording: str
    run: int
    turns: int
    """Accepted turns that it became: more than 1 is an utterance answered before its end."""
    parts_ms: dict[str, int]
    """By name, as in `PARTS`."""
    inference_ms: float
    """Critical path of inference: the steps that the first sound waited for, as far as they lie after the end of the
    turn was certain. They are those of the turn model and the transcriber that ended by the transcript, of the language
    model by the first fragment of text, and of the voice by the first sound."""
    overhead_ms: float
    """Orchestration: what else passed from the certain end of the turn to the first sound ready to be played, waiting
    for steps that the first sound did not need included."""
    held: HeldWork
    reply: str
    since_s: float
    """The user's last voiced sample, where the latency begins; seconds of the dialogue, as of the steps."""
    speech_s: float
    """Of the recording, from its first to its last voiced sample."""
    steps: tuple[StepRecord, ...]
    """All inference of the dialogue."""

    @property
    def voice_to_voice_ms(self) -> int:
        """First audible sample of the reply after the last voiced sample of the user."""
        return sum(self.parts_ms.values())


def measured_turn(performance: Performance) -> MeasuredTurn | None:
    """What the one utterance of a dialogue took; None where it was not answered by the model, aloud, after its end."""
    trace, result = performance.trace, performance.result.turns[0]
    turns, voiced_s = trace.owned(0), trace.entries[0].voiced_s
    if not turns or voiced_s is None or result.voice_to_voice_ms is None or result.voice_to_voice_ms < 0:
        return None
    turn, marks = turns[-1], result.marks_ms
    assert marks.speech_ended is not None and marks.first_audio is not None, "there is a latency"
    ready_ms = None if turn.first_fragment_s is None else round(1000 * turn.first_fragment_s)
    at_ms = (marks.endpoint, marks.transcript, marks.first_token, marks.first_sentence, ready_ms, marks.first_audio)
    since_s = marks.speech_ended / 1000
    durations = durations_ms(since_s, [None if ms is None else ms / 1000 for ms in at_ms])
    inference_ms, overhead_ms = _after_the_end(turn, voiced_s[1], trace.steps)
    return MeasuredTurn(
        recording=performance.dialogue.name,
        run=performance.result.run,
        turns=result.recognised,
        parts_ms=dict(zip(PARTS, durations, strict=True)),
        inference_ms=round(inference_ms, 1),
        overhead_ms=round(overhead_ms, 1),
        held=held_work(turn, since_s, trace.steps),
        reply=result.reply,
        since_s=since_s,
        speech_s=voiced_s[1] - voiced_s[0],
        steps=tuple(trace.steps),
    )


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A run of a recording without a latency."""

    recording: str
    run: int
    reason: str


def left_out(performance: Performance) -> LeftOut:
    """Why `measured_turn` gives none of a dialogue."""
    seen = performance.result.turns[0]
    if seen.command is not None:
        reason = f"it is a voice command, {seen.command}, done without the language model"
    elif seen.voice_to_voice_ms is not None:
        reason = "it was answered before its end only"
    else:
        reason = "no reply was heard"
    return LeftOut(performance.dialogue.name, performance.result.run, reason)


def _after_the_end(turn: TurnRecord, since_s: float, steps: Iterable[StepRecord]) -> tuple[float, float]:
    """Inference that the first sound waited for, and what else passed until it was ready; milliseconds."""
    certain_s = max(since_s, turn.endpoint_s or since_s)
    ready_s = max(certain_s, turn.first_fragment_s or certain_s)
    heard_s, text_s = turn.transcript_s, turn.first_sentence_s
    needed_by = {"turn": heard_s, "whisper": heard_s, "chat": text_s, "voice": turn.first_fragment_s}
    needed = [
        (max(step.start_s, certain_s), min(step.end_s, ready_s))
        for step in steps
        if step.work and step.end_s <= (needed_by.get(model_of(step)) or 0.0) + ROUNDING_S
    ]
    inference_s = covered_s(needed)
    return 1000 * inference_s, 1000 * (ready_s - certain_s - inference_s)


@dataclass(frozen=True, slots=True)
class TypedTurn:
    """The start of one reply in a talk of typed lines."""

    index: int
    """From 1."""
    first_token_ms: float
    """After the line was entered."""
    fed_tokens: int
    """Of its prompt, the part that was not in the cache."""


def typed_turns(performance: Performance) -> list[TypedTurn]:
    """How long each typed line of a dialogue waited for the first token; lines that were not answered are left out."""
    trace = performance.trace
    found = []
    for entry in trace.entries:
        turns = trace.owned(entry.index)
        if entry.start_s is None or not turns or (token_s := turns[-1].first_token_s) is None:
            continue
        span = entry.start_s - ROUNDING_S, token_s + ROUNDING_S
        fed = sum(
            work.amount
            for step in trace.steps
            if span[0] <= step.start_s and step.end_s <= span[1]
            for work in step.work
            if work.kind == "chat_prefill"
        )
        found.append(TypedTurn(entry.index + 1, round(1000 * (token_s - entry.start_s), 1), round(fed)))
    return found
