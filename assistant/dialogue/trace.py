"""What happened in a dialogue, before anything is judged: entries, turns, and both sides' sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from assistant.dialogue.script import Entry
from assistant.messages import FRAME_MS, Samples
from assistant.metrics import Span, StepRecord, TurnRecord

AUDIBLE_DBFS = -50.0
_ROUNDING_S = 1e-4
"""Recordings start at a whole sample of the microphone, keys and lines at any moment."""


@dataclass(slots=True)
class EntryTrace:
    """One entry of the script, as it was played."""

    index: int
    entry: Entry
    start_s: float | None = None
    """When its file, line or silence began; None: it never did."""
    end_s: float = 0.0
    """When it was over."""
    voiced_s: Span | None = None
    """First and last voiced moment of its recording."""
    key_s: Span | None = None
    """Push-to-talk: the key's way down and up."""
    missed: bool = False
    """The reply that it was to interrupt was over, or had not begun, at that moment."""
    stalled: bool = False
    """Nothing idled within the time-out."""

    @property
    def acts_s(self) -> float:
        """When the user does something for the first time: the key may go down before the recording begins."""
        assert self.start_s is not None
        return min(self.start_s, self.key_s[0]) if self.key_s else self.start_s

    @property
    def over_s(self) -> float:
        """When nothing more comes of the user."""
        return max(self.end_s, self.key_s[1]) if self.key_s else self.end_s


@dataclass(slots=True, eq=False)
class Trace:
    """A dialogue that was run; times are seconds of the talk's clock."""

    entries: list[EntryTrace]
    turns: Sequence[TurnRecord] = ()
    replies: list[list[Span]] = field(default_factory=list)
    """For each of the turns, when samples of its reply left the loudspeaker."""
    steps: Sequence[StepRecord] = ()
    """Inference, step by step."""
    echo_windows: Sequence[Span] = ()
    """When the echo window was open; never with headphones."""
    microphone: Samples = field(default_factory=lambda: np.zeros(0, np.float32))
    """(n,) at 16 kHz."""
    loudspeaker: Samples = field(default_factory=lambda: np.zeros(0, np.float32))
    """(n,) at `speaker_rate_hz`, each sample where it left the loudspeaker."""
    speaker_rate_hz: int = 24_000
    seconds: float = 0.0
    """When the dialogue ended."""
    stopped: bool = False
    """Before its end."""

    def owner(self, moment_s: float) -> EntryTrace | None:
        """The entry in whose time something happened: from its start to the next one's."""
        begun = [one for one in self.entries if one.start_s is not None and one.acts_s <= moment_s + _ROUNDING_S]
        return begun[-1] if begun else None

    def owned(self, index: int) -> list[TurnRecord]:
        """The accepted turns of an entry.

        Speech that joins what was said before makes one turn, which is the later entry's: judged by
        the last voiced moment, since the moment at which a pause is noticed may lie in the next entry's time.
        """
        owner = self.entries[index]
        return [turn for turn in self.turns if is_accepted(turn) and self.owner(turn.speech_end_s) is owner]

    def audible(self, turn: TurnRecord) -> Span | None:
        """First and last audible moment of a turn's reply."""
        position = next(index for index, one in enumerate(self.turns) if one is turn)
        return audible_span(self.loudspeaker, self.speaker_rate_hz, self.replies[position])


def is_accepted(turn: TurnRecord) -> bool:
    """Whether its text entered the history, or was a voice command."""
    return turn.state in ("open", "done", "cut")


def audible_span(loudspeaker: Samples, rate_hz: int, played: Sequence[Span]) -> Span | None:
    """First and last audible moment within what was played: 10 ms frames of -50 dBFS RMS or more.

    Args:
        loudspeaker: (n,) float32 from 0 s.
        rate_hz: Its rate.
        played: Spans in seconds, in order.

    Returns:
        Seconds, or None where nothing reaches that level.
    """
    if not played:
        return None
    frame = rate_hz * FRAME_MS // 1000
    first, last = int(played[0][0] * rate_hz) // frame, -int(-played[-1][1] * rate_hz // frame)
    frames = loudspeaker[first * frame : last * frame]
    frames = frames[: len(frames) // frame * frame].reshape(-1, frame)
    level = np.sqrt(np.mean(np.square(frames, dtype=np.float64), axis=1))
    (loud,) = np.nonzero(level >= 10 ** (AUDIBLE_DBFS / 20))
    frame_s = FRAME_MS / 1000
    spans = [((first + int(k)) * frame_s, (first + int(k) + 1) * frame_s) for k in loud]
    heard = [(max(a, start), b) for a, b in spans for start, end in played if a < end and b > start]
    return (heard[0][0], heard[-1][1]) if heard else None
