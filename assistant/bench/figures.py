"""Medians and percentiles over the turns of a bench."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol, TypeVar

import numpy as np

from assistant.bench.steps import model_of, taken_s
from assistant.bench.turns import PARTS, MeasuredTurn, TypedTurn
from assistant.messages import Priority

T = TypeVar("T")
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Spread:
    """Where values lie; percentiles are linear between the nearest two."""

    median: float
    p90: float
    largest: float
    count: int


def spread(values: Iterable[float]) -> Spread:
    """Of at least one value."""
    ordered = sorted(values)
    return Spread(round(median(ordered), 3), round(float(np.percentile(ordered, 90)), 3), ordered[-1], len(ordered))


@dataclass(frozen=True, slots=True)
class LongestStep:
    """The step that keeps anything more urgent waiting longest."""

    work: str
    ms: float


@dataclass(frozen=True, slots=True)
class Memory:
    """The most that was held at a time, in bytes."""

    process: int
    """Resident, as the operating system counts it; on a Mac what Metal holds may be missing."""
    mlx: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What a bench found; a spread is over all turns of all runs if nothing else is said."""

    voice_to_voice_ms: Spread
    parts_ms: dict[str, Spread]
    """By name; medians of parts need not add up to the median of the whole, the parts of each turn do."""
    inference_ms: Spread
    """Critical path of inference after the end of the turn was certain (turns.MeasuredTurn)."""
    overhead_ms: Spread
    overhead_share: Spread
    """Of the latency."""
    first_work_ms: Spread
    """Transcription and prefill of the turn that was accepted (held.HeldWork)."""
    hidden_share: Spread
    """Of that, what was done before the end of the turn was certain."""
    hidden_share_of_possible: Spread
    """The same, of the smaller of that and the wait less 100 ms."""
    within_bound: float
    """Share of the turns that were answered in the wait, what could not be hidden, the first fragment, and 15 %."""
    transcription_factor: Spread
    """Seconds of inference for a second of speech, passes at pauses after which the user went on included."""
    voice_factor: Spread
    """Seconds of inference for a second of reply."""
    tokens_per_s: Spread
    """Of the language model, prompts not counted."""
    queueing_ms: Spread
    """Over steps: how long each waited for others."""
    first_audio_queueing_ms: Spread | None
    """Over the steps that were most urgent; None where all was done before the turn's end."""
    longest_step: LongestStep


def figures(turns: Sequence[MeasuredTurn]) -> Figures:
    """Of at least one turn."""
    steps = [step for turn in turns for step in turn.steps]
    longest = max(steps, key=taken_s)
    urgent = [1000 * step.queued_s for step in steps if step.priority is Priority.FIRST_AUDIO]
    return Figures(
        voice_to_voice_ms=spread(turn.voice_to_voice_ms for turn in turns),
        parts_ms={part: spread(turn.parts_ms[part] for turn in turns) for part in PARTS},
        inference_ms=spread(turn.inference_ms for turn in turns),
        overhead_ms=spread(turn.overhead_ms for turn in turns),
        overhead_share=spread(turn.overhead_ms / max(turn.voice_to_voice_ms, 1) for turn in turns),
        first_work_ms=spread(turn.held.work_ms for turn in turns),
        hidden_share=spread(turn.held.share for turn in turns),
        hidden_share_of_possible=spread(turn.held.share_of_possible for turn in turns),
        within_bound=sum(turn.voice_to_voice_ms <= turn.held.bound_ms for turn in turns) / len(turns),
        transcription_factor=spread(_seconds_of(turn, "whisper") / turn.speech_s for turn in turns),
        voice_factor=spread(_seconds_of(turn, "voice") / max(_amount(turn, "voice"), 1e-3) for turn in turns),
        tokens_per_s=spread(map(_tokens_per_s, turns)),
        queueing_ms=spread(1000 * step.queued_s for step in steps),
        first_audio_queueing_ms=spread(urgent) if urgent else None,
        longest_step=LongestStep(" and ".join(work.kind for work in longest.work), round(1000 * taken_s(longest), 1)),
    )


def _seconds_of(turn: MeasuredTurn, model: str) -> float:
    return sum(taken_s(step) for step in turn.steps if model_of(step) == model)


def _amount(turn: MeasuredTurn, model: str) -> float:
    return sum(work.amount for step in turn.steps if model_of(step) == model for work in step.work)


def _tokens_per_s(turn: MeasuredTurn) -> float:
    """Over the steps that did nothing but tokens, with a draft several; 0 for a reply of a single one."""
    alone = [step for step in turn.steps if [work.kind for work in step.work] == ["chat_token"]]
    took_s = sum(map(taken_s, alone))
    return sum(step.work[0].amount for step in alone) / took_s if took_s else 0.0


class Timed(Protocol):
    """A run of a recording that was answered."""

    @property
    def recording(self) -> str:
        """Its name."""

    @property
    def voice_to_voice_ms(self) -> int:
        """Its latency."""


R = TypeVar("R", bound=Timed)


def typical(turns: Sequence[R]) -> list[R]:
    """Of each recording, in order, the run whose latency is the median; the faster of the middle two of an even count.

    Taken whole, so that its parts add up.
    """
    return [
        sorted(runs, key=lambda turn: turn.voice_to_voice_ms)[(len(runs) - 1) // 2]
        for runs in grouped(turns, lambda turn: turn.recording).values()
    ]


@dataclass(frozen=True, slots=True)
class FirstTokens:
    """Time to the first token over a talk of typed lines: the median over its runs, turn by turn."""

    turns: list[TypedTurn]

    @property
    def growth(self) -> float | None:
        """The last turn's time over the second's, the first being without history; None in a talk of fewer than 3."""
        if len(self.turns) < 3:
            return None
        return round(self.turns[-1].first_token_ms / max(self.turns[1].first_token_ms, 1e-3), 2)


def first_tokens(runs: Iterable[TypedTurn]) -> FirstTokens:
    """Of the turns of any number of runs of the talk."""
    turns = []
    for index, same in sorted(grouped(runs, lambda turn: turn.index).items()):
        first_token_ms, fed = median(turn.first_token_ms for turn in same), median(turn.fed_tokens for turn in same)
        turns.append(TypedTurn(index, first_token_ms, round(fed)))
    return FirstTokens(turns)


def grouped(items: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """Those with one key together, in order."""
    groups: defaultdict[K, list[T]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups
