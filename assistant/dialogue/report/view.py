"""What a page shows of one dialogue: the conversation, line by line, and the parts of its latencies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from assistant.dialogue.lanes import Style, overlap
from assistant.dialogue.report.why import Why
from assistant.dialogue.result import EntryResult, Judgement, Performance
from assistant.dialogue.script import Script
from assistant.dialogue.summary import describe
from assistant.dialogue.trace import EntryTrace, Trace
from assistant.dialogue.wer import Edit, word_diff
from assistant.metrics import TurnRecord

Speaker: TypeAlias = Literal["you", "assistant", "itself", "noise", "refused"]

PART_STYLES: dict[str, Style] = {
    "end of turn": "wait",
    "transcription": "hear",
    "first token": "prompt",
    "first sentence": "think",
    "first audio": "voice",
}
"""The colours of the parts of latency are those of the lanes in which the work is drawn."""


@dataclass(frozen=True, slots=True)
class Line:
    """Something said, or taken for it."""

    speaker: Speaker
    at_s: float
    text: str
    unheard: str = ""
    """The rest of a reply that was cut."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class EntryView:
    """An entry and what came of it."""

    index: int
    label: str
    at_s: float | None
    lines: list[Line]
    diff: list[tuple[Edit, str]]
    """Expected and understood words, where they are not the same."""
    whys: list[tuple[int, Why]]
    """Its failures, numbered as on the time axis."""
    judgement: Judgement | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """A latency in parts: (name, style, milliseconds)."""

    label: str
    parts: list[tuple[str, Style, int]]
    total_ms: int
    budget_ms: float | None
    typed: bool


@dataclass(frozen=True, slots=True)
class Bars:
    """Latencies over the turns, on one scale."""

    bars: list[Bar] = field(default_factory=list)
    scale_ms: float = 0.0
    """At least so much has room."""

    @property
    def longest_ms(self) -> float:
        """What the full width stands for."""
        return max([1.0, self.scale_ms, *(max(bar.total_ms, bar.budget_ms or 0.0) for bar in self.bars)])


def entries(performance: Performance, whys: list[Why]) -> Iterator[EntryView]:
    """The conversation, entry by entry."""
    trace, language = performance.trace, performance.dialogue.config.transcribe.language
    for entry, seen in zip(trace.entries, performance.result.turns, strict=True):
        expected = entry.entry.expect.transcript
        diff = word_diff(expected, seen.transcript, language) if expected is not None else []
        yield EntryView(
            seen.index,
            describe(entry.entry),
            entry.start_s,
            [line for turn in trace.turns if _belongs(turn, entry, trace) for line in _lines(turn, performance)],
            diff if any(edit != "same" for edit, _ in diff) else [],
            [(number, why) for number, why in enumerate(whys, 1) if why.entry == seen.index],
            seen.judgement,
        )


def latencies(script: Script, turns: list[EntryResult]) -> Bars:
    """The parts of every reply's latency."""
    bars = Bars()
    for entry, seen in zip(script.turns, turns, strict=True):
        taken = seen.latency
        if taken is not None:
            label = f"{seen.index} · {describe(entry)}"
            bars.bars.append(bar(label, taken.parts_ms, entry.expect.first_audio_ms, seen.kind == "typed"))
    return bars


def bar(label: str, parts_ms: Mapping[str, int], budget_ms: float | None = None, typed: bool = False) -> Bar:
    """The parts of one latency, in the colours of their lanes."""
    parts = [(name, PART_STYLES[name], ms) for name, ms in parts_ms.items()]
    return Bar(label, parts, sum(parts_ms.values()), budget_ms, typed)


def describe_room(script: Script) -> str:
    """The room in plain words."""
    room, mode = script.room, "push-to-talk, " if script.mode == "push-to-talk" else ""
    if room is None:
        return f"{mode}headphones, no noise"
    parts = ["headphones"]
    if room.echo_gain_db is not None:
        parts = [f"loudspeakers whose echo comes back at {room.echo_gain_db:g} dB after {room.echo_delay_ms:g} ms"]
        if room.reverb_rt60_s:
            parts.append(f"{room.reverb_rt60_s:g} s of reverberation")
    noise = room.noise.rsplit("/", 1)[-1] if room.noise else None
    parts.append(f"{noise} noise at {room.noise_dbfs:g} dBFS" if noise else "no noise")
    return mode + ", ".join(parts)


def describe_settings(config: Mapping[str, Any], section: str = "") -> list[str]:
    """A script's own configuration, a key each, like "echo.device = headphones"."""
    found: list[str] = []
    for key, value in config.items():
        nested = isinstance(value, Mapping)
        found += describe_settings(value, f"{section}{key}.") if nested else [f"{section}{key} = {value}"]
    return found


def _belongs(turn: TurnRecord, entry: EntryTrace, trace: Trace) -> bool:
    if turn.state == "discarded":  # more speech joined it, and another turn has its words
        return False
    owner = trace.owner(turn.speech_end_s)
    return owner is entry or (owner is None and entry.index == 0)


def _lines(turn: TurnRecord, performance: Performance) -> Iterator[Line]:
    span = turn.speech_start_s, turn.speech_end_s
    source = next((one.source for one in performance.unasked if overlap(one.span, span)), None)
    who: Speaker = "you" if source is None or turn.kind == "typed" else source
    if turn.state == "rejected":
        yield Line("refused", turn.speech_start_s, turn.transcript, note=turn.reason)
        return
    note = f"command: {turn.command.replace('_', ' ')}" if turn.command else "typed" if turn.kind == "typed" else ""
    yield Line(who, turn.speech_start_s, turn.transcript, note=note)
    heard = performance.trace.audible(turn)
    if turn.reply and not turn.command:
        cut = turn.state == "cut"
        text = turn.reply_heard if cut else turn.reply
        paused = f"paused {len(turn.pauses)} times" if len(turn.pauses) > 1 else "paused once" if turn.pauses else ""
        note = ", ".join(part for part in ("cut off" if cut else "", paused) if part)
        at_s = heard[0] if heard is not None else turn.endpoint_s or turn.opened_s
        yield Line("assistant", at_s, text, turn.reply.removeprefix(text) if cut else "", note)
