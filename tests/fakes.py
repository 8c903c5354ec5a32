"""Hand-written models and a loudspeaker that nobody hears, for the logic tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assistant.messages import (
    ChatMessage,
    Fragment,
    ReplyPiece,
    Samples,
    SpeechAudio,
    Step,
    Steps,
    Transcript,
    WordTime,
    Work,
)

FAKE_RATE_HZ = 8000
WORD_MS = 250
WORD_SAMPLES = FAKE_RATE_HZ * WORD_MS // 1000


class FakeTranscriber:
    """Knows what each utterance says by its length in samples."""

    def __init__(self) -> None:
        self.says: dict[int, Transcript] = {}
        self.heard: list[int] = []
        self.languages: list[str] = []
        """What it was told of the talk's language."""

    def transcribe(self, samples: Samples, language: str = "") -> Steps[Transcript]:
        """See ports.Transcriber; costs 10 s of encoder context and one token."""
        self.heard.append(len(samples))
        self.languages.append(language)
        yield Step((Work("whisper_encoder", 10),))
        yield Step((Work("whisper_token", 1),), (self.says[len(samples)],))


class FakeTurnModel:
    """Hears the same probability of the end in everything, and remembers how many samples it was asked about."""

    def __init__(self, probability: float) -> None:
        self.probability = probability
        self.heard: list[int] = []

    def end_probability(self, samples: Samples) -> Steps[float]:
        """See ports.TurnModel."""
        self.heard.append(len(samples))
        yield Step((Work("turn_model", 1),), (self.probability,))


class FakeChat:
    """Answers from a list, a word a token, and remembers what it was told."""

    def __init__(self, replies: Sequence[str]) -> None:
        self.replies = list(replies)
        self.told: list[tuple[ChatMessage, ...]] = []
        self.closed_early = 0

    def reply(self, messages: Sequence[ChatMessage]) -> Steps[ReplyPiece]:
        """See ports.ChatModel."""
        self.told.append(tuple(messages))
        reply = self.replies[min(len(self.told), len(self.replies)) - 1]
        try:
            yield Step((Work("chat_prefill", 20),))
            for word in reply.split(" ") if reply else []:
                yield Step((Work("chat_token", 1),), (ReplyPiece(word + " " if not reply.endswith(word) else word),))
            yield Step((Work("chat_token", 1),), (ReplyPiece("", "stop"),))
        except GeneratorExit:
            self.closed_early += 1
            raise

    def prefill(self, messages: Sequence[ChatMessage]) -> Steps[None]:
        """See ports.ChatModel."""
        yield Step((Work("chat_prefill", 20),))


class FakeSynthesizer:
    """Every word is a quarter of a second of a constant."""

    rate_hz = FAKE_RATE_HZ
    speed = 1.0

    def synthesize(self, fragment: Fragment) -> Steps[SpeechAudio]:
        """See ports.Synthesizer."""
        count = len(fragment.words)
        samples = np.full(count * WORD_SAMPLES, 0.1, np.float32)
        words = tuple(
            WordTime(index * WORD_SAMPLES, (index + 1) * WORD_SAMPLES, word.end)
            for index, word in enumerate(fragment.words)
        )
        yield Step((Work("voice", len(samples) / FAKE_RATE_HZ),), (SpeechAudio(samples, words, fragment),))
