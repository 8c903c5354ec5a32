"""Voice-to-voice latency and what it is made of."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.metrics import TurnRecord


@dataclass(frozen=True, slots=True)
class Latency:
    """From the user's last voiced sample to the reply's first sample, and its parts, which add up to it."""

    voice_to_voice_ms: int
    endpoint_ms: int
    """Waiting to be sure that the user was done."""
    transcription_ms: int
    first_token_ms: int
    first_sentence_ms: int
    first_audio_ms: int
    """Synthesis, and the way through the loudspeaker's buffer."""

    @property
    def parts_ms(self) -> dict[str, int]:
        """By name, in order."""
        return {
            "end of turn": self.endpoint_ms,
            "transcription": self.transcription_ms,
            "first token": self.first_token_ms,
            "first sentence": self.first_sentence_ms,
            "first audio": self.first_audio_ms,
        }


def latency(record: TurnRecord, first_sound_s: float | None = None) -> Latency | None:
    """The latency of a turn; None before its reply sounds.

    Args:
        record: The turn.
        first_sound_s: Of a reply under way, whose record does not hold it yet.
    """
    if record.sounded:
        first_sound_s = record.sounded[0][0]
    if first_sound_s is None:
        return None
    marks = (record.endpoint_s, record.transcript_s, record.first_token_s, record.first_sentence_s, first_sound_s)
    return between(record.speech_end_s, marks)


def between(since_s: float, marks_s: Sequence[float | None]) -> Latency:
    """What lies between two moments, in parts.

    Args:
        since_s: The user's last voiced sample.
        marks_s: Endpoint, transcript, first token, first sentence and first sound; None where there was none.
    """
    parts_ms = durations_ms(since_s, marks_s)
    return Latency(sum(parts_ms), *parts_ms)


def durations_ms(since_s: float, marks_s: Sequence[float | None]) -> list[int]:
    """How long it took from mark to mark; what was not reached took no time.

    Each part begins where the latest before it ended: what was ready while the user might still have gone on
    cost no time.

    Args:
        since_s: Where the first begins.
        marks_s: Where each should end, in the order in which one waits for the other.

    Returns:
        One for each mark; together as long as from `since_s` to the latest mark.
    """
    ends = [since_s]
    for mark in marks_s:
        ends.append(max(ends[-1], mark if mark is not None else since_s))
    at_ms = [round(1000 * (end - since_s)) for end in ends]
    return [after - before for before, after in itertools.pairwise(at_ms)]
