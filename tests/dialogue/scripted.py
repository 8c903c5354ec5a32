"""Dialogues made of Python values, and an assistant whose answers are planned to the millisecond."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import numpy as np
from anyio.abc import TaskGroup

from assistant import config
from assistant.clock import TalkClock
from assistant.dialogue.driver import Driver
from assistant.dialogue.load import Dialogue, Recording
from assistant.dialogue.script import Script
from assistant.dialogue.trace import EntryTrace, Trace
from assistant.messages import MIC_RATE_HZ, Samples
from assistant.metrics import Span, TurnRecord
from assistant.simulation import clock as virtual

SPEECH_S, LEAD_S, TAIL_S = 1.0, 0.5, 0.5
"""Every recording: half a second of silence, a second of speech, half a second of silence."""
ENDPOINT_S, THINKING_S = 0.7, 0.3


def recording() -> Recording:
    """One of those; no two are the same object."""
    samples = np.zeros(round((LEAD_S + SPEECH_S + TAIL_S) * MIC_RATE_HZ), np.float32)
    samples[round(LEAD_S * MIC_RATE_HZ) : round((LEAD_S + SPEECH_S) * MIC_RATE_HZ)] = 0.1
    return Recording(samples, (LEAD_S, LEAD_S + SPEECH_S))


def dialogue(*turns: dict[str, Any], **keys: Any) -> Dialogue:
    """A checked script of these entries and keys."""
    script = Script.model_validate({"turns": list(turns), **keys})
    recordings = {index: recording() for index, entry in enumerate(script.turns) if entry.user is not None}
    return Dialogue(Path("script.yaml"), script, config.load("small"), recordings)


class FakeTalk:
    """Answers every utterance and line after a second, by the plan.

    Args:
        reply_s: Length of each reply; the last goes for all that follow.
    """

    def __init__(self, reply_s: Sequence[float], tasks: TaskGroup, clock: TalkClock) -> None:
        self.turns: list[TurnRecord] = []
        self.keys: list[tuple[str, float]] = []
        self.said: list[float] = []
        self.cancelled: list[float] = []
        self._reply_s = list(reply_s)
        self._tasks = tasks
        self._clock = clock
        self._speaking = 0
        self._reply: tuple[TurnRecord, anyio.CancelScope] | None = None
        self._changed = anyio.Event()

    # what a driver uses

    @property
    def conversation(self) -> FakeTalk:
        """Itself."""
        return self

    @property
    def idle(self) -> bool:
        """No open speech, no reply."""
        return self._speaking == 0 and self._reply is None

    async def wait_changed(self) -> None:
        """Wait for the next change."""
        await self._changed.wait()

    def cancel(self) -> None:
        """Abandon the reply."""
        self.cancelled.append(self._clock.time_s())
        self._cut(None)

    def say(self, samples: Samples, start_s: float) -> None:
        """Hear a recording."""
        self.said.append(start_s)
        voiced = np.flatnonzero(samples) / MIC_RATE_HZ
        self._tasks.start_soon(self.hear, start_s + voiced[0], start_s + voiced[-1])

    async def type(self, line: str) -> None:
        """Take a line, and answer it as if it were an utterance."""
        now_s = self._clock.time_s()
        self._cut(None)
        record = TurnRecord("typed", now_s, now_s, now_s, transcript=line)
        self._tasks.start_soon(self._answer, record)

    def press(self) -> None:
        """Note the moment."""
        self.keys.append(("down", self._clock.time_s()))

    def release(self) -> None:
        """Note the moment."""
        self.keys.append(("up", self._clock.time_s()))

    def audible(self, turn: TurnRecord) -> Span | None:
        """All of what sounded."""
        return (turn.sounded[0][0], turn.sounded[-1][1]) if turn.sounded else None

    # its life

    async def hear(self, start_s: float, end_s: float) -> None:
        await anyio.sleep(start_s + 0.1 - self._clock.time_s())
        self._speaking += 1
        self._notify()
        self._cut((start_s, start_s + 0.1))
        await anyio.sleep(end_s + ENDPOINT_S - self._clock.time_s())
        self._speaking -= 1
        await self._answer(TurnRecord("spoken", start_s, end_s, self._clock.time_s(), transcript="words"))

    async def _answer(self, record: TurnRecord) -> None:
        record.state = "open"
        self.turns.append(record)
        with anyio.CancelScope() as scope:
            self._reply = record, scope
            self._notify()
            reply_s = self._reply_s[min(len(self.turns), len(self._reply_s)) - 1]
            if reply_s:
                await anyio.sleep(THINKING_S)
                start_s = self._clock.time_s()
                record.sounded = [(start_s, start_s + reply_s)]
                await anyio.sleep(reply_s)
            record.state = "done"
            self._end(record)

    def _cut(self, cause: Span | None) -> None:
        if self._reply is None:
            return
        record, scope = self._reply
        scope.cancel()
        now_s = self._clock.time_s()
        record.state, record.cut_by = "cut", cause
        record.sounded = [(start_s, min(end_s, now_s)) for start_s, end_s in record.sounded]
        self._end(record)

    def _end(self, record: TurnRecord) -> None:
        record.ended_s = self._clock.time_s()
        self._reply = None
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


def play(dialogue: Dialogue, reply_s: Sequence[float] = (2.0,), noises: Sequence[Span] = ()) -> tuple[Trace, FakeTalk]:
    """Play a dialogue, and noises that are taken for speech, to the fake; the trace, and the fake."""

    async def main() -> tuple[Trace, FakeTalk]:
        clock = TalkClock()
        trace = Trace([EntryTrace(index, entry) for index, entry in enumerate(dialogue.script.turns)])
        async with anyio.create_task_group() as tasks:
            talk = FakeTalk(reply_s, tasks, clock)
            for noise in noises:
                tasks.start_soon(talk.hear, *noise)
            await Driver(dialogue, trace, talk, talk.say, talk.audible, clock.time_s).play()
            trace.seconds = clock.time_s()
            tasks.cancel_scope.cancel()
        trace.replies = [turn.sounded for turn in trace.turns]
        return trace, talk

    return virtual.run(main, "simulated")
