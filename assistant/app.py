"""Puts the stages together: the only module that knows them all.

desk --Frame--> capture ==TurnEvent==> conversation -> turns -> speaker -> desk
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import anyio
import numpy as np

from assistant.acknowledgement import Acknowledgement
from assistant.audio.capture import Capture
from assistant.audio.speaker import Speaker
from assistant.config import Config
from assistant.conversation import Conversation
from assistant.history import History
from assistant.messages import MIC_RATE_HZ, Fragment, Frame, LineTyped, SpokenWord, Step, Steps, TurnEvent
from assistant.metrics import TalkState, TurnChanged
from assistant.next_prompt import NextPrompt
from assistant.parts import Parts
from assistant.phrases import Phrases
from assistant.ports import ChatModel, Clock, Desk, Inference, Synthesizer, Transcriber, TurnModel

if TYPE_CHECKING:
    from assistant.models.verdict import MlxJudge
    from assistant.models.weights import ChatWeights

_EVENTS = 64
"""A handful per utterance: when this many wait, the conversation is stuck and capture may wait too."""


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a talk, loaded."""

    transcriber: Transcriber
    chat: ChatModel
    synthesizer: Synthesizer
    turn: TurnModel | None = None
    """Only where one is configured."""


def load_models(config: Config) -> Models:
    """Load the configured models from their folders, on the thread that will run them.

    Raises:
        ModelError: A model is not there, is damaged, or has no such voice.
    """
    turn = load_turn(config) if config.models.turn else None
    return Models(load_transcriber(config), load_chat(config), load_voice(config), turn)


def load_transcriber(config: Config) -> Transcriber:
    """Load the configured transcriber; raises as `load_models`."""
    folder = _folder(config, config.models.transcriber)
    from assistant.models import transcribers

    return transcribers.load_transcriber(folder, config.transcribe)


def load_chat_weights(config: Config, name: str) -> ChatWeights:
    """Load a language model of models.lock, for `load_chat` and `load_judge`; raises as `load_models`."""
    folder = _folder(config, name)
    from assistant.models.weights import load_weights

    return load_weights(folder)


LoadChatWeights: TypeAlias = Callable[[Config, str], "ChatWeights"]


def load_chat(config: Config, load: LoadChatWeights = load_chat_weights) -> ChatModel:
    """Load the configured language model, and its draft; raises as `load_models`.

    Args:
        config: Names them.
        load: Gives weights that may be in use elsewhere.
    """
    weights = load(config, config.models.chat)
    draft = load(config, config.models.draft) if config.models.draft else None
    from assistant.models.chat import MlxChat

    return MlxChat(weights, config.chat, config.runtime.seed, draft)


def load_judge(config: Config, load: LoadChatWeights = load_chat_weights) -> MlxJudge:
    """Load the configured language model as a judge of replies; arguments and errors as of `load_chat`."""
    weights = load(config, config.models.chat)
    from assistant.models.verdict import MlxJudge

    return MlxJudge(weights, config.chat, config.runtime.seed)


def load_voice(config: Config) -> Synthesizer:
    """Load the configured voice; raises as `load_models`."""
    folder = _folder(config, config.models.voice)
    from assistant.models.speech import KokoroSynthesizer
    from assistant.models.streaming_voice import StreamingSynthesizer
    from assistant.models.voices import streams

    kind = StreamingSynthesizer if streams(folder) else KokoroSynthesizer
    return kind(folder, config.speech, config.runtime.seed)


def load_turn(config: Config) -> TurnModel:
    """Load the configured turn model; raises as `load_models`."""
    folder = _folder(config, config.models.turn)
    from assistant.models.smart_turn import SmartTurn

    return SmartTurn(folder)


def _folder(config: Config, name: str) -> Path:
    from assistant.models import cpu
    from assistant.models.lock import local_folder
    from assistant.models.memory import set_limits

    folder = local_folder(name)
    cpu.prepare(config.runtime.blas_threads)  # before anything imports MLX
    set_limits(config.memory)
    return folder


def warm_steps(models: Models, history: History) -> Steps[None]:
    """Run every model once, so that the next turn is as fast as the one after it.

    Args:
        models: The models.
        history: Of which all there is, for a new talk the system prompt, is prefilled.
    """
    noise = np.random.default_rng(0).normal(0, 0.01, MIC_RATE_HZ).astype(np.float32)
    hello = Fragment((SpokenWord("hello", 0, 5, "."),), 0, 6, True)
    for _ in models.synthesizer.synthesize(hello):
        yield Step()  # without its work: what is done for the first time is no measure of the voice
    for steps in (
        models.transcriber.transcribe(noise),
        *([models.turn.end_probability(noise)] if models.turn else []),
        models.synthesizer.synthesize(hello),
        models.chat.prefill(history.messages(early=True)),
    ):
        for step in steps:
            yield Step(step.work)


def _ignore(_: object) -> None:
    pass


class Assistant:
    """One talk at one desk; made inside the running loop.

    Args:
        history: New, or what an earlier talk left.
        push_to_talk: Whether a key, and nothing else, says when the user speaks.
        changed: Told of every change of a turn.
        remembered: How many of the latest turns `conversation.turns` keeps; None for all.
        heard: Told of every event of speech, before the conversation is.
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
        remembered: int | None = None,
        heard: Callable[[TurnEvent], None] = _ignore,
    ) -> None:
        self._desk = desk
        self._heard = heard
        models.synthesizer.speed = config.speech.speed  # an earlier talk may have asked for another
        self.speaker = Speaker(models.synthesizer.rate_hz, config.playback)
        self.capture = Capture(config, desk.loudspeakers, push_to_talk, desk.latency_ms)
        self._events, inbox = anyio.create_memory_object_stream[TurnEvent](_EVENTS)
        self.next_prompt = NextPrompt(models.chat, inference, history)
        acknowledgement = Acknowledgement(config)
        parts = Parts(
            config,
            clock,
            inference,
            models.transcriber,
            models.chat,
            models.synthesizer,
            self.speaker,
            history,
            self.next_prompt,
            changed,
            self.capture.end_after,
            None if push_to_talk else models.turn,  # a key leaves nothing to be asked
            Phrases(config.playback.phrases_s),
            acknowledgement,
        )
        self._prepare = partial(acknowledgement.prepare, models.synthesizer, inference)
        self.conversation = Conversation(parts, inbox, remembered)
        self.press: Callable[[], None] = self.capture.press
        self.release: Callable[[], None] = self.capture.release

    @property
    def talking(self) -> bool:
        """Push-to-talk: a turn is being spoken."""
        return self.capture.open

    @property
    def muted(self) -> bool:
        """The microphone counts as silent."""
        return self.capture.muted

    @muted.setter
    def muted(self, muted: bool) -> None:
        self.capture.muted = muted

    @property
    def asleep(self) -> bool:
        """Nothing said is answered, but a phrase that wakes."""
        return self.conversation.asleep

    def sleep(self) -> None:
        """Answer nothing that is said, until a key or a phrase wakes."""
        self.conversation.sleep()

    def wake(self) -> None:
        """Listen again."""
        self.conversation.wake()

    def interrupt(self) -> None:
        """A key: cut what is being said."""
        self.conversation.interrupt()

    def cancel(self) -> None:
        """Abandon whatever goes on, what is being said included."""
        self.capture.drop()
        self.conversation.cancel()

    @property
    def state(self) -> TalkState:
        """What it is doing, in one word."""
        conversation = self.conversation
        if conversation.floor.audible:
            return "paused" if conversation.floor.hushed else "speaking"
        if self.muted:
            return "muted"
        if conversation.asleep:
            return "asleep"
        if conversation.hearing:
            return "hearing"
        return "listening" if conversation.idle else "thinking"

    async def type(self, line: str) -> None:
        """A turn typed instead of spoken: what is being said without a key counts no more."""
        self.capture.drop()
        await self._events.send(LineTyped(line))

    async def run(self) -> None:
        """Talk until cancelled."""
        async with anyio.create_task_group() as tasks, self._events:
            tasks.start_soon(self._desk.run, self._hear, self.speaker.pull, self.speaker.rate_hz, name="desk")
            tasks.start_soon(self.next_prompt.run, name="next prompt")
            tasks.start_soon(self._prepare, name="acknowledgement")
            await self.conversation.run()

    async def _hear(self, frame: Frame) -> bool:
        for event in self.capture.feed(frame):
            self._heard(event)
            await self._events.send(event)
        return self.conversation.idle and not self.capture.open
