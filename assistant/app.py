"""Puts the stages together: the only module that knows them all.

desk ==Frame==> capture ==TurnEvent==> conversation -> turns -> speaker -> desk
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import anyio

from assistant.audio.capture import Capture, capture_stage
from assistant.audio.speaker import Speaker
from assistant.config import Config
from assistant.conversation import Conversation
from assistant.history import History
from assistant.messages import FRAME_MS, Fragment, Frame, LineTyped, Samples, SpokenWord, Steps, TurnEvent
from assistant.metrics import TurnChanged
from assistant.ports import ChatModel, Clock, Desk, Inference, Synthesizer, Transcriber
from assistant.turn import Parts

_FRAMES = 500 // FRAME_MS
"""Half a second of microphone. Capture takes a fraction of a frame's time, so more would only hide a stall."""
_EVENTS = 64
"""A handful per utterance: when this many wait, the conversation is stuck and capture may wait too."""


@dataclass(frozen=True, slots=True)
class Models:
    """The three models of a talk, loaded."""

    transcriber: Transcriber
    chat: ChatModel
    synthesizer: Synthesizer


def load_models(config: Config) -> Models:
    """Load the configured models from their folders, on the thread that will run them.

    Raises:
        ModelError: A model is not there, is damaged, or has no such voice.
    """
    return Models(load_transcriber(config), load_chat(config), load_voice(config))


def load_transcriber(config: Config) -> Transcriber:
    """Load the configured transcriber; raises as `load_models`."""
    folder = _folder(config, config.models.transcriber)
    from assistant.models.whisper import WhisperTranscriber

    return WhisperTranscriber(folder, config.transcribe)


def load_chat(config: Config) -> ChatModel:
    """Load the configured language model; raises as `load_models`."""
    folder = _folder(config, config.models.chat)
    from assistant.models.chat import MlxChat

    return MlxChat(folder, config.chat, config.runtime.seed)


def load_voice(config: Config) -> Synthesizer:
    """Load the configured voice; raises as `load_models`."""
    folder = _folder(config, config.models.voice)
    from assistant.models.speech import KokoroSynthesizer

    return KokoroSynthesizer(folder, config.speech, config.runtime.seed)


def _folder(config: Config, name: str) -> Path:
    from assistant.models import cpu
    from assistant.models.lock import local_folder

    folder = local_folder(name)
    cpu.prepare(config.runtime.blas_threads)  # before anything imports MLX
    return folder


def warm(models: Models, history: History, noise: Samples) -> None:
    """Run every model once, so that the first turn is as fast as the second.

    Args:
        models: The models, on the thread that owns them.
        history: A new talk's history, of which the system prompt is prefilled.
        noise: (n,) float32 at 16 kHz to transcribe.
    """
    hello = Fragment((SpokenWord("hello", 0, 5, "."),), 0, 6, True)
    _exhaust(models.transcriber.transcribe(noise))
    _exhaust(models.synthesizer.synthesize(hello))
    _exhaust(models.chat.prefill(history.messages()))


def _exhaust(steps: Steps[object]) -> None:
    for _ in steps:
        pass


def _ignore(_: object) -> None:
    pass


class Assistant:
    """One talk at one desk; made inside the running loop.

    Args:
        history: New, or what an earlier talk left.
        push_to_talk: Whether a key, and nothing else, says when the user speaks.
        changed: Told of every change of a turn.
    """

    def __init__(
        self,
        config: Config,
        desk: Desk,
        models: Models,
        inference: Inference,
        clock: Clock,
        history: History,
        push_to_talk: bool = False,
        changed: TurnChanged = _ignore,
    ) -> None:
        self._desk = desk
        self.speaker = Speaker(models.synthesizer.rate_hz, config.playback)
        self.capture = Capture(config, desk.loudspeakers, push_to_talk, desk.latency_ms)
        self._events, inbox = anyio.create_memory_object_stream[TurnEvent](_EVENTS)
        parts = Parts(
            config,
            clock,
            inference,
            models.transcriber,
            models.chat,
            models.synthesizer,
            self.speaker,
            history,
            changed,
        )
        self.conversation = Conversation(parts, inbox)
        self.press: Callable[[], None] = self.capture.press
        self.release: Callable[[], None] = self.capture.release

    async def type(self, line: str) -> None:
        """A turn typed instead of spoken."""
        await self._events.send(LineTyped(line))

    async def run(self) -> None:
        """Talk until cancelled, or until the desk ends."""
        send, receive = anyio.create_memory_object_stream[Frame](_FRAMES)
        async with anyio.create_task_group() as tasks, self._events:
            tasks.start_soon(self._desk.run, send, self.speaker.pull, self.speaker.rate_hz, name="desk")
            tasks.start_soon(capture_stage, receive, self._events.clone(), self.capture, name="capture")
            await self.conversation.run()
