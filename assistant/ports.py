"""What the conversation knows of devices and models. Tests satisfy these by hand (tests/fakes.py)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from assistant.messages import ChatMessage, Fragment, Priority, ReplyPiece, Samples, SpeechAudio, Steps, Transcript

T = TypeVar("T")


class Transcriber(Protocol):
    """Speech to text."""

    def transcribe(self, samples: Samples) -> Steps[Transcript]:
        """Transcribe (n,) float32 at 16 kHz of any length; the last step holds the one Transcript."""


class ChatModel(Protocol):
    """Writes replies, keeping its prompt cache from one call to the next."""

    def reply(self, messages: Sequence[ChatMessage]) -> Steps[ReplyPiece]:
        """Generate a reply, one piece a step after prefill; ends after a piece with `finish` set."""

    def prefill(self, messages: Sequence[ChatMessage]) -> Steps[None]:
        """Bring the prompt cache up to these messages, so that a later `reply` feeds only what is new."""


class Synthesizer(Protocol):
    """Text to speech."""

    @property
    def rate_hz(self) -> int:
        """Sample rate of everything it makes."""

    def synthesize(self, fragment: Fragment) -> Steps[SpeechAudio]:
        """Speak one fragment; the last step holds the one SpeechAudio. Seeded from (seed, text) only."""


class Inference(Protocol):
    """The one thread (or, in virtual time, the one simulated GPU) that runs every model."""

    def run(self, steps: Steps[T], priority: Callable[[], Priority]) -> AbstractAsyncContextManager[AsyncIterator[T]]:
        """Take steps when asked for the next value, each at the priority of that moment.

        Leaving the context abandons the job: its generator is closed by the owner of the models
        after the running step, and the output of that step is dropped.
        """


class Clock(Protocol):
    """Time as the logic may see it."""

    def time_s(self) -> float:
        """Seconds of the event loop's clock."""

    def date_and_time(self) -> str:
        """For the system prompt, like "Monday, 5 January 2026, 09:00"."""
