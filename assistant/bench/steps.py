"""Steps of inference as spans of time."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.messages import WorkKind
from assistant.metrics import Span, StepRecord

ROUNDING_S = 1e-4
"""Between two readings of one clock."""


def model_of(step: StepRecord) -> str:
    """Which model a step is of: whisper, chat, voice or turn."""
    return step.work[0].kind.partition("_")[0]


def did(step: StepRecord, kind: WorkKind) -> bool:
    """Whether it did, among others, such work."""
    return any(work.kind == kind for work in step.work)


def taken_s(step: StepRecord) -> float:
    """How long it took."""
    return step.end_s - step.start_s


def covered_s(spans: Sequence[Span]) -> float:
    """How much time spans cover, overlaps counted once, those that end before they begin not at all."""
    covered, reached_s = 0.0, float("-inf")
    for start_s, end_s in sorted(spans):
        covered += max(end_s - max(start_s, reached_s), 0.0)
        reached_s = max(reached_s, end_s)
    return covered


def within_s(steps: Sequence[StepRecord], start_s: float, end_s: float) -> float:
    """How much of a stretch of time steps cover."""
    return covered_s([(max(step.start_s, start_s), min(step.end_s, end_s)) for step in steps])
