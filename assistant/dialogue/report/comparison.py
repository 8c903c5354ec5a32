"""The page of two runs side by side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assistant.dialogue.compare import VERDICTS, Comparison, DialoguePair, TurnPair
from assistant.dialogue.report.page import render
from assistant.dialogue.report.view import Bars, bar


@dataclass(frozen=True, slots=True)
class _Turn:
    pair: TurnPair
    bars: Bars


def comparison_page(comparison: Comparison, a: Path, b: Path) -> str:
    """As HTML.

    Args:
        comparison: What to show.
        a: Where the first result came from.
        b: And the second.
    """
    return render(
        "compare.html",
        comparison=comparison,
        files=(a, b),
        counts=[(verdict, comparison.count(verdict)) for verdict in VERDICTS if comparison.count(verdict)],
        dialogues=[(pair, _turns(pair)) for pair in comparison.pairs],
        settings=_settings(comparison),
    )


def _turns(pair: DialoguePair) -> list[_Turn]:
    """Entries that are not the same, with both latencies on the scale of the dialogue's longest."""
    turns = [turn for turn in pair.turns if turn.changed]
    taken = [seen.latency for turn in turns for seen in (turn.a, turn.b)]
    longest_ms = max([latency.voice_to_voice_ms for latency in taken if latency is not None], default=0)
    return [_Turn(turn, _bars(turn, longest_ms)) for turn in turns]


def _bars(turn: TurnPair, scale_ms: float) -> Bars:
    bars = [
        bar(side, seen.latency.parts_ms, typed=seen.kind == "typed")
        for side, seen in (("A", turn.a), ("B", turn.b))
        if seen.latency is not None
    ]
    return Bars(bars, scale_ms)


def _settings(comparison: Comparison) -> list[tuple[str, str, str]]:
    """Models and costs that are not the same in both: (which, A's, B's)."""
    a, b = comparison.a, comparison.b
    models = [(role, str(one.get("name")), str(b.models.get(role, {}).get("name"))) for role, one in a.models.items()]
    costs = [(key, f"{cost:g}", f"{b.costs[key]:g}") for key, cost in a.costs.items() if key in b.costs]
    return [(name, one, other) for name, one, other in [*models, *costs] if one != other]
