"""The nearest peer, mlx-audio's `VoicePipeline`, on models that are loaded already; only `assistant bench` runs it.

Its source is untouched. Its constructor takes its parts, so what it would fetch from a hub is given to it; its modules'
`sounddevice` and `time` are stood in for while it runs, so that it hears and plays at the same desk, on the same clock.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Protocol, TypeVar

import mlx.core as mx
import numpy as np
from mlx_audio.sts import audio_player, voice_pipeline
from mlx_lm.generate import generate

from assistant.errors import ModelError
from assistant.messages import MIC_RATE_HZ, Samples, SpokenWord, Work
from assistant.models.chat import MlxChat
from assistant.models.numba_stub import stand_in_for_numba
from assistant.models.phonemes import phonemize
from assistant.models.speech import KokoroSynthesizer, plan
from assistant.models.whisper import WhisperTranscriber
from assistant.ports import ChatModel, Synthesizer, Transcriber

stand_in_for_numba()

from mlx_whisper.audio import N_SAMPLES, log_mel_spectrogram, pad_or_trim  # noqa: E402
from mlx_whisper.decoding import DecodingOptions, decode  # noqa: E402

T = TypeVar("T")


class Worker(Protocol):
    """What runs all of the peer's work, in its order."""

    async def run(self, function: Callable[[], T]) -> T:
        """Call a function when those before it are done, and give what it gives."""

    async def shutdown(self) -> None:
        """No more will come."""


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


class Peer:
    """`VoicePipeline` with its own gate, response engine, responder and player, around models of this package.

    Its turn detector says at once that a pause is the end, which is the fastest that it can do. It transcribes as
    mlx-whisper does, with the 30 s of context that Whisper was made for, once the turn is over: it streams with Voxtral
    only. Weights and pronunciation are those of the models given.

    Args:
        transcriber: Whose weights it uses, as those of the others.
        chat: Likewise.
        voice: Likewise.
        given: The rest.
        notes: Where its parts put down what they do.
        worker: What runs it all; its own is `OwnThread`.

    Raises:
        ModelError: Models of another kind, which it cannot be given.
    """

    def __init__(
        self,
        transcriber: Transcriber,
        chat: ChatModel,
        voice: Synthesizer,
        given: Given,
        notes: Notes,
        worker: Worker,
    ) -> None:
        if not isinstance(transcriber, WhisperTranscriber) or not isinstance(voice, KokoroSynthesizer):
            raise ModelError(
                "VoicePipeline is compared on Whisper and Kokoro; choose such models, or leave --peer out."
            )
        assert isinstance(chat, MlxChat), "there is no other language model"
        responder = voice_pipeline.PocketTTSResponder(_Voice(voice, given.spoken, notes), voice="")
        self.pipeline: Any = voice_pipeline.VoicePipeline(
            speech_gate=voice_pipeline.SileroSpeechGate(_Silero(given.probability), sample_rate=MIC_RATE_HZ),
            endpoint_detector=SimpleNamespace(predict=lambda audio: voice_pipeline.EndpointDecision(True, 1.0)),
            transcriber=_Transcriber(transcriber, notes),
            response_engine=_ResponseEngine(chat, given, notes),
            tts_responder=responder,
        )
        self.pipeline.mlx = worker

    async def run(self, sound_card: Any, time_s: Callable[[], float]) -> None:
        """Talk until cancelled.

        Args:
            sound_card: Taken for the module `sounddevice`.
            time_s: Seconds of the clock.
        """
        with _stood_in_for(sound_card, time_s):
            await self.pipeline.start()

    def hush(self) -> None:
        """Drop what is being played: the pipeline waits for it at its end, with the event loop."""
        if self.pipeline.audio_output is not None:
            self.pipeline.audio_output.flush()


class OwnThread(voice_pipeline.MLXWorkScheduler):  # type: ignore[misc]
    """Its own worker, a thread with a stream, where there is no Metal too.

    Args:
        ran: Told of each function that ran, on the thread: when it began and ended, seconds of `time.monotonic`.
    """

    _stream: mx.Stream
    _initialized: bool

    def __init__(self, ran: Callable[[float, float], None]) -> None:
        super().__init__()
        self._ran = ran
        self.busy = False
        """A function is being run."""

    def _run(self, func: Callable[[], T]) -> T:
        if not self._initialized:
            self._stream = mx.new_stream(mx.default_device())
            mx.set_default_stream(self._stream)
            self._initialized = True
        self.busy, began_s = True, time.monotonic()
        result: T = super()._run(func)
        self._ran(began_s, time.monotonic())
        self.busy = False
        return result


@contextmanager
def _stood_in_for(sound_card: Any, time_s: Callable[[], float]) -> Iterator[None]:
    modules: tuple[Any, ...] = audio_player, voice_pipeline
    own = [(module.sd, module.time) for module in modules]
    for module in modules:
        module.sd, module.time = sound_card, SimpleNamespace(monotonic=time_s)
    try:
        yield
    finally:
        for module, (sound_device, clock) in zip(modules, own, strict=True):
            module.sd, module.time = sound_device, clock


class _Silero:
    """The voice activity model of its gate; the state is a running detector."""

    def __init__(self, probability: Callable[[], Callable[[Samples], float]]) -> None:
        self._probability = probability

    def initial_state(self, sample_rate: int) -> Callable[[Samples], float]:
        return self._probability()

    def feed(
        self, chunk: Samples, state: Callable[[Samples], float], sample_rate: int
    ) -> tuple[Samples, Callable[[Samples], float]]:
        return np.array([state(chunk)], np.float32), state


class _Transcriber:
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


class _ResponseEngine:
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


class _Voice:
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
