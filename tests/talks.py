"""A conversation on fakes in virtual time: events go in at given moments, a loudspeaker plays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import anyio
import numpy as np
from fakes import FAKE_RATE_HZ, FakeChat, FakeSynthesizer, FakeTranscriber, FakeTurnModel

from assistant import config
from assistant.acknowledgement import Acknowledgement
from assistant.audio.speaker import Speaker
from assistant.clock import TalkClock
from assistant.config import Costs
from assistant.conversation import Conversation
from assistant.history import History
from assistant.messages import (
    MIC_RATE_HZ,
    LineTyped,
    PauseBegan,
    PauseReached,
    Samples,
    SpeechResumed,
    SpeechStarted,
    Transcript,
    TurnEvent,
    Utterance,
    UtteranceEnded,
)
from assistant.metrics import TurnRecord
from assistant.next_prompt import NextPrompt
from assistant.parts import Parts
from assistant.phrases import Phrases
from assistant.simulation import clock as virtual
from assistant.simulation.inference import SimulatedInference

_TICK_S = 0.01


@dataclass
class Talk:
    """What is to happen, and after `run` what happened."""

    replies: Sequence[str]
    settings: Sequence[str] = ("simulation.costs.voice_ms_per_s=20",)
    """A voice faster than the agreed one, so that the moments in the tests are round."""
    events: list[tuple[float, TurnEvent]] = field(default_factory=list)
    transcriber: FakeTranscriber = field(default_factory=FakeTranscriber)
    infer: Callable[[Costs], SimulatedInference] = SimulatedInference
    turn_model: FakeTurnModel | None = None
    device_s: float = 0.02
    """From taking a sample to its sound."""
    turns: list[TurnRecord] = field(default_factory=list)
    history: list[tuple[str, str]] = field(default_factory=list)
    advice: list[tuple[int, float]] = field(default_factory=list)
    """What the endpointer was told: `speech_end` and milliseconds."""
    played: Samples = field(default_factory=lambda: np.zeros(0, np.float32))

    def __post_init__(self) -> None:
        self.chat = FakeChat(self.replies)
        self.synthesizer = FakeSynthesizer()

    def starts(
        self, at_s: float, in_echo_window: bool = False, by_key: bool = False, echo_after_ms: float = 0.0
    ) -> None:
        """The user begins to speak; noticed 100 ms later."""
        event = SpeechStarted(round(at_s * MIC_RATE_HZ), in_echo_window, by_key, echo_after_ms)
        self.events.append((at_s + 0.1, event))

    def utterance(
        self,
        start_s: float,
        end_s: float,
        says: str,
        refused: str = "",
        in_echo_window: bool = False,
        is_echo: bool = False,
    ) -> Utterance:
        """An utterance that the transcriber will know by its length."""
        samples = np.zeros(round((end_s - start_s) * MIC_RATE_HZ), np.float32)
        self.transcriber.says[len(samples)] = Transcript(says, refused)  # type: ignore[arg-type]
        start, end = round(start_s * MIC_RATE_HZ), round(end_s * MIC_RATE_HZ)
        return Utterance(start, samples, start, end, (end_s - start_s) * 1000, in_echo_window, is_echo)

    def falls_silent(self, utterance: Utterance) -> None:
        """A pause that may be one within a word, noticed 100 ms after the last voiced sample."""
        self.events.append((utterance.speech_end / MIC_RATE_HZ + 0.1, PauseBegan(utterance)))

    def pauses(self, utterance: Utterance) -> None:
        """A pause, noticed 200 ms after the last voiced sample."""
        self.events.append((utterance.speech_end / MIC_RATE_HZ + 0.2, PauseReached(utterance)))

    def ends(self, utterance: Utterance) -> None:
        """The end, noticed 700 ms after the last voiced sample."""
        self.events.append((utterance.speech_end / MIC_RATE_HZ + 0.7, UtteranceEnded(utterance)))

    def closes(self, utterance: Utterance) -> None:
        """The last pause of an utterance, and its end."""
        self.pauses(utterance)
        self.ends(utterance)

    def resumes(self, at_s: float, pause_ms: float = 0.0) -> None:
        """The pause was only a pause."""
        self.events.append((at_s, SpeechResumed(pause_ms)))

    def types(self, at_s: float, line: str) -> None:
        """A line is typed."""
        self.events.append((at_s, LineTyped(line)))

    def says(self, start_s: float, end_s: float, words: str, in_echo_window: bool = False, refused: str = "") -> None:
        """A whole utterance without an inner pause."""
        self.starts(start_s, in_echo_window)
        self.closes(self.utterance(start_s, end_s, words, refused, in_echo_window))

    def run(self, until_s: float) -> None:
        """Let it happen."""
        virtual.run(lambda: self._run(until_s), "simulated")

    async def _run(self, until_s: float) -> None:
        settings = config.load("small", settings=self.settings)
        clock = TalkClock(datetime(2026, 1, 5, 9))
        history = History("Be brief.", clock)
        self.speaker = Speaker(self.synthesizer.rate_hz, settings.playback)
        self.inference = self.infer(settings.simulation.costs)
        next_prompt = NextPrompt(self.chat, self.inference, history)
        acknowledgement = Acknowledgement(settings)
        parts = Parts(
            settings, clock, self.inference, self.transcriber, self.chat, self.synthesizer, self.speaker, history,
            next_prompt, lambda _: None,
            lambda speech_end, wait_ms: self.advice.append((speech_end, wait_ms)), self.turn_model,
            Phrases(settings.playback.phrases_s), acknowledgement,
        )  # fmt: skip
        send, inbox = anyio.create_memory_object_stream[TurnEvent](8)
        self.conversation = conversation = Conversation(parts, inbox)
        async with send, anyio.create_task_group() as tasks:
            tasks.start_soon(conversation.run)
            tasks.start_soon(next_prompt.run)
            tasks.start_soon(acknowledgement.prepare, self.synthesizer, self.inference)
            tasks.start_soon(self._play)
            for at_s, event in sorted(self.events, key=lambda pair: pair[0]):
                await anyio.sleep(max(at_s - clock.time_s(), 0))
                await send.send(event)
            await anyio.sleep(until_s - clock.time_s())
            tasks.cancel_scope.cancel()
        self.idle = conversation.idle
        self.turns = list(conversation.turns)
        self.history = [(message.role, message.text) for message in history.messages()[1:]]

    async def _play(self) -> None:
        loop, blocks = asyncio.get_running_loop(), []
        began_s, tick = loop.time(), 0
        try:
            while True:
                blocks.append(self.speaker.pull(round(self.speaker.rate_hz * _TICK_S), tick * _TICK_S + self.device_s))
                tick += 1
                await anyio.sleep(began_s + tick * _TICK_S - loop.time())
        finally:
            self.played = np.concatenate(blocks)

    def sounding_s(self, start_s: float = 0.0, end_s: float = 1e9) -> float:
        """Seconds of sound taken by the device between two moments."""
        part = self.played[round(start_s * FAKE_RATE_HZ) : round(min(end_s, 1e6) * FAKE_RATE_HZ)]
        return float(np.count_nonzero(part)) / FAKE_RATE_HZ
