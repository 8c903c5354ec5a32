"""The nearest peer, mlx-audio's `VoicePipeline`, on models that are loaded already; only `assistant bench` runs it.

Its source is untouched. Its constructor takes its parts, so what it would fetch from a hub is given to it; its modules'
`sounddevice` and `time` are stood in for while it runs, so that it hears and plays at the same desk, on the same clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Protocol, TypeVar

import mlx.core as mx
from mlx_audio.sts import audio_player, voice_pipeline

from assistant.errors import ModelError
from assistant.messages import MIC_RATE_HZ
from assistant.models.chat import MlxChat
from assistant.models.peer_parts import BufferingTranscriber, Given, Notes, ResponseEngine, Silero, Voice
from assistant.models.speech import KokoroSynthesizer
from assistant.models.whisper import WhisperTranscriber
from assistant.ports import ChatModel, Synthesizer, Transcriber

__all__ = ["Given", "Notes", "OwnThread", "Peer"]

T = TypeVar("T")


class Worker(Protocol):
    """What runs all of the peer's work, in its order."""

    async def run(self, function: Callable[[], T]) -> T:
        """Call a function when those before it are done, and give what it gives."""

    async def shutdown(self) -> None:
        """No more will come."""


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
        responder = voice_pipeline.PocketTTSResponder(Voice(voice, given.spoken, notes), voice="")
        self.pipeline: Any = voice_pipeline.VoicePipeline(
            speech_gate=voice_pipeline.SileroSpeechGate(Silero(given.probability), sample_rate=MIC_RATE_HZ),
            endpoint_detector=SimpleNamespace(predict=lambda audio: voice_pipeline.EndpointDecision(True, 1.0)),
            transcriber=BufferingTranscriber(transcriber, notes),
            response_engine=ResponseEngine(chat, given, notes),
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
    """Its own worker, a thread with a stream; where there is no Metal, with the stream that the thread has anyway.

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
        if not mx.metal.is_available():  # it asks for a stream of the GPU
            self._stream, self._initialized = mx.default_stream(mx.cpu), True
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
