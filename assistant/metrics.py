"""What happened in each turn, and when: plain records that the conversation fills in.

Times are seconds of the talk's clock, which is also the microphone's: sample 0 is 0 s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from assistant.messages import Priority, Work

Span: TypeAlias = tuple[float, float]

TalkState: TypeAlias = Literal["listening", "hearing", "thinking", "speaking", "paused", "asleep", "muted"]
"""What the assistant is doing, in one word."""

TurnState: TypeAlias = Literal["held", "open", "done", "cut", "rejected", "discarded"]
"""held: working behind a shut gate; open: its text is in the history; done: the reply went on to its end;
cut: interrupted; rejected: noise, echo or a backchannel; discarded: more speech joined
it, so another turn has its words."""


@dataclass(slots=True)
class ReplyPause:
    """A reply that fell silent because somebody seemed to speak."""

    start_s: float
    cause: Span
    """The speech that caused it, as the detector saw it."""
    end_s: float | None = None
    """None: it was never taken up again."""


@dataclass(slots=True)
class TurnRecord:
    """One turn, from the speech or line that caused it to the last sound of its reply."""

    kind: Literal["spoken", "typed"]
    speech_start_s: float
    speech_end_s: float
    """First and last voiced moment as the detector saw them; the moment of entry for a typed turn."""
    opened_s: float
    """When the turn came into being."""
    state: TurnState = "held"
    reason: str = ""
    """Why it was rejected."""
    command: str | None = None
    """A voice command handled without the model."""
    transcript: str = ""
    reply: str = ""
    reply_heard: str = ""
    went_on: str = ""
    """For the command "go on": what was heard of the rest of the reply before."""
    forgot: bool = False
    """For the command "never mind": it took the exchange before out of the history."""
    endpoint_s: float | None = None
    transcript_s: float | None = None
    first_token_s: float | None = None
    first_sentence_s: float | None = None
    first_fragment_s: float | None = None
    """When the first piece of sound was ready to be played."""
    ended_s: float | None = None
    """When it was done, cut, rejected or discarded."""
    cut_by: Span | None = None
    """The speech that interrupted it; None for a key or a typed line."""
    pauses: list[ReplyPause] = field(default_factory=list)
    sounded: list[Span] = field(default_factory=list)
    """When samples of the reply left the loudspeaker; complete once it is done or cut."""


@dataclass(slots=True)
class DeskStatus:
    """What the devices are doing, for a display."""

    microphone: str = ""
    """Name of the open device; empty while there is none."""
    loudspeaker: str = ""
    loudspeakers: bool = True
    """Whether the microphone can hear what is played."""
    xruns: int = 0
    """Times a device lost samples or had none to play."""
    problem: str = ""
    """Why nothing is heard or played, and the cure; empty when all is well."""
    warning: str = ""
    """What works, but badly, as a headset in its telephone profile, and the cure."""


DeskChanged: TypeAlias = Callable[[DeskStatus], None]
"""Called in the event loop after every change of the status; must not block."""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of inference as the scheduler ran it."""

    start_s: float
    end_s: float
    queued_s: float
    """How long it waited for its turn."""
    priority: Priority
    work: tuple[Work, ...]


TurnChanged: TypeAlias = Callable[[TurnRecord], None]
"""Called after every change of a record, for live displays; must not block."""
