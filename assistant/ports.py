"""What the conversation knows of devices and models. Tests satisfy these by hand (tests/fakes.py)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias, TypeVar

from assistant.messages import (
    ChatMessage,
    Fragment,
    Frame,
    Priority,
    ReplyPiece,
    Samples,
    SpeechAudio,
    Steps,
    Transcript,
)
from assistant.metrics import Rates, Span

T = TypeVar("T")


class Transcriber(Protocol):
    """Speech to text."""

    def transcribe(self, samples: Samples, language: str = "") -> Steps[Transcript]:
        """Transcribe (n,) float32 at 16 kHz of any length; the last step holds the one Transcript.

        `language` is that of the talk so far; empty to find it out. A configured language overrules it.
        """


class TurnModel(Protocol):
    """Hears whether a pause is the end of the turn."""

    def end_probability(self, samples: Samples) -> Steps[float]:
        """How likely somebody has said all they wanted to, in one step.

        Args:
            samples: (n,) float32 at 16 kHz, the utterance so far and the beginning of the pause.
        """


class ChatModel(Protocol):
    """Writes replies, keeping its prompt cache from one call to the next."""

    def reply(self, messages: Sequence[ChatMessage]) -> Steps[ReplyPiece]:
        """Generate a reply, one piece a step after prefill; ends after a piece with `finish` set."""

    def prefill(self, messages: Sequence[ChatMessage]) -> Steps[None]:
        """Bring the prompt cache up to these messages, so that a later `reply` feeds only what is new."""


class Synthesizer(Protocol):
    """Text to speech."""

    speed: float
    """Of what is made from now on; 1 is the voice's own."""

    @property
    def rate_hz(self) -> int:
        """Sample rate of everything it makes."""

    def synthesize(self, fragment: Fragment) -> Steps[SpeechAudio]:
        """Speak one fragment, in one piece or, as it is made, in several. Seeded from (seed, text) only.

        A piece holds a run of the fragment's words; all pieces together hold each word once, in order.
        """


class Inference(Protocol):
    """The one thread (or, in virtual time, the one simulated GPU) that runs every model."""

    @property
    def rates(self) -> Rates:
        """How fast it runs them, learned from every step."""

    def run(self, steps: Steps[T], priority: Callable[[], Priority]) -> AbstractAsyncContextManager[AsyncIterator[T]]:
        """Take steps when asked for the next value, each at the priority of that moment.

        Leaving the context abandons the job: its generator is closed by the owner of the models
        after the running step, and the output of that step is dropped.
        """


class Clock(Protocol):
    """Time as the logic may see it."""

    def time_s(self) -> float:
        """Seconds of the event loop's clock."""

    def time_of_day(self) -> str:
        """Like "9:00" or "14:30"."""

    def date_and_time(self) -> str:
        """For the system prompt, like "Monday, 5 January 2026, 09:00"."""


class Speaker(Protocol):
    """The playback timeline as the talk sees it: one reply at a time, made of pieces of speech."""

    gain: float
    """Of everything played from now on; 1 is as it was made."""

    def begin(self) -> None:
        """Start a new reply."""

    def push(self, audio: SpeechAudio, gap_ms: float = 0, delay_ms: float = 0) -> None:
        """Append a piece after a gap of silence, which runs from the last sound on, and then a delay."""

    def chime(self, samples: Samples) -> None:
        """Play (n,) samples at once; they are no part of a reply."""

    @property
    def chime_s(self) -> float:
        """How much of them is still to be played."""

    def pause(self) -> None:
        """Fall silent at once, keeping the place."""

    def resume(self) -> None:
        """Go on at the sample where the sound stopped."""

    def cut(self) -> int:
        """Drop what is left; index in the written reply after the last word heard."""

    @property
    def started(self) -> bool:
        """Whether any sample of the current reply was played."""

    @property
    def queued_s(self) -> float:
        """Sound ready to be played."""

    def words_between(self, start_s: float, end_s: float) -> str:
        """The spoken words that left the loudspeaker between two moments of the talk's clock."""

    def spans(self) -> list[Span]:
        """When samples of the current reply left the loudspeaker, in order."""

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until playing has made the condition true."""


Pull: TypeAlias = Callable[[int, float], Samples]
"""Called by a device for its next `count` samples, with the moment at which the first leaves the loudspeaker."""


Hear: TypeAlias = Callable[[Frame], Awaitable[bool]]
"""Called by a device with the next 10 ms of the microphone; it waits where whoever listens is behind.

True says that nothing goes on: the next may come late, with others."""


class Desk(Protocol):
    """A microphone and a loudspeaker on one clock."""

    @property
    def loudspeakers(self) -> bool:
        """Whether the microphone can hear what is played."""

    @property
    def latency_ms(self) -> float:
        """What the output device says lies between taking a sample and its sound."""

    async def run(self, hear: Hear, pull: Pull, rate_hz: int) -> None:
        """Give a frame every 10 ms and pull as much sound, until cancelled."""
