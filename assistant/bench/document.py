"""A bench as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from assistant.bench.figures import Figures, FirstTokens, Memory
from assistant.bench.history import HistoryEntry, medians
from assistant.bench.turns import LeftOut, MeasuredTurn


@dataclass(frozen=True, slots=True)
class Bench:
    """What was run, and what came of it."""

    date: str
    commit: str | None
    machine: str
    clock: str
    models: dict[str, Any]
    repeat: int
    complete: bool
    """Whether every run came to its end."""
    recordings: list[str]
    left_out: list[LeftOut]
    turns: list[MeasuredTurn] = field(repr=False)
    found: Figures
    talk: FirstTokens
    memory: Memory

    def entry(self) -> HistoryEntry:
        """What the history keeps of it."""
        models = {role: model["name"] for role, model in self.models.items()}
        kept = medians(self.found, self.talk, self.memory)
        return HistoryEntry(
            date=self.date,
            commit=self.commit,
            machine=self.machine,
            clock=self.clock,
            models=models,
            recordings=self.recordings,
            repeat=self.repeat,
            medians=kept,
        )

    def as_json(self) -> str:
        """One object: facts, figures, and each turn with its parts."""
        facts = ("date", "commit", "machine", "clock", "models", "repeat", "complete", "recordings")
        values: dict[str, Any] = {"version": 1, **{name: getattr(self, name) for name in facts}}
        values["left_out"] = [asdict(one) for one in self.left_out]
        values["figures"] = asdict(self.found)
        values["first_tokens"] = {"growth": self.talk.growth, "turns": [asdict(turn) for turn in self.talk.turns]}
        values["peak_memory_bytes"] = asdict(self.memory)
        values["turns"] = [_turn(turn) for turn in self.turns]
        return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def _turn(turn: MeasuredTurn) -> dict[str, Any]:
    return {
        "recording": turn.recording,
        "run": turn.run,
        "turns": turn.turns,
        "voice_to_voice_ms": turn.voice_to_voice_ms,
        "parts_ms": turn.parts_ms,
        "inference_ms": turn.inference_ms,
        "overhead_ms": turn.overhead_ms,
    }
