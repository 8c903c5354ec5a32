"""The models of a talk with a step store before them; the real ones are loaded when a step is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Generic, TypeVar

from assistant.dialogue.step_store import Pieces, Probabilities, Sounds, StepStore, Transcripts, digest
from assistant.messages import ChatMessage, Fragment, ReplyPiece, Samples, SpeechAudio, Steps, Transcript
from assistant.ports import ChatModel, Synthesizer, Transcriber, TurnModel

M = TypeVar("M")


@dataclass
class Lazy(Generic[M]):
    """A model that is loaded when it is first asked for."""

    load: Callable[[], M]

    @cached_property
    def model(self) -> M:
        """The model."""
        return self.load()


class StoredTranscriber:
    """Satisfies ports.Transcriber.

    Args:
        key: A digest of model and settings, as for all.
    """

    def __init__(self, key: str, store: StepStore, real: Lazy[Transcriber]) -> None:
        self._key, self._store, self._real = key, store, real

    def transcribe(self, samples: Samples, language: str = "") -> Steps[Transcript]:
        """See ports.Transcriber."""
        key = digest(self._key, samples, language)
        return self._store.steps(key, Transcripts(), lambda: self._real.model.transcribe(samples, language))


class StoredTurnModel:
    """Satisfies ports.TurnModel."""

    def __init__(self, key: str, store: StepStore, real: Lazy[TurnModel]) -> None:
        self._key, self._store, self._real = key, store, real

    def end_probability(self, samples: Samples) -> Steps[float]:
        """See ports.TurnModel."""
        key = digest(self._key, samples)
        return self._store.steps(key, Probabilities(), lambda: self._real.model.end_probability(samples))


@dataclass(slots=True)
class _Call:
    """Work that the language model was asked for, and how much of it was taken."""

    prefill: bool
    messages: tuple[ChatMessage, ...]
    steps: int = 0
    ended: bool = False
    """To its end, which is more than its last step."""


@dataclass(slots=True)
class StoredChat:
    """Satisfies ports.ChatModel, for one dialogue.

    What a call costs depends on what the calls before it left in the prompt cache, so its key holds
    them all; and before the model takes a call for real it is put through those that the store answered.
    """

    key: str
    store: StepStore
    real: Lazy[ChatModel]
    _calls: list[_Call] = field(default_factory=list)
    _real_calls: int = 0
    """How many of the calls the model itself has seen."""

    def reply(self, messages: Sequence[ChatMessage]) -> Steps[ReplyPiece]:
        """See ports.ChatModel."""
        return self._steps(_Call(False, tuple(messages)))

    def prefill(self, messages: Sequence[ChatMessage]) -> Steps[None]:
        """See ports.ChatModel."""
        return self._steps(_Call(True, tuple(messages)))

    def _steps(self, call: _Call) -> Steps[Any]:
        key, index = digest(self.key, self._calls, call), len(self._calls)
        self._calls.append(call)
        steps = self.store.steps(key, Pieces(), partial(self._for_real, index))
        try:
            for step in steps:
                call.steps += 1
                yield step
            call.ended = True
        finally:
            steps.close()

    def _for_real(self, index: int) -> Steps[Any]:
        for earlier in self._calls[self._real_calls : index]:
            steps = self._ask(earlier)
            for _ in range(earlier.steps + earlier.ended):
                next(steps, None)
            steps.close()
        self._real_calls = index + 1
        return self._ask(self._calls[index])

    def _ask(self, call: _Call) -> Steps[Any]:
        model = self.real.model
        return model.prefill(call.messages) if call.prefill else model.reply(call.messages)


class StoredSynthesizer:
    """Satisfies ports.Synthesizer.

    Args:
        rate_hz: Of the voice.
        speed: As configured.
    """

    def __init__(self, key: str, store: StepStore, real: Lazy[Synthesizer], rate_hz: int, speed: float) -> None:
        self._key, self._store, self._real = key, store, real
        self.rate_hz = rate_hz
        self.speed = speed

    def synthesize(self, fragment: Fragment) -> Steps[SpeechAudio]:
        """See ports.Synthesizer."""
        speed = self.speed
        return self._store.steps(
            digest(self._key, speed, fragment), Sounds(fragment), lambda: self._for_real(fragment, speed)
        )

    def _for_real(self, fragment: Fragment, speed: float) -> Steps[SpeechAudio]:
        self._real.model.speed = speed
        return self._real.model.synthesize(fragment)
