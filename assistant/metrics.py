"""What happened in each turn, and when: plain records that the conversation fills in.

Times are seconds of the talk's clock, which is also the microphone's: sample 0 is 0 s.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import linear_regression
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


class Ratio:
    """Of two amounts over the latest of them; may be learned on one thread and read on another.

    Args:
        guess: What it is as long as nothing was seen.
        weight: How much of the second amount the guess is worth.
        kept: Part of what was known that the next observation leaves.
    """

    def __init__(self, guess: float, weight: float, kept: float) -> None:
        self._sums = guess * weight, weight
        self._kept = kept

    @property
    def value(self) -> float:
        """The first amount for one of the second."""
        return self._sums[0] / self._sums[1]

    def learn(self, amount: float, per: float) -> None:
        """See so much of the first for so much of the second."""
        amounts, pers = self._sums
        self._sums = amounts * self._kept + amount, pers * self._kept + per


_FRAGMENTS_SEEN = 12
_FIXED_S = 0.5
"""As long as nobody knows better a fragment costs as if it were so much longer: there is silence around it."""
_SHORT_S, _LONG_S = 0.5, 3.0


class Rates:
    """How fast the models are here, learned from their steps; before the first, about what the agreed costs say."""

    def __init__(self) -> None:
        self._voiced: deque[tuple[float, float]] = deque(maxlen=_FRAGMENTS_SEEN)
        self._voice = 0.2, 0.06  # one more second of speech, and what every fragment costs
        self._token_s = Ratio(0.025, weight=5.0, kept=0.97)
        self.tokens_per_s = Ratio(3.6, weight=5.0, kept=0.9)
        """Tokens of text for a second of speech."""
        self.spoken = Ratio(0.8, weight=2.0, kept=0.9)
        """Seconds of sound for a second that was estimated from the text."""

    def learn(self, step: StepRecord) -> None:
        """Take note of a step."""
        if len(step.work) != 1:
            return
        (work,), took_s = step.work, step.end_s - step.start_s
        if work.kind == "chat_token":
            self._token_s.learn(took_s, work.amount)
        elif work.kind == "voice":
            self._voiced.append((work.amount, took_s))
        elif work.kind == "voice_more" and self._voiced:
            before_s, before_took_s = self._voiced.pop()
            self._voiced.append((before_s + work.amount, before_took_s + took_s))
        if self._voiced:
            self._voice = _fitted(self._voiced)

    def voice_s(self, speech_s: float) -> float:
        """How long the voice takes for a fragment of so many seconds."""
        slope, fixed_s = self._voice
        return slope * speech_s + fixed_s

    def text_s(self, speech_s: float) -> float:
        """How long it takes to write so many seconds of speech."""
        return self._token_s.value * self.tokens_per_s.value * speech_s

    def speech_in(self, time_s: float, written_s: float) -> float:
        """Seconds of speech that are written and spoken in that time; negative where there is too little for any.

        Args:
            time_s: For both.
            written_s: As much is written already.
        """
        slope, fixed_s = self._voice
        spoken_s = (time_s - fixed_s) / slope
        if spoken_s <= written_s:
            return spoken_s
        text = self.text_s(1.0)
        return (time_s - fixed_s + text * written_s) / (slope + text)


def _fitted(voiced: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Slope and intercept of what fragments took, drawn to the usual share of the two as long as there are few."""
    usual = sum(took_s for _, took_s in voiced) / sum(speech_s + _FIXED_S for speech_s, _ in voiced)
    points = [*voiced, *((speech_s, usual * (speech_s + _FIXED_S)) for speech_s in (_SHORT_S, _LONG_S))]
    slope, fixed_s = linear_regression(*zip(*points, strict=True))
    return max(slope, usual / 4, 1e-6), max(fixed_s, 0.0)


TurnChanged: TypeAlias = Callable[[TurnRecord], None]
"""Called after every change of a record, for live displays; must not block."""
