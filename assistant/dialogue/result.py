"""The result of a dialogue, as the contract has it. No wall-clock time is in it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from assistant.config import Config
from assistant.dialogue.load import Dialogue
from assistant.dialogue.trace import EntryTrace, Trace, is_accepted
from assistant.metrics import TurnRecord
from assistant.models import lock
from assistant.screen.latency import Latency, between
from assistant.simulation.clock import ClockMode
from assistant.simulation.judge import Unasked, Verdict

WordErrorRate = Callable[[str, str], float]
"""(expected, heard) -> rate."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Milliseconds from the start of the dialogue; None where it was not reached."""

    entered: int | None = None
    """A typed line."""
    speech_started: int | None = None
    """First and last voiced samples of the recording."""
    speech_ended: int | None = None
    endpoint: int | None = None
    transcript: int | None = None
    first_token: int | None = None
    first_sentence: int | None = None
    first_audio: int | None = None
    """First and last audible sample of the reply leaving the loudspeaker."""
    last_audio: int | None = None
    interrupted: int | None = None
    """Last audible sample of a reply that was cut."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge makes of a reply (`expect.reply.judge`)."""

    passed: bool
    reason: str
    model: str


@dataclass(slots=True)
class EntryResult:
    """What came of one entry."""

    index: int
    kind: str
    user: str | None
    recognised: int = 0
    command: str | None = None
    transcript: str = ""
    wer: float | None = None
    reply: str = ""
    reply_heard: str = ""
    interrupted: bool = False
    interrupts: int | None = None
    stopped_ms: int | None = None
    marks_ms: Marks = Marks()
    voice_to_voice_ms: int | None = None
    judgement: Judgement | None = None
    """Left out of the JSON where none was asked for."""
    failures: list[str] = field(default_factory=list)

    @property
    def latency(self) -> Latency | None:
        """Voice-to-voice latency in parts, a typed line's from its entering on; None without an audible reply."""
        marks = self.marks_ms
        since_ms = marks.speech_ended if marks.entered is None else marks.entered
        if marks.first_audio is None or since_ms is None or marks.first_audio < since_ms:
            return None
        ends_ms = (marks.endpoint, marks.transcript, marks.first_token, marks.first_sentence, marks.first_audio)
        return between(since_ms / 1000, [None if ms is None else ms / 1000 for ms in ends_ms])


@dataclass(slots=True)
class DialogueResult:
    """What came of one dialogue."""

    name: str
    script: str
    run: int
    passed: bool
    clock: ClockMode
    seconds: float
    turns_recognised: int
    self_heard: int
    noise_heard: int
    rejected: int
    turns: list[EntryResult]
    failures: list[str] = field(default_factory=list)
    costs: Mapping[str, float] = field(default_factory=dict)
    """This and the models are left out of the JSON where they are those of the whole result."""
    models: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What a sweep set for it, by key; left out of the JSON where there is none."""

    @property
    def label(self) -> str:
        """Its name, with what a sweep set for it."""
        swept = ", ".join(f"{key}={value}" for key, value in self.settings.items())
        return f"{self.name} ({swept})" if swept else self.name

    @property
    def label_of_run(self) -> str:
        """The same, and which run it was if not the first."""
        return f"{self.label} run {self.run}" if self.run else self.label

    @property
    def all_failures(self) -> list[str]:
        """What did not hold of each entry and of the whole, each with where that was."""
        entries = [f"entry {seen.index}: {failure}" for seen in self.turns for failure in seen.failures]
        return entries + [f"dialogue: {failure}" for failure in self.failures]


@dataclass(frozen=True, slots=True, eq=False)
class Performance:
    """A dialogue that was run: the contract's result, and all that a picture of it needs."""

    dialogue: Dialogue
    trace: Trace
    result: DialogueResult
    unasked: tuple[Unasked, ...] = ()
    """What was taken for the user and was not."""
    steps_kept: int = 0
    """Steps of models that came from the step store."""
    steps_made: int = 0
    """Steps that models took for it, where there is a store."""


def summarise(
    dialogue: Dialogue, trace: Trace, verdict: Verdict, clock: ClockMode, word_error_rate: WordErrorRate
) -> DialogueResult:
    """What came of a dialogue, before it is held against what was expected."""
    entries = [_entry(entry, trace, word_error_rate) for entry in trace.entries]
    _note_interruptions(entries, trace)
    return DialogueResult(
        name=dialogue.name,
        script=dialogue.path.as_posix(),
        run=0,
        passed=True,
        clock=clock,
        seconds=round(trace.seconds, 3),
        turns_recognised=sum(turn.kind == "spoken" and is_accepted(turn) for turn in trace.turns),
        self_heard=verdict.self_heard,
        noise_heard=verdict.noise_heard,
        rejected=verdict.rejected,
        turns=entries,
        costs=costs_charged(dialogue.config, clock),
        models=models_used(dialogue.config),
        settings=dialogue.settings,
    )


def costs_charged(config: Config, clock: ClockMode) -> dict[str, float]:
    """The agreed costs, under the clock that charges them."""
    return config.simulation.costs.model_dump() if clock == "simulated" else {}


def models_used(config: Config) -> dict[str, Any]:
    """By role: name, source, and one sha256 over those of the model's files, where all are locked."""
    return {
        role: {"name": entry.name, "source": entry.source, "sha256": _digest(entry)}
        for role, entry in lock.chosen(config.models).items()
    }


def _digest(entry: lock.Entry) -> str | None:
    if not all(file.sha256 for file in entry.files):
        return None
    lines = sorted(f"{file.sha256}  {file.path}\n" for file in entry.files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _entry(trace: EntryTrace, whole: Trace, word_error_rate: WordErrorRate) -> EntryResult:
    entry, turns = trace.entry, whole.owned(trace.index)
    result = EntryResult(trace.index, entry.kind, entry.user.rsplit("/", 1)[-1] if entry.user else None)
    result.marks_ms = _marks(trace, turns[-1] if turns else None, whole)
    result.recognised = sum(turn.kind == "spoken" for turn in turns)
    result.transcript = " ".join(turn.transcript for turn in turns)
    if entry.expect.transcript is not None:
        result.wer = round(word_error_rate(entry.expect.transcript, result.transcript), 4) if turns else 1.0
    if turns:
        last = turns[-1]
        result.command, result.reply, result.reply_heard = last.command, last.reply, last.reply_heard
        result.interrupted = last.state == "cut"
    marks = result.marks_ms
    if marks.first_audio is not None and marks.speech_ended is not None:
        result.voice_to_voice_ms = marks.first_audio - marks.speech_ended
    return result


def _marks(entry: EntryTrace, turn: TurnRecord | None, whole: Trace) -> Marks:
    speech = entry.voiced_s or (None, None)
    marks = Marks(
        entered=_ms(entry.start_s) if entry.entry.type is not None else None,
        speech_started=_ms(speech[0]),
        speech_ended=_ms(speech[1]),
    )
    if turn is None:
        return marks
    if turn.command is not None:  # what is said for a command is not the model's reply
        return replace(marks, endpoint=_ms(turn.endpoint_s), transcript=_ms(turn.transcript_s))
    first_s, last_s = whole.audible(turn) or (None, None)
    return replace(
        marks,
        endpoint=_ms(turn.endpoint_s),
        transcript=_ms(turn.transcript_s),
        first_token=_ms(turn.first_token_s),
        first_sentence=_ms(turn.first_sentence_s),
        first_audio=_ms(first_s),
        last_audio=_ms(last_s),
        interrupted=_ms(last_s) if turn.state == "cut" else None,
    )


def _ms(moment_s: float | None) -> int | None:
    return None if moment_s is None else round(moment_s * 1000)


def _note_interruptions(entries: list[EntryResult], trace: Trace) -> None:
    """Tell each entry whose reply it cut, and how long that went on to be heard."""
    for cut in entries:
        if not cut.interrupted or trace.entries[cut.index].stalled:  # a time-out is nobody's interruption
            continue
        by = _interrupter(trace.owned(cut.index)[-1], trace)
        if by is None or by.index == cut.index:
            continue
        result = entries[by.index]
        result.interrupts = cut.index
        started = result.marks_ms.speech_started if by.voiced_s else _ms(by.start_s)
        if cut.marks_ms.interrupted is not None and started is not None:
            result.stopped_ms = cut.marks_ms.interrupted - started


def _interrupter(turn: TurnRecord, trace: Trace) -> EntryTrace | None:
    """The entry that cut a turn's reply; None where no user did."""
    if turn.cut_by is None:  # a key or a typed line
        return trace.owner(turn.ended_s) if turn.ended_s is not None else None
    for entry in reversed(trace.entries):
        if entry.voiced_s and entry.voiced_s[0] <= turn.cut_by[1] and turn.cut_by[0] <= entry.voiced_s[1]:
            return entry
    return None
