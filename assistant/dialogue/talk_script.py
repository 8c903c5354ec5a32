"""A talk that was held, as the entries of a dialogue script: what began when, and what came of it. Pure.

Only what a script can say is kept. Silences between turns are shortened, and speech during the wait comes as
soon as it must under the `simulated` clock to come before the reply, whatever the wait was at the desk.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from assistant.audio.vad import voiced_span
from assistant.messages import MIC_RATE_HZ, Samples, Utterance
from assistant.metrics import Span, TurnRecord

_TAIL = 300 * MIC_RATE_HZ // 1000
"""Kept of the silence after the last voiced sample; the rest only told that the turn was over."""
_LONGEST_AFTER_S = 3.0
_LONGEST_WAIT_S = 0.7
"""From voice to voice, where speech during the wait must come before a reply, which takes a second and more."""
_SAME_MOMENT_S = 0.1
_KEY_MARGIN_MS = 150.0
"""As in a script that does not say."""
_NOT_THE_USER = ("echo", "asleep")
"""Why turns were rejected that were no speech, or none that the assistant was to hear."""


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """An utterance as it went to the transcriber, and where the key went down for it."""

    utterance: Utterance
    key_down: int | None = None
    """Push-to-talk: sample index."""
    start: int | None = None
    """Sample index of the first of `samples`."""
    samples: Samples | None = None
    """(n,) at 16 kHz: what the user said, from before it was noticed; None: the utterance's own."""


@dataclass(slots=True, eq=False)
class RecordedEntry:
    """An entry of the script."""

    values: dict[str, Any]
    """Its keys, without the recording."""
    samples: Samples | None
    """(n,) at 16 kHz, the recording; None for a typed line."""
    words: str
    """What the recording says, as far as it is known."""


@dataclass(slots=True, eq=False)
class _Act:
    """Something that the user did; seconds of the talk's clock."""

    start_s: float
    """First sample, or entry of the line."""
    begins_s: float
    """First voiced sample, key down, or entry of the line."""
    voiced_s: Span
    """By the rule of scripts; the moment of entry for a line."""
    turn: TurnRecord | None
    """The turn that came of it."""
    samples: Samples | None = None
    joined: bool = False
    """Its words are in the turn of a later one."""
    by_key: bool = False
    expect: dict[str, Any] = field(default_factory=dict)

    @property
    def end_s(self) -> float:
        return self.start_s + (0 if self.samples is None else len(self.samples) / MIC_RATE_HZ)

    def begin_at(self, start_s: float) -> None:
        """Leave out what comes before."""
        skip = max(round((start_s - self.start_s) * MIC_RATE_HZ), 0)
        if self.samples is not None and skip:
            self.samples = self.samples[skip:]
            self.start_s += skip / MIC_RATE_HZ


def entries(said: Sequence[Said], turns: Sequence[TurnRecord]) -> list[RecordedEntry]:
    """The entries of a talk.

    Args:
        said: Every utterance, in order.
        turns: Every turn, in order, as it ended.
    """
    acts = _acts(said, turns)
    recorded = []
    for index, act in enumerate(acts):
        start = _start(act, acts[:index])
        words = "" if act.turn is None else act.turn.transcript
        if act.samples is None:
            values: dict[str, Any] = {"type": words, **start}
        else:
            values = dict(start)
            if act.turn is None:
                act.expect["turns"] = 0
            elif re.search(r"\w", words):
                act.expect["transcript"] = words
        if act.expect:
            values["expect"] = act.expect
        recorded.append(RecordedEntry(values, act.samples, words))
    return recorded


def key_margins_ms(said: Sequence[Said], post_roll_ms: float) -> tuple[float, float]:
    """How long before the first voiced sample the key goes down, and after the last it comes up, at the median."""
    leads: list[float] = []
    tails: list[float] = []
    for one in said:
        span = voiced_span(one.utterance.samples)
        if span is not None and one.key_down is not None:
            down = one.key_down - one.utterance.start
            up = len(one.utterance.samples) - post_roll_ms * MIC_RATE_HZ / 1000
            leads.append((span[0] - down) * 1000 / MIC_RATE_HZ)
            tails.append((up - span[1]) * 1000 / MIC_RATE_HZ)
    return statistics.median(leads or [_KEY_MARGIN_MS]), statistics.median(tails or [_KEY_MARGIN_MS])


# what the user did


def _acts(said: Sequence[Said], turns: Sequence[TurnRecord]) -> list[_Act]:
    acts = [
        _Act(turn.opened_s, turn.opened_s, (turn.opened_s, turn.opened_s), turn, by_key=True)
        for turn in turns
        if turn.kind == "typed"
    ]
    spoken = [turn for turn in turns if turn.kind == "spoken"]
    acts += [act for one in said if (act := _spoken(one, spoken)) is not None]
    return sorted(acts, key=lambda act: act.begins_s)


def _spoken(said: Said, turns: Sequence[TurnRecord]) -> _Act | None:
    """An utterance, if it is one that a replay can be expected to treat alike."""
    utterance = said.utterance
    start_s, end_s = utterance.speech_start / MIC_RATE_HZ, utterance.speech_end / MIC_RATE_HZ
    accepted = [turn for turn in turns if turn.state in ("open", "done", "cut")]
    own = [turn for turn in turns if abs(turn.speech_end_s - end_s) < 1e-3]
    turn = own[-1] if own and own[-1] in accepted else None
    joined = any(one.speech_start_s <= start_s + 1e-3 and one.speech_end_s > end_s + 1e-3 for one in accepted)
    refused = bool(own) and own[-1].state == "rejected" and own[-1].reason not in _NOT_THE_USER
    if turn is None and not joined and not refused:
        return None  # a knock, an echo, or words that a key took back
    first, samples = utterance.start, utterance.samples
    if said.start is not None and said.samples is not None:
        first, samples = said.start, said.samples
    by_key = said.key_down is not None
    samples = samples if by_key else samples[: utterance.speech_end - first + _TAIL]
    span = voiced_span(samples)
    if refused and span is None:
        return None
    if span is not None:
        start_s, end_s = (first + span[0]) / MIC_RATE_HZ, (first + span[1]) / MIC_RATE_HZ
    begins_s = said.key_down / MIC_RATE_HZ if said.key_down is not None else start_s
    return _Act(first / MIC_RATE_HZ, begins_s, (start_s, end_s), turn, samples, joined, by_key)


# when it began, in a script's words


def _start(act: _Act, earlier: Sequence[_Act]) -> dict[str, int]:
    """The start key of an entry; what it did to the reply before goes into what is expected of it."""
    if not earlier:
        return {"after_ms": _ms(min(act.start_s, _LONGEST_AFTER_S))}
    before = earlier[-1]
    gap_s = act.begins_s - before.voiced_s[1]
    spoken = act.samples is not None and before.samples is not None
    answer = next((one.turn for one in reversed(earlier) if one.turn is not None), None)
    live = answer is not None and (answer.ended_s is None or answer.ended_s > act.begins_s - _SAME_MOMENT_S)
    if answer is not None and live and answer.sounded and answer.sounded[0][0] <= act.begins_s:
        if before.turn is answer:
            sounds_s = answer.sounded[0][0]
            act.expect["interrupted"] = _cut(answer, act)
            act.begin_at(sounds_s)
            return {"interrupts_after_ms": _ms(act.start_s - sounds_s)}
        if spoken:
            return _after_speech(act, gap_s)
    elif live or before.joined:
        if spoken:
            return _after_speech(act, min(gap_s, _LONGEST_WAIT_S))
        if before.turn is answer:
            return {"interrupts_after_ms": 0}
    idle_s = max([before.end_s, *(one.turn.ended_s for one in earlier if one.turn is not None and one.turn.ended_s)])
    return {"after_ms": _ms(min(act.start_s - idle_s, _LONGEST_AFTER_S))}


def _after_speech(act: _Act, gap_s: float) -> dict[str, int]:
    lead_s = min(act.begins_s - act.start_s, gap_s)
    act.begin_at(act.begins_s - lead_s)
    return {"after_speech_ms": _ms(gap_s - lead_s)}


def _cut(turn: TurnRecord, act: _Act) -> bool:
    """Whether the act cut the turn's reply."""
    if turn.state != "cut":
        return False
    if turn.cut_by is None:
        return act.by_key and turn.ended_s is not None and abs(turn.ended_s - act.begins_s) < _SAME_MOMENT_S
    return turn.cut_by[0] <= act.end_s and act.begins_s - _SAME_MOMENT_S <= turn.cut_by[1]


def _ms(seconds: float) -> int:
    return max(round(seconds * 1000), 0)


def lost_interruptions(turns: Sequence[TurnRecord], recorded: Sequence[RecordedEntry]) -> int:
    """Replies that were cut by what no script can do, as a key."""
    cut = sum(turn.state == "cut" and bool(turn.sounded) for turn in turns)
    return cut - sum(entry.values.get("expect", {}).get("interrupted") is True for entry in recorded)
