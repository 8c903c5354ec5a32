"""Two results of the same scripts held side by side: what a change made better, and what worse."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median_high
from typing import Any, Literal, TypeAlias

from pydantic import TypeAdapter, ValidationError

from assistant.dialogue.result import DialogueResult, EntryResult
from assistant.dialogue.wer import Edit, diff_words
from assistant.errors import AssistantError

Verdict: TypeAlias = Literal["broken", "mended", "still failing", "changed", "the same"]
"""Of a dialogue in B as against A."""

VERDICTS: tuple[Verdict, ...] = ("broken", "mended", "still failing", "changed", "the same")
"""In the order in which they are shown."""
VOICE_TO_VOICE = "voice to voice"


@dataclass(frozen=True, slots=True)
class Results:
    """A file written by `assistant dialogue run --json`."""

    version: Literal[1]
    passed: bool
    dialogues: list[DialogueResult]
    costs: Mapping[str, float] = field(default_factory=dict)
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TurnPair:
    """One entry in both."""

    a: EntryResult
    b: EntryResult

    @property
    def delta_ms(self) -> int | None:
        """Voice-to-voice latency in B less that in A; None where either has none."""
        if self.a.voice_to_voice_ms is None or self.b.voice_to_voice_ms is None:
            return None
        return self.b.voice_to_voice_ms - self.a.voice_to_voice_ms

    @property
    def texts(self) -> list[tuple[str, list[tuple[Edit, str]]]]:
        """Those that are not the same: which, and the words of A and B."""
        pairs = {
            "understood": (self.a.transcript, self.b.transcript),
            "reply": (self.a.reply, self.b.reply),
            "heard": (self.a.reply_heard, self.b.reply_heard),
        }
        if pairs["heard"] == pairs["reply"]:
            del pairs["heard"]
        return [(what, diff_words(a.split(), b.split())) for what, (a, b) in pairs.items() if a != b]

    @property
    def changed(self) -> bool:
        """Anything at all."""
        return self.a != self.b


@dataclass(frozen=True, slots=True)
class DialoguePair:
    """One dialogue in both."""

    a: DialogueResult
    b: DialogueResult
    turns: list[TurnPair]

    @property
    def verdict(self) -> Verdict:
        """What became of it."""
        if self.a.passed != self.b.passed:
            return "mended" if self.b.passed else "broken"
        if not self.b.passed:
            return "still failing"
        same = self.a.seconds == self.b.seconds and not any(turn.changed for turn in self.turns)
        return "the same" if same else "changed"


@dataclass(frozen=True, slots=True)
class Median:
    """Of one part of latency, over the turns that have it in both."""

    part: str
    a_ms: int
    b_ms: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything there is to say."""

    a: Results
    b: Results
    pairs: list[DialoguePair]
    """Broken ones first, then mended ones."""
    only_a: list[DialogueResult]
    only_b: list[DialogueResult]
    medians: list[Median]
    """Voice to voice, then its parts; empty where no reply was heard in both."""

    def count(self, verdict: Verdict) -> int:
        """How many dialogues."""
        return sum(pair.verdict == verdict for pair in self.pairs)


def read_results(path: Path) -> Results:
    """Read a result.

    Raises:
        AssistantError: It cannot be read, or is nothing that `assistant dialogue run --json` wrote.
    """
    cure = "give a file written by `assistant dialogue run --json`."
    try:
        return TypeAdapter(Results).validate_json(path.read_bytes())
    except OSError as error:
        raise AssistantError(f"{path} cannot be read: {error.strerror}; {cure}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        at = f" ({where}: {first['msg']})" if where else ""
        raise AssistantError(f"{path} is not a result of dialogues{at}; {cure}") from None


def compare(a: Results, b: Results) -> Comparison:
    """Pair the dialogues of two results by script and run, or else by name and run."""
    left = list(b.dialogues)
    found: dict[int, DialogueResult] = {}
    for same in (_same_script, _same_name):
        for index, one in enumerate(a.dialogues):
            other = next((other for other in left if index not in found and same(one, other)), None)
            if other is not None:
                found[index] = other
                left = [rest for rest in left if rest is not other]
    pairs = [_pair(a.dialogues[index], found[index]) for index in sorted(found)]
    only_a = [one for index, one in enumerate(a.dialogues) if index not in found]
    pairs.sort(key=lambda pair: VERDICTS.index(pair.verdict))
    return Comparison(a, b, pairs, only_a, left, _medians(turn for pair in pairs for turn in pair.turns))


def as_json(comparison: Comparison) -> str:
    """The facts for programs; of turns those that are not the same."""
    facts = {
        "medians_ms": {median.part: [median.a_ms, median.b_ms] for median in comparison.medians},
        "dialogues": [
            {
                "name": pair.b.label,
                "script": pair.b.script,
                "run": pair.b.run,
                "verdict": pair.verdict,
                "passed": [pair.a.passed, pair.b.passed],
                "failures": [pair.a.all_failures, pair.b.all_failures],
                "turns": [_turn_facts(turn) for turn in pair.turns if turn.changed],
            }
            for pair in comparison.pairs
        ],
        "only_a": [one.script for one in comparison.only_a],
        "only_b": [one.script for one in comparison.only_b],
    }
    return json.dumps(facts, ensure_ascii=False, indent=2)


def _turn_facts(turn: TurnPair) -> dict[str, object]:
    names = ("transcript", "reply", "reply_heard", "voice_to_voice_ms")
    both = {name: [getattr(turn.a, name), getattr(turn.b, name)] for name in names}
    return {"index": turn.b.index, **{name: pair for name, pair in both.items() if pair[0] != pair[1]}}


def _same_script(one: DialogueResult, other: DialogueResult) -> bool:
    return one.script == other.script and _same_name(one, other)


def _same_name(one: DialogueResult, other: DialogueResult) -> bool:
    return (one.label, one.run) == (other.label, other.run)


def _pair(a: DialogueResult, b: DialogueResult) -> DialoguePair:
    turns = [TurnPair(one, other) for one, other in zip(a.turns, b.turns, strict=False)]  # a script may have grown
    return DialoguePair(a, b, turns)


def _medians(turns: Iterable[TurnPair]) -> list[Median]:
    both = [
        (turn.a.latency, turn.b.latency)
        for turn in turns
        if turn.a.voice_to_voice_ms is not None and turn.b.voice_to_voice_ms is not None
    ]
    parts_a = [{VOICE_TO_VOICE: a.voice_to_voice_ms, **a.parts_ms} for a, b in both if a is not None and b is not None]
    parts_b = [{VOICE_TO_VOICE: b.voice_to_voice_ms, **b.parts_ms} for a, b in both if a is not None and b is not None]
    return [Median(part, _median(parts_a, part), _median(parts_b, part)) for part in (parts_a[0] if parts_a else ())]


def _median(parts: Sequence[Mapping[str, int]], part: str) -> int:
    return median_high(one[part] for one in parts)
