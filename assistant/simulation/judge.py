"""Whom the assistant listened to: the user, itself, or the room. Reads the room, so it lives here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from assistant.metrics import Span, TurnRecord
from assistant.simulation.room import RoomConfig

_SHORT_PAUSE_S = 0.2
"""A reply that falls silent for no longer than this was not disturbed."""
_TAIL_S = 0.2
"""Added to the reverberation time: detectors take a little longer to let go."""


@dataclass(frozen=True, slots=True)
class Unasked:
    """Sound that was listened to while nobody spoke."""

    span: Span
    """As the detector saw it."""
    source: Literal["itself", "noise"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was taken for the user and was not."""

    self_heard: int
    """Turns, cuts and pauses that the assistant's own sound caused; those of one span count once."""
    noise_heard: int
    """The same of everything else in the room."""
    rejected: int
    """Turns that were refused before they entered the history."""
    unasked: tuple[Unasked, ...] = field(default=(), compare=False)
    """Each that is counted as self-heard or noise-heard, in order."""


def judge(
    room: RoomConfig | None,
    turns: Sequence[TurnRecord],
    replies: Iterable[Span],
    voiced: Sequence[Span],
    end_s: float,
) -> Verdict:
    """Classify all that was unasked: what no voiced sample of any recording caused (DIALOGUE.md, "What counts").

    Args:
        room: The script's room.
        turns: Every turn of the dialogue.
        replies: When samples of replies left the loudspeaker, seconds.
        voiced: First and last voiced moment of each recording, seconds.
        end_s: When the dialogue ended.
    """
    causes = [_whole(cause, turns) for turn in turns for cause in _causes(turn, end_s)]
    spans = _merged(cause for cause in causes if not any(_overlap(cause, span) for span in voiced))
    echoes = list(_echoes(room, replies))
    unasked = tuple(
        Unasked(span, "itself" if any(_overlap(span, echo) for echo in echoes) else "noise") for span in spans
    )
    self_heard = sum(one.source == "itself" for one in unasked)
    rejected = sum(turn.state == "rejected" for turn in turns)
    return Verdict(self_heard, len(unasked) - self_heard, rejected, unasked)


def _causes(turn: TurnRecord, end_s: float) -> Iterable[Span]:
    """The spans of speech, or of what was taken for speech, behind a turn, its cut and its pauses."""
    if turn.kind == "spoken" and turn.state in ("open", "done", "cut"):
        yield turn.speech_start_s, turn.speech_end_s
    if turn.cut_by is not None:
        yield turn.cut_by
    for pause in turn.pauses:
        resumed_s = pause.end_s if pause.end_s is not None else turn.ended_s or end_s
        if resumed_s - pause.start_s > _SHORT_PAUSE_S:
            yield pause.cause


def _whole(cause: Span, turns: Sequence[TurnRecord]) -> Span:
    """A reply falls silent soon after speech begins; the speech goes on, and is one span with what made it stop."""
    ends_s = [
        turn.speech_end_s for turn in turns if turn.kind == "spoken" and abs(turn.speech_start_s - cause[0]) < 1e-3
    ]
    return cause[0], max([cause[1], *ends_s])


def _echoes(room: RoomConfig | None, replies: Iterable[Span]) -> Iterable[Span]:
    """When the room holds the sound of a reply; never with headphones."""
    if room is None or not room.loudspeakers:
        return
    delay_s, widened_s = room.echo_delay_ms / 1000, room.reverb_rt60_s + _TAIL_S
    for start_s, end_s in replies:
        yield start_s + delay_s - widened_s, end_s + delay_s + widened_s


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span[0] <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], span[1])
        else:
            merged.append(span)
    return merged


def _overlap(one: Span, other: Span) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]
