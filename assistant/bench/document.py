"""A bench as a whole, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from assistant.bench.figures import Figures, FirstTokens, Memory, figures, first_tokens
from assistant.bench.history import HistoryEntry, medians
from assistant.bench.peer import PeerTurn
from assistant.bench.ratios import LONG_REPLY, Comparison, Summary, comparisons, summary
from assistant.bench.run import Measured
from assistant.bench.turns import LeftOut, MeasuredTurn


@dataclass(frozen=True, slots=True)
class Bench:
    """What was run, and what came of it."""

    date: str
    commit: str | None
    machine: str
    clock: str
    models: Mapping[str, Any]
    repeat: int
    recordings: list[str]
    memory: Memory
    measured: Measured = field(repr=False)
    found: Figures
    talk: FirstTokens
    compared: list[Comparison]
    """With the peer, where there was one."""
    not_compared: list[LeftOut]

    @classmethod
    def of(cls, measured: Measured, **facts: Any) -> Bench:
        """With all figures of what was measured, in which there is at least one turn."""
        compared, not_compared = comparisons(measured.turns, measured.peers)
        return cls(
            measured=measured,
            found=figures(measured.turns),
            talk=first_tokens(measured.typed),
            compared=compared,
            not_compared=[*measured.peers_left_out, *not_compared],
            **facts,
        )

    @property
    def overall(self) -> Summary | None:
        """The comparison over all recordings."""
        return summary(self.compared)

    @property
    def of_long_replies(self) -> Summary | None:
        """The comparison over recordings whose reply has two sentences or more."""
        return summary([one for one in self.compared if one.sentences >= LONG_REPLY])

    def entry(self) -> HistoryEntry:
        """What the history keeps of it."""
        return HistoryEntry(
            date=self.date,
            commit=self.commit,
            machine=self.machine,
            clock=self.clock,
            models={role: model["name"] for role, model in self.models.items()},
            recordings=self.recordings,
            repeat=self.repeat,
            medians=medians(self.found, self.talk, self.memory, self.overall),
        )

    def as_json(self) -> str:
        """One object: facts, figures, and each turn with its parts."""
        facts = ("date", "commit", "machine", "clock", "models", "repeat", "recordings")
        values: dict[str, Any] = {"version": 1, **{name: getattr(self, name) for name in facts}}
        values["complete"] = self.measured.complete
        values["left_out"] = [asdict(one) for one in self.measured.left_out]
        values["figures"] = asdict(self.found)
        values["first_tokens"] = {"growth": self.talk.growth, "turns": [asdict(turn) for turn in self.talk.turns]}
        values["peak_memory_bytes"] = asdict(self.memory)
        values["turns"] = [_turn(turn) for turn in self.measured.turns]
        if self.measured.peers or self.measured.peers_left_out:
            values["peer"] = {
                "recordings": [asdict(one) for one in self.compared],
                "overall": asdict(self.overall) if self.overall else None,
                "of_long_replies": asdict(self.of_long_replies) if self.of_long_replies else None,
                "left_out": [asdict(one) for one in self.not_compared],
                "turns": [_peer_turn(turn) for turn in self.measured.peers],
            }
        return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def _turn(turn: MeasuredTurn) -> dict[str, Any]:
    held = turn.held
    return {
        "recording": turn.recording,
        "run": turn.run,
        "turns": turn.turns,
        "reply": turn.reply,
        "voice_to_voice_ms": turn.voice_to_voice_ms,
        "parts_ms": turn.parts_ms,
        "inference_ms": turn.inference_ms,
        "overhead_ms": turn.overhead_ms,
        "held": {
            **{name: round(value, 1) for name, value in asdict(held).items()},
            "share": round(held.share, 3),
            "share_of_possible": round(held.share_of_possible, 3),
            "bound_ms": round(held.bound_ms, 1),
        },
    }


def _peer_turn(turn: PeerTurn) -> dict[str, Any]:
    return {
        "recording": turn.recording,
        "run": turn.run,
        "transcript": turn.transcript,
        "reply": turn.reply,
        "voice_to_voice_ms": turn.voice_to_voice_ms,
        "parts_ms": turn.parts_ms,
    }
