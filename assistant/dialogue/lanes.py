"""What went on in a dialogue, sorted into lanes over one time axis: what every picture of it shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

from assistant.dialogue.result import Performance
from assistant.dialogue.svg import peaks
from assistant.dialogue.trace import EntryTrace, Trace, is_accepted
from assistant.messages import MIC_RATE_HZ, Priority, Samples
from assistant.metrics import Span, StepRecord, TurnRecord

Style: TypeAlias = Literal[
    "user", "heard", "wait", "held", "hear", "prompt", "think", "voice", "play", "pause", "cut", "echo", "wrong"
]


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that took its time."""

    start_s: float
    end_s: float
    text: str
    """What it was, for a tooltip."""
    style: Style
    held: bool = False
    """Done behind the gate, before the end of the turn was certain."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Pieces of one kind, in order."""

    name: str
    style: Style
    pieces: list[Piece]


@dataclass(frozen=True, slots=True)
class Wave:
    """A waveform in columns: (column, peak from 0 to 1)."""

    name: str
    voice: list[tuple[float, float]]
    """The user's in the microphone's, the assistant's in the loudspeaker's."""
    rest: list[tuple[float, float]]
    """What else the microphone heard: echo and noise."""
    wrong: list[tuple[float, float]]
    """Of these, what was taken for the user."""


@dataclass(frozen=True, slots=True)
class Caption:
    """Words over the time axis."""

    start_s: float
    until_s: float
    """The next one's start."""
    text: str
    wrong: bool


def lanes(performance: Performance, join_s: float = 0.0) -> list[Lane]:
    """Every lane, also those in which nothing happened.

    Args:
        performance: What was run.
        join_s: Steps of inference closer than this become one piece.
    """
    trace, steps = performance.trace, performance.trace.steps
    work: list[tuple[str, Style, str]] = [
        ("transcription", "hear", "whisper"),
        ("prompt", "prompt", "chat_prefill"),
        ("tokens", "think", "chat_token"),
        ("voice", "voice", "voice"),
    ]
    return [
        Lane("user speech", "user", list(_user(trace))),
        Lane("taken for speech", "heard", list(_taken_for_speech(performance))),
        Lane("end of turn", "wait", list(_waits(trace))),
        Lane("held work", "held", list(_held(trace))),
        *(Lane(name, style, list(_steps(steps, kind, style, join_s))) for name, style, kind in work),
        Lane("playback", "play", list(_playback(trace))),
        Lane("interruption", "cut", list(_interruptions(trace))),
        Lane("echo window", "echo", [Piece(*span, "echo window open", "echo") for span in trace.echo_windows]),
    ]


def waves(performance: Performance, columns: int) -> tuple[Wave, Wave]:
    """Both sides' sound from 0 s to the dialogue's end, microphone first; silent columns are left out."""
    trace = performance.trace
    spoken = [entry.voiced_s for entry in trace.entries if entry.voiced_s is not None]
    column_s = trace.seconds / columns

    def drawn(samples: Samples, rate_hz: int) -> list[tuple[float, float]]:
        shown = samples[: round(trace.seconds * rate_hz)]
        count = max(round(len(shown) / rate_hz / column_s), 1) if column_s else 1
        return [(float(column), peak) for column, peak in enumerate(peaks(shown, count)) if peak > 0.004]

    def within(column: float, spans: list[Span]) -> bool:
        return any(start_s <= column * column_s <= end_s for start_s, end_s in spans)

    unasked = [one.span for one in performance.unasked]
    microphone = Wave("microphone", [], [], [])
    for column, peak in drawn(trace.microphone, MIC_RATE_HZ):
        where = microphone.voice if within(column, spoken) else microphone.rest
        (microphone.wrong if within(column, unasked) else where).append((column, peak))
    return microphone, Wave("loudspeaker", drawn(trace.loudspeaker, trace.speaker_rate_hz), [], [])


def captions(performance: Performance) -> tuple[list[Caption], list[Caption]]:
    """What was understood, and what was heard of the replies."""
    trace = performance.trace
    accepted = [turn for turn in trace.turns if is_accepted(turn)]
    understood = [
        (turn.speech_start_s, turn.transcript, any(overlap(one.span, _speech(turn)) for one in performance.unasked))
        for turn in accepted
    ]
    replies = [
        (sounded[0][0], turn.reply_heard, False)
        for turn, sounded in zip(trace.turns, trace.replies, strict=False)
        if sounded
    ]
    return _captions(understood, trace.seconds), _captions(replies, trace.seconds)


def _captions(texts: list[tuple[float, str, bool]], end_s: float) -> list[Caption]:
    ordered = [*sorted(texts), (end_s, "", False)]
    return [Caption(start_s, until_s, text, wrong) for (start_s, text, wrong), (until_s, _, _) in pairwise(ordered)]


def ended_s(turn: TurnRecord, trace: Trace) -> float:
    """When a turn was over, the dialogue's end at the latest."""
    return turn.ended_s if turn.ended_s is not None else trace.seconds


def speaker(turn: TurnRecord, trace: Trace) -> EntryTrace | None:
    """The entry whose voice, or line, a turn is; None where nobody spoke."""
    for entry in reversed(trace.entries):
        if turn.kind == "typed" and entry.entry.type is not None and entry is trace.owner(turn.opened_s):
            return entry
        if turn.kind == "spoken" and entry.voiced_s and overlap(_speech(turn), entry.voiced_s):
            return entry
    return None


def overlap(one: Span, other: Span) -> bool:
    """Whether two spans have a moment in common."""
    return one[0] <= other[1] and other[0] <= one[1]


def _speech(turn: TurnRecord) -> Span:
    return turn.speech_start_s, turn.speech_end_s


def _user(trace: Trace) -> Iterator[Piece]:
    for entry in trace.entries:
        if entry.voiced_s is not None:
            yield Piece(*entry.voiced_s, f"entry {entry.index}: the user speaks", "user")
        elif entry.entry.type is not None and entry.start_s is not None:
            yield Piece(entry.start_s, entry.start_s, f"entry {entry.index}: a line is typed", "user")


def _taken_for_speech(performance: Performance) -> Iterator[Piece]:
    for turn in performance.trace.turns:
        if turn.kind != "spoken" or turn.state == "discarded":
            continue
        span = _speech(turn)
        source = next((one.source for one in performance.unasked if overlap(one.span, span)), None)
        words = f"“{turn.transcript}”" if turn.transcript else "no words"
        if turn.state == "rejected":
            yield Piece(*span, f"refused, {turn.reason}: {words}", "heard", held=True)
        elif source is not None and is_accepted(turn):
            whom = "the assistant itself" if source == "itself" else "noise"
            yield Piece(*span, f"nobody spoke, it was {whom}: {words}", "wrong")
        else:
            yield Piece(*span, words, "heard")


def _waits(trace: Trace) -> Iterator[Piece]:
    for turn in trace.turns:
        if not is_accepted(turn) or turn.endpoint_s is None or turn.kind != "spoken":
            continue
        entry = speaker(turn, trace)
        since_s = entry.voiced_s[1] if entry is not None and entry.voiced_s is not None else turn.speech_end_s
        if turn.endpoint_s > since_s:
            yield Piece(
                since_s, turn.endpoint_s, _lasting("waiting to be sure of the end", since_s, turn.endpoint_s), "wait"
            )


def _held(trace: Trace) -> Iterator[Piece]:
    """From the first pause, at which work begins behind a shut gate, to the certain end or to the speech going on."""
    for turn in trace.turns:
        end_s = turn.endpoint_s if is_accepted(turn) else ended_s(turn, trace)
        if turn.kind == "spoken" and end_s is not None and end_s > turn.opened_s:
            what = "held turn" if is_accepted(turn) else f"held turn, {turn.state}"
            yield Piece(turn.opened_s, end_s, _lasting(what, turn.opened_s, end_s), "held", not is_accepted(turn))


def _steps(steps: Iterable[StepRecord], kind: str, style: Style, join_s: float) -> Iterator[Piece]:
    """Steps of one model, each named by the first thing that it did."""
    start_s = end_s = 0.0
    held, count = False, 0

    def piece() -> Iterator[Piece]:
        if count:
            gate = ", behind the gate" if held else ""
            many = f"{count} steps" if count > 1 else "1 step"
            yield Piece(start_s, end_s, _lasting(f"{kind}, {many}", start_s, end_s) + gate, style, held)

    for step in steps:
        if not step.work or not step.work[0].kind.startswith(kind):
            continue
        behind = step.priority >= Priority.HELD
        if count and behind == held and step.start_s - end_s < join_s:
            end_s, count = step.end_s, count + 1
            continue
        yield from piece()
        start_s, end_s, held, count = step.start_s, step.end_s, behind, 1
    yield from piece()


def _playback(trace: Trace) -> Iterator[Piece]:
    for turn, reply in zip(trace.turns, trace.replies, strict=False):
        for start_s, end_s in reply:
            yield Piece(start_s, end_s, _lasting("the assistant speaks", start_s, end_s), "play")
        for pause in turn.pauses:
            until_s = pause.end_s if pause.end_s is not None else ended_s(turn, trace)
            yield Piece(pause.start_s, until_s, _lasting("paused", pause.start_s, until_s), "pause")


def _interruptions(trace: Trace) -> Iterator[Piece]:
    """From the first sound that interrupts, or the key or line, to the reply's last."""
    for turn, reply in zip(trace.turns, trace.replies, strict=False):
        if turn.state == "cut" and reply:
            by = turn.cut_by or (ended_s(turn, trace), ended_s(turn, trace))
            voiced = [entry.voiced_s for entry in trace.entries if entry.voiced_s and overlap(entry.voiced_s, by)]
            start_s, end_s = min([*voiced, by][0][0], reply[-1][1]), reply[-1][1]
            yield Piece(start_s, end_s, _lasting("interrupted, the reply still sounding", start_s, end_s), "cut")


def _lasting(what: str, start_s: float, end_s: float) -> str:
    return f"{what}, {1000 * (end_s - start_s):.0f} ms"
