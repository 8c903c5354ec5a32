"""Voice-to-voice latency and what it is made of."""

from __future__ import annotations

import itertools
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


def latency(record: TurnRecord, first_sound_s: float | None = None) -> Latency | None:
    """The latency of a turn; None before its reply sounds.

    Each part begins where the latest before it ended: what was ready while the user might still have gone on
    cost no time.

    Args:
        record: The turn.
        first_sound_s: Of a reply under way, whose record does not hold it yet.
    """
    if record.sounded:
        first_sound_s = record.sounded[0][0]
    if first_sound_s is None:
        return None
    marks = (record.endpoint_s, record.transcript_s, record.first_token_s, record.first_sentence_s, first_sound_s)
    ends = [record.speech_end_s]
    for mark in marks:
        ends.append(max(ends[-1], mark if mark is not None else 0.0))
    at_ms = [round(1000 * (end - record.speech_end_s)) for end in ends]
    parts = [after - before for before, after in itertools.pairwise(at_ms)]
    return Latency(at_ms[-1], *parts)
