"""What every display of a talk is told. The live view, plain lines and JSON events are such displays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from assistant.metrics import DeskStatus, TalkState, TurnRecord


@dataclass(frozen=True, slots=True)
class Now:
    """The talk at a moment; compared, so that nothing is drawn twice."""

    state: TalkState
    level_db: float
    """The microphone's, in dBFS."""
    first_sound_s: float | None = None
    """When the first sample of the reply that is under way left the loudspeaker."""
    line: str | None = None
    """The line being typed; None while none is."""
    cursor: int = 0
    keys: str = ""
    """Which keys do what, at this moment."""


class Display(Protocol):
    """Told of everything in the event loop; must not block."""

    def progress(self, doing: str) -> None:
        """What the user waits for, as "loading kokoro-82m"; empty when that is over."""

    def note(self, text: str) -> None:
        """One sentence that matters once."""

    def desk(self, status: DeskStatus) -> None:
        """The devices have changed, or something about them."""

    def turn(self, record: TurnRecord) -> None:
        """A turn has changed."""

    def now(self, now: Now) -> None:
        """Ten times a second."""

    def close(self) -> None:
        """The talk is over; idempotent."""
