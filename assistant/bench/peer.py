"""What a peer takes for the same recording, on the same models, at the same desk, by the same clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import anyio

from assistant.app import Models, warm_steps
from assistant.audio.vad import silero
from assistant.bench.sound_card import SoundCard
from assistant.bench.steps import model_of
from assistant.bench.turns import LeftOut
from assistant.clock import TalkClock
from assistant.config import Config
from assistant.dialogue.load import Dialogue
from assistant.dialogue.stage import LoadModels
from assistant.errors import AssistantError
from assistant.history import History
from assistant.messages import Priority, SpokenWord
from assistant.metrics import StepRecord
from assistant.models import cpu
from assistant.screen.latency import durations_ms
from assistant.simulation import clock
from assistant.simulation.clock import ClockMode, VirtualLoop
from assistant.simulation.desk import SimulatedDesk
from assistant.text.fragments import fragments_of

T = TypeVar("T")

PEER_PARTS = ("end of turn", "transcription", "reply", "voice", "device")
"""In order; each is waited for whole. "voice" is the whole reply, as far as the voice makes it in one call."""

_BEGINS_S = 0.5
"""As a dialogue's first entry does."""
_PATIENCE_S = 5.0
"""After the recording, and after all work: nothing more will come."""
_LOOKS_S = 0.05


@dataclass(frozen=True, slots=True)
class PeerTurn:
    """One utterance that the peer answered; its latency is the sum of `parts_ms`."""

    recording: str
    run: int
    parts_ms: dict[str, int]
    """By name, as in `PEER_PARTS`."""
    transcript: str
    reply: str
    since_s: float
    """The user's last voiced sample, seconds of the steps' clock."""
    steps: tuple[StepRecord, ...]

    @property
    def voice_to_voice_ms(self) -> int:
        """First audible sample of the reply after the last voiced sample of the user."""
        return sum(self.parts_ms.values())

    @property
    def wait_ms(self) -> int:
        """For the end of the turn."""
        return self.parts_ms["end of turn"]


def run_peer(dialogue: Dialogue, run: int, mode: ClockMode, load: LoadModels) -> PeerTurn | LeftOut | None:
    """Play one utterance to the peer.

    Args:
        dialogue: Of one recording, from `run.utterances`.
        run: Which round it is.
        mode: `measured` or `real`.
        load: Gives the models; under the `real` clock on the peer's thread.

    Returns:
        What it took, or why that cannot be said; None after Ctrl-C.

    Raises:
        AssistantError: The peer cannot be used here.
    """
    stage = _Stage(dialogue, mode)
    with suppress(KeyboardInterrupt):
        clock.run(partial(stage.play, load), mode)
        return stage.turn(run)
    return None


class _InlineWorker:
    """The peer's one thread in virtual time: its work, in its order, holds the clock for what it took (`measured`)."""

    def __init__(self, ran: Callable[[float, float], None]) -> None:
        self._ran = ran
        self._alone = asyncio.Lock()
        self.busy = False
        """Never while the clock can be read."""

    async def run(self, function: Callable[[], T]) -> T:
        async with self._alone:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualLoop), "on a real clock its own thread is used"
            start_s, began_s = loop.time(), time.perf_counter()
            result = function()
            took_s = time.perf_counter() - began_s
            loop.exclude(took_s)
            self._ran(start_s, start_s + took_s)
            await asyncio.sleep(took_s)
            return result

    async def shutdown(self) -> None:
        pass


def _peer_module(config: Config) -> Any:
    cpu.prepare(config.runtime.blas_threads)  # before anything imports MLX
    try:
        from assistant.models import peer
    except OSError:  # as sounddevice says it
        cure = "install it: apt-get install libportaudio2"
        raise AssistantError(f"mlx-audio's VoicePipeline cannot be run without PortAudio; {cure}") from None
    return peer


def _warm(load: LoadModels, config: Config, history: History) -> Models:
    models = load(config)
    for _ in warm_steps(models, history):
        pass
    return models


def _spoken_words(config: Config, text: str) -> Sequence[SpokenWord]:
    fragments = fragments_of(text, config.speech, config.transcribe.language)
    return [word for fragment in fragments for word in fragment.words]


class _Stage:
    def __init__(self, dialogue: Dialogue, mode: ClockMode) -> None:
        self._dialogue, self._mode = dialogue, mode
        (self._recording,) = dialogue.recordings.values()
        self._zero_s = 0.0
        self._idle_s = 0.0
        self._steps: list[StepRecord] = []
        self._sounded_s: float | None = None

    async def play(self, load: LoadModels) -> None:
        """Play the recording until the reply is heard, or none will be."""
        config, loop = self._dialogue.config, asyncio.get_running_loop()
        peer_module = _peer_module(config)
        self._notes = peer_module.Notes()
        worker = peer_module.OwnThread(self._ran) if self._mode == "real" else _InlineWorker(self._ran)
        history = History(config.chat.system_prompt, TalkClock(datetime.fromisoformat(config.simulation.start)))
        models: Models = await worker.run(partial(_warm, load, config, history))
        given = peer_module.Given(
            history.messages()[0].text, config.chat.max_tokens, silero, partial(_spoken_words, config)
        )
        peer = peer_module.Peer(models.transcriber, models.chat, models.synthesizer, given, self._notes, worker)
        desk = SimulatedDesk(recording=False)
        desk.say(self._recording.samples, _BEGINS_S)
        card = SoundCard(desk)
        await asyncio.sleep(0)  # the time that loading took is charged here, before the clock's zero
        self._zero_s, self._steps = loop.time(), []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(card.run, models.synthesizer.rate_hz, name="sound card")
            tasks.start_soon(peer.run, card, loop.time, name="peer")
            self._idle_s = loop.time() + _BEGINS_S + self._recording.seconds
            while card.sounded_s is None and (worker.busy or loop.time() < self._idle_s + _PATIENCE_S):
                with anyio.move_on_after(_LOOKS_S):
                    await card.sounded.wait()
            peer.hush()
            tasks.cancel_scope.cancel()
        self._sounded_s = card.sounded_s

    def turn(self, run: int) -> PeerTurn | LeftOut:
        """What came of it."""
        name, voiced_s = self._dialogue.name, self._recording.voiced_s
        assert voiced_s is not None, "somebody speaks in an utterance"
        since_s = _BEGINS_S + voiced_s[1]
        ends = {model_of(step): step for step in reversed(self._steps)}
        if self._sounded_s is None or not {"whisper", "chat", "voice"} <= ends.keys():
            return LeftOut(name, run, "no reply was heard")
        if ends["whisper"].start_s < since_s:
            return LeftOut(name, run, "it was answered before its end")
        marks_s = (
            ends["whisper"].start_s,
            ends["whisper"].end_s,
            ends["chat"].end_s,
            ends["voice"].end_s,
            self._sounded_s,
        )
        parts_ms = dict(zip(PEER_PARTS, durations_ms(since_s, marks_s), strict=True))
        return PeerTurn(name, run, parts_ms, self._notes.transcript, self._notes.reply, since_s, tuple(self._steps))

    def _ran(self, began_s: float, ended_s: float) -> None:
        work = self._notes.taken()
        if work:
            start_s, end_s = began_s - self._zero_s, ended_s - self._zero_s
            self._steps.append(StepRecord(start_s, end_s, 0.0, Priority.FIRST_AUDIO, work))
            self._idle_s = max(self._idle_s, ended_s)
