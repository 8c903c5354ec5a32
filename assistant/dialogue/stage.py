"""One dialogue on its stage: a simulated desk, an assistant with real models, and a clock."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

import anyio

from assistant.app import Assistant, Models, warm_steps
from assistant.clock import TalkClock
from assistant.config import Config
from assistant.dialogue.driver import Driver
from assistant.dialogue.load import Dialogue
from assistant.dialogue.trace import EntryTrace, Trace, audible_span
from assistant.history import History
from assistant.messages import FRAME_MS, MIC_RATE_HZ, Priority
from assistant.metrics import Span, TurnChanged, TurnRecord
from assistant.models.memory import give_back
from assistant.models.runtime import MlxThread
from assistant.simulation.clock import ClockMode
from assistant.simulation.desk import SimulatedDesk
from assistant.simulation.inference import SimulatedInference

LoadModels: TypeAlias = Callable[[Config], Models]
Inference: TypeAlias = SimulatedInference | MlxThread


class Stage:
    """Plays one dialogue, and keeps what happened even if it does not come to its end.

    Args:
        dialogue: What to play.
        mode: The clock.
        progress: Told of each entry as it begins.
        changed: Told of every change of a turn.
    """

    def __init__(
        self, dialogue: Dialogue, mode: ClockMode, progress: Callable[[int], None], changed: TurnChanged
    ) -> None:
        self._dialogue = dialogue
        self._mode = mode
        self._progress = progress
        self._changed = changed
        entries = [EntryTrace(index, entry) for index, entry in enumerate(dialogue.script.turns)]
        self.trace = Trace(entries, stopped=True)

    async def play(self, load: LoadModels) -> None:
        """Play the dialogue to its end; inside the loop of its clock.

        Args:
            load: Gives the models, on the thread that is to run them.
        """
        config, script = self._dialogue.config, self._dialogue.script
        clock = TalkClock(datetime.fromisoformat(config.simulation.start))
        desk = SimulatedDesk(script.room, self._dialogue.noise)
        async with self._models(load, History(config.chat.system_prompt, clock)) as (models, inference):
            await asyncio.sleep(0)  # the time that loading took is charged here, before the clock's zero
            clock.restart()
            zero_s = asyncio.get_running_loop().time()
            history = History(config.chat.system_prompt, clock)
            push_to_talk = script.mode == "push-to-talk"
            assistant = Assistant(config, desk, models, inference, clock, history, push_to_talk, self._changed)
            try:
                await self._talk(assistant, desk, clock)
                self.trace.stopped = False
            finally:
                self._keep(assistant, desk, clock.time_s())
                self.trace.steps = [
                    replace(step, start_s=step.start_s - zero_s, end_s=step.end_s - zero_s)
                    for step in inference.log
                    if step.start_s >= zero_s  # the others warmed the models
                ]

    async def _talk(self, assistant: Assistant, desk: SimulatedDesk, clock: TalkClock) -> None:
        def audible(turn: TurnRecord) -> Span | None:
            sounded = assistant.conversation.sounded(turn)
            if not sounded:
                return None
            since_s = math.floor(sounded[0][0] * 1000 / FRAME_MS) * FRAME_MS / 1000
            reply = desk.played_between(since_s, sounded[-1][1])
            span = audible_span(
                reply, desk.rate_hz, [(start_s - since_s, end_s - since_s) for start_s, end_s in sounded]
            )
            return None if span is None else (since_s + span[0], since_s + span[1])

        driver = Driver(self._dialogue, self.trace, assistant, desk.say, audible, clock.time_s, self._progress)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(assistant.run, name="assistant")
            await driver.play()
            tasks.cancel_scope.cancel()

    def _keep(self, assistant: Assistant, desk: SimulatedDesk, end_s: float) -> None:
        trace = self.trace
        trace.replies = [assistant.conversation.sounded(turn) for turn in assistant.conversation.turns]
        trace.microphone, trace.loudspeaker = desk.microphone, desk.loudspeaker
        trace.speaker_rate_hz, trace.seconds = desk.rate_hz, end_s
        window = assistant.capture.window
        spans = [*window.spans, *([(window.opened, round(end_s * MIC_RATE_HZ))] if window.open else [])]
        trace.echo_windows = [(opened / MIC_RATE_HZ, closed / MIC_RATE_HZ) for opened, closed in spans]

    @asynccontextmanager
    async def _models(self, load: LoadModels, new: History) -> AsyncIterator[tuple[Models, Inference]]:
        """The models, warm, and what runs them: a thread under the `real` clock, else the simulated GPU."""
        config = self._dialogue.config
        if self._mode == "real":
            thread = MlxThread(give_back, config.memory.clear_after_s)
            try:
                models = await thread.call(lambda: load(config))
                await self._warm(models, new, thread)
                yield models, thread
            finally:
                thread.close()
        else:
            costs = config.simulation.costs if self._mode == "simulated" else None
            models, inference = load(config), SimulatedInference(costs)
            await self._warm(models, new, inference)
            yield models, inference

    async def _warm(self, models: Models, new: History, inference: Inference) -> None:
        if self._mode == "simulated":  # what a step costs is agreed, so only the prompt cache matters
            for _ in models.chat.prefill(new.messages()):
                pass
        else:
            async with inference.run(warm_steps(models, new), lambda: Priority.HELD) as steps:
                async for _ in steps:
                    pass
