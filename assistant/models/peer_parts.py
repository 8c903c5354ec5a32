"""What mlx-audio's `VoicePipeline` is given in place of models of its own; each is named as it asks for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import mlx.core as mx
import numpy as np
from mlx_lm.generate import generate

from assistant.messages import Samples, SpokenWord, Work
from assistant.models.chat import MlxChat
from assistant.models.numba_stub import stand_in_for_numba
from assistant.models.phonemes import phonemize
from assistant.models.speech import KokoroSynthesizer, plan
from assistant.models.whisper import WhisperTranscriber

stand_in_for_numba()

from mlx_whisper.audio import N_SAMPLES, log_mel_spectrogram, pad_or_trim  # noqa: E402
from mlx_whisper.decoding import DecodingOptions, decode  # noqa: E402


@dataclass(slots=True)
class Notes:
    """What the peer's parts put down while they work."""

    done: list[Work] = field(default_factory=list)
    """By the function that runs; whoever runs it takes them."""
    transcript: str = ""
    reply: str = ""

    def taken(self) -> tuple[Work, ...]:
        """What was done since this was last asked."""
        done, self.done = tuple(self.done), []
        return done


@dataclass(frozen=True, slots=True)
class Given:
    """What the peer is given of this package, beside the models.

    Attributes:
        system_prompt: As the language model is told it.
        max_tokens: Of a reply; the peer itself takes mlx-lm's default, 256.
        probability: A Silero that has heard nothing yet: from (512,) samples to the probability of speech.
        spoken: The words that a reply is read as.
    """

    system_prompt: str
    max_tokens: int
    probability: Callable[[], Callable[[Samples], float]]
    spoken: Callable[[str], Sequence[SpokenWord]]


class Silero:
    """The voice activity model of its gate; the state is a running detector."""

    def __init__(self, probability: Callable[[], Callable[[Samples], float]]) -> None:
        self._probability = probability

    def initial_state(self, sample_rate: int) -> Callable[[Samples], float]:
        return self._probability()

    def feed(
        self, chunk: Samples, state: Callable[[Samples], float], sample_rate: int
    ) -> tuple[Samples, Callable[[Samples], float]]:
        return np.array([state(chunk)], np.float32), state


class BufferingTranscriber:
    """Keeps what it is fed until the turn is over; there are no words before that."""

    def __init__(self, transcriber: WhisperTranscriber, notes: Notes) -> None:
        self._model, self._dtype = transcriber._model, transcriber._dtype
        self._language = transcriber._language or None
        self._notes = notes
        self.session: list[Samples] | None = None
        self.text = ""

    @property
    def active(self) -> bool:
        return self.session is not None

    def start(self) -> None:
        self.session = []

    def feed(self, samples: Samples) -> None:
        assert self.session is not None, "it is fed while it is active only"
        self.session.append(samples)

    def step(self) -> list[str]:
        return []

    def reset(self) -> None:
        self.session = None

    def finish(self, max_steps: int) -> str:
        samples = np.concatenate(self.session or [np.zeros(0, np.float32)])
        self.session = None
        mel = log_mel_spectrogram(pad_or_trim(mx.array(samples), N_SAMPLES), self._model.dims.n_mels).astype(
            self._dtype
        )
        options = DecodingOptions(language=self._language, fp16=self._dtype == mx.float16)
        result: Any = decode(self._model, mel, options)
        self._notes.transcript = result.text.strip()
        self._notes.done += [Work("whisper_encoder", 30.0), Work("whisper_token", len(result.tokens))]
        return self._notes.transcript


class ResponseEngine:
    """Its `LocalLLMResponseEngine` with a cap on tokens, which that one has no way to pass on."""

    def __init__(self, chat: MlxChat, given: Given, notes: Notes) -> None:
        self._weights, self._given, self._notes = chat._weights, given, notes

    def generate(self, transcript: str, context: Sequence[dict[str, str]]) -> str:
        tokenizer = self._weights.tokenizer
        messages = [
            {"role": "system", "content": self._given.system_prompt},
            *context,
            {"role": "user", "content": transcript},
        ]
        prompt = tokenizer.apply_chat_template(
            messages, tokenize=False, enable_thinking=False, add_generation_prompt=True
        )
        text = generate(self._weights.model, tokenizer, prompt, max_tokens=self._given.max_tokens)
        self._notes.reply = text.strip()
        self._notes.done += [
            Work("chat_prefill", len(tokenizer.encode(prompt, add_special_tokens=False))),
            Work("chat_token", len(tokenizer.encode(text, add_special_tokens=False))),
        ]
        return self._notes.reply


class Voice:
    """Kokoro as mlx-audio's own pipeline for it runs it: a call for each paragraph of up to 510 phonemes, untrimmed."""

    def __init__(self, voice: KokoroSynthesizer, spoken: Callable[[str], Sequence[SpokenWord]], notes: Notes) -> None:
        self._model, self._pack, self._british = voice._model, voice._pack, voice._voice.is_british
        self._spoken, self._notes = spoken, notes
        self.sample_rate = voice.rate_hz
        self._speed = voice.speed

    def generate(self, text: str, voice: str, stream: bool, streaming_interval: float) -> Iterator[SimpleNamespace]:
        for paragraph in re.split(r"\n+", text):
            words = self._spoken(paragraph)
            for passage in plan(words, phonemize(words, self._british), self._model.vocab):
                style = self._pack[len(passage.phonemes) - 1]
                audio = np.array(self._model(passage.phonemes, style, self._speed)[0].astype(mx.float32))
                mx.clear_cache()
                self._notes.done.append(Work("voice", len(audio) / self.sample_rate))
                yield SimpleNamespace(audio=audio)
