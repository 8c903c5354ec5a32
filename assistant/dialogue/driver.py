"""Plays a script's entries to a talk: when each one starts, and when the dialogue is over."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from assistant.dialogue.load import Dialogue, key_span_s
from assistant.dialogue.script import AFTER_MS
from assistant.dialogue.trace import EntryTrace, Trace
from assistant.messages import FRAME_MS, MIC_RATE_HZ, Samples
from assistant.metrics import Span, TurnRecord

_TICK_S = FRAME_MS / 1000
"""Between two looks at what the loudspeaker plays; sound moves in frames of this length."""


class Conversation(Protocol):
    """What is known of the talk's turns."""

    @property
    def turns(self) -> Sequence[TurnRecord]:
        """Every turn so far."""

    @property
    def idle(self) -> bool:
        """No open speech, no live turn, last sample out."""

    async def wait_changed(self) -> None:
        """Wait for the next change of any kind."""


class Talk(Protocol):
    """What a script's entries do to the assistant."""

    @property
    def conversation(self) -> Conversation:
        """Its turns."""

    async def type(self, line: str) -> None:
        """Enter a line."""

    def cancel(self) -> None:
        """Abandon whatever goes on."""

    def press(self) -> None:
        """Push-to-talk: key down."""

    def release(self) -> None:
        """Push-to-talk: key up."""


class Driver:
    """One dialogue being played.

    Args:
        trace: Its entries are filled in as it goes.
        say: Has the user say (n,) samples at 16 kHz from a microphone time on.
        audible: First and last audible moment so far of a turn's reply.
        time_s: The talk's clock.
        progress: Told of each entry as it begins.
    """

    def __init__(
        self,
        dialogue: Dialogue,
        trace: Trace,
        talk: Talk,
        say: Callable[[Samples, float], None],
        audible: Callable[[TurnRecord], Span | None],
        time_s: Callable[[], float],
        progress: Callable[[int], None] = lambda index: None,
    ) -> None:
        self._script = dialogue.script
        self._recordings = dialogue.recordings
        self._talk = talk
        self._say = say
        self._audible = audible
        self._time_s = time_s
        self._progress = progress
        self._trace = trace
        self._holds = 0
        trace.turns = talk.conversation.turns

    async def play(self) -> None:
        """Play every entry, then wait until everything has settled."""
        async with anyio.create_task_group() as keys:
            for entry in self._trace.entries:
                head_s = self._head_s(entry)
                await self._wait_for_start(entry, head_s)
                await self._start(entry, self._time_s() + head_s, keys)
            last = self._trace.entries[-1]
            if not await self._quiet(last, self._script.settle_ms / 1000):
                self._give_up(last)

    # when an entry starts

    def _head_s(self, trace: EntryTrace) -> float:
        """How long before the recording's first sample its key goes down: as far as its start key leaves time."""
        entry = trace.entry
        if self._script.mode != "push-to-talk" or entry.user is None:
            return 0.0
        down_s, _ = key_span_s(self._script, self._recordings[trace.index])
        return min(max(-down_s, 0.0), entry.start_key_ms / 1000)

    async def _wait_for_start(self, trace: EntryTrace, head_s: float) -> None:
        entry = trace.entry
        wait_s = entry.start_key_ms / 1000 - head_s
        if trace.index == 0:
            await self._until(wait_s)
            return
        before = self._trace.entries[trace.index - 1]
        if entry.after_speech_ms is not None:
            await self._until(self._last_speech_s(trace.index) + wait_s)
        elif entry.interrupts_after_ms is not None:
            await self._interruption(trace, before, wait_s, max(AFTER_MS / 1000 - head_s, 0))
        elif not await self._quiet(before, wait_s):
            self._give_up(before)

    def _last_speech_s(self, index: int) -> float:
        spoken = [one for one in self._trace.entries[:index] if one.entry.user is not None]
        return spoken[-1].voiced_s[1] if spoken[-1].voiced_s else spoken[-1].end_s

    async def _interruption(self, trace: EntryTrace, before: EntryTrace, after_s: float, idle_s: float) -> None:
        """Wait for the moment in the reply, or else until it is over and the `after_ms` rule applies."""
        trace.missed = True
        async with anyio.create_task_group() as race:

            async def moment() -> None:
                await self._moment_in_reply(before, after_s)
                trace.missed = False
                race.cancel_scope.cancel()

            race.start_soon(moment, name="moment to interrupt")
            if not await self._quiet(before, idle_s):
                self._give_up(before)
            race.cancel_scope.cancel()

    async def _moment_in_reply(self, before: EntryTrace, after_s: float) -> None:
        """Return that long after the reply's first audible sample, if it is still going on; else never."""
        turn, first_s = None, math.inf
        while True:
            live = [one for one in self._trace.owned(before.index) if one.state == "open"]
            if not live or live[-1] is not turn:
                turn, first_s = live[-1] if live else None, math.inf
            if turn is not None and first_s == math.inf:
                first_s = (self._audible(turn) or (math.inf, 0))[0]
            if self._time_s() >= first_s + after_s - 1e-6:  # a timer may fire a hair early
                return
            await self._until(min(self._time_s() + _TICK_S, first_s + after_s))

    async def _quiet(self, entry: EntryTrace, hold_s: float) -> bool:
        """Wait until nothing has happened for so long after an entry's end; False if nothing idles in time.

        What begins during the wait starts it anew, so that an echo's turn cannot be talked over by the script.
        """
        conversation, timeout_s = self._talk.conversation, self._script.timeout_ms / 1000
        deadline_s = (entry.voiced_s[1] if entry.voiced_s else entry.end_s) + timeout_s
        over_s = max(one.over_s for one in self._trace.entries)
        latest_s = max(deadline_s, over_s) + hold_s + timeout_s
        await self._until(over_s)
        while True:
            with anyio.move_on_after(max(deadline_s - self._time_s(), 0)):
                while not conversation.idle:
                    await conversation.wait_changed()
            if not conversation.idle:
                return False
            opened = len(conversation.turns)
            await self._until(self._time_s() + hold_s)
            if conversation.idle and len(conversation.turns) == opened:
                return True
            if self._time_s() > deadline_s:
                deadline_s = latest_s

    def _give_up(self, entry: EntryTrace) -> None:
        entry.stalled = True
        self._talk.cancel()

    async def _until(self, moment_s: float) -> None:
        await anyio.sleep(max(moment_s - self._time_s(), 0))

    # starting it

    async def _start(self, trace: EntryTrace, start_s: float, keys: TaskGroup) -> None:
        trace.start_s = trace.end_s = start_s
        self._progress(trace.index)
        entry = trace.entry
        if entry.type is not None:
            await self._talk.type(entry.type)
            await anyio.sleep(_TICK_S)  # the conversation takes the line before anyone asks whether it is idle
        elif entry.user is not None:
            # the recording's samples and the microphone's are the same
            trace.start_s = math.ceil(start_s * MIC_RATE_HZ - 1e-3) / MIC_RATE_HZ
            self._speak(trace, trace.start_s, keys)
        else:
            trace.end_s += (entry.silence_ms or 0) / 1000

    def _speak(self, trace: EntryTrace, start_s: float, keys: TaskGroup) -> None:
        recording = self._recordings[trace.index]
        self._say(recording.samples, start_s)
        trace.end_s = start_s + recording.seconds
        if recording.voiced_s is not None:
            trace.voiced_s = start_s + recording.voiced_s[0], start_s + recording.voiced_s[1]
        if self._script.mode == "push-to-talk":
            down_s, up_s = key_span_s(self._script, recording)
            trace.key_s = max(start_s + down_s, self._time_s()), start_s + up_s
            keys.start_soon(self._hold_key, trace.key_s, name="key")

    async def _hold_key(self, span_s: Span) -> None:
        await self._until(span_s[0])
        self._holds += 1
        self._talk.press()
        await self._until(span_s[1])
        self._holds -= 1
        if not self._holds:  # recordings may come so close that the next one's way down comes before this way up
            self._talk.release()
