"""How much of a turn's first work was done while its end was not yet certain, and how late the rest may make it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from assistant.bench.steps import ROUNDING_S, did, model_of, within_s
from assistant.metrics import StepRecord, TurnRecord

_NOTICED_MS = 100
"""Silence shorter than this is none: no work can begin in it."""
_TOLERANCE = 1.15


@dataclass(frozen=True, slots=True)
class HeldWork:
    """Of an accepted turn: transcription and prefill, up to the first token, and what hides them."""

    wait_ms: float
    """From the last voiced sample to the certain end of the turn."""
    transcription_ms: float
    prefill_ms: float
    """With the first token, which is written in the same step."""
    hidden_ms: float
    """Of both, what was done before the end was certain."""
    fragment_ms: float
    """The first fragment's text after the first token, and its voice."""

    @property
    def work_ms(self) -> float:
        """Transcription and prefill."""
        return self.transcription_ms + self.prefill_ms

    @property
    def room_ms(self) -> float:
        """The wait, less the silence that is none."""
        return max(self.wait_ms - _NOTICED_MS, 0.0)

    @property
    def share(self) -> float:
        """Of the work, what was hidden; all of nothing."""
        return self.hidden_ms / self.work_ms if self.work_ms else 1.0

    @property
    def share_of_possible(self) -> float:
        """Of the smaller of work and room, what was hidden; all of nothing."""
        possible_ms = min(self.work_ms, self.room_ms)
        return min(self.hidden_ms / possible_ms, 1.0) if possible_ms else 1.0

    @property
    def bound_ms(self) -> float:
        """Latency is at most this: the wait, what could not be hidden, the first fragment, and 15 % more."""
        return _TOLERANCE * (self.wait_ms + max(self.work_ms - self.room_ms, 0.0) + self.fragment_ms)


def held_work(turn: TurnRecord, since_s: float, steps: Sequence[StepRecord]) -> HeldWork:
    """Of the turn that was accepted, from all steps of its dialogue.

    Args:
        turn: Its marks.
        since_s: The user's last voiced sample.
        steps: Those of turns that were discarded are told by the time at which they ran.
    """
    certain_s = max(turn.endpoint_s or since_s, since_s)
    transcript_s = turn.transcript_s or turn.opened_s
    token_s = turn.first_token_s or transcript_s
    heard = _between(steps, turn.opened_s, transcript_s, "whisper")
    read = [step for step in _between(steps, turn.opened_s, token_s, "chat") if did(step, "chat_prefill")]
    fragment = [
        *_between(steps, token_s, turn.first_sentence_s or token_s, "chat"),
        *_between(steps, token_s, turn.first_fragment_s or token_s, "voice"),
    ]
    return HeldWork(
        wait_ms=1000 * (certain_s - since_s),
        transcription_ms=1000 * within_s(heard, -inf, inf),
        prefill_ms=1000 * within_s(read, -inf, inf),
        hidden_ms=1000 * within_s([*heard, *read], -inf, certain_s),
        fragment_ms=1000 * within_s(fragment, -inf, inf),
    )


def _between(steps: Sequence[StepRecord], start_s: float, end_s: float, model: str) -> list[StepRecord]:
    """Those of a model that began and ended in a stretch of time."""
    return [
        step
        for step in steps
        if model_of(step) == model and step.start_s >= start_s - ROUNDING_S and step.end_s <= end_s + ROUNDING_S
    ]
