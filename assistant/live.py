"""The live talk: devices, models, keys, a display and, when asked for, a folder to keep it in, put together.

It ends by a key, Ctrl-C, SIGTERM or a closed terminal, and leaves the terminal as it was.
"""

from __future__ import annotations

import signal
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import anyio
from anyio.abc import TaskStatus

from assistant import kept
from assistant.app import Assistant, Models, load_chat, load_transcriber, load_turn, load_voice, warm_steps
from assistant.audio.device_choice import Kind
from assistant.audio.earcons import Earcon, earcon, earcon_between
from assistant.clock import TalkClock
from assistant.config import Config
from assistant.errors import AudioError, KeepingError
from assistant.history import History
from assistant.keys.controls import Controls
from assistant.messages import Priority
from assistant.metrics import DeskStatus, TalkState, TurnRecord
from assistant.models.memory import give_back
from assistant.models.runtime import MlxThread
from assistant.ports import Desk
from assistant.screen.display import Display, Now
from assistant.witnesses import Witnesses

T = TypeVar("T")

TICK_S = 0.1
"""Between two looks at the talk, for the display."""
_REMEMBERED_TURNS = 100
"""Records kept of a talk that may go on for days; the history keeps what was said."""

_EARLY_LINES = 8
"""Typed while the models load; more would be no talk. The oldest go."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a talk is held."""

    push_to_talk: bool = False
    global_key: str | None = None
    """Name of a key to talk by, whatever window has the focus."""
    save: Path | None = None
    """Folder in which the talk gets a folder."""
    resume: Path | None = None
    """A kept talk that goes on."""
    record: Path | None = None
    """Folder in which the talk becomes a dialogue script."""
    profile: str | None = None
    """Of the configuration, which such a script is to name."""


def open_desk(config: Config, changed: Callable[[DeskStatus], None]) -> Desk:
    """The real devices.

    Raises:
        AudioError: PortAudio is missing, or there is no such device, or none at all.
    """
    from assistant.audio.devices import PortAudio
    from assistant.audio.live_desk import LiveDesk

    system = PortAudio()
    devices = system.devices()
    kinds: tuple[Kind, ...] = ("microphone", "loudspeaker")
    for kind in kinds:  # one that goes away later is waited for
        if not any(device.channels(kind) for device in devices):
            raise AudioError(f"There is no {kind} to talk with; connect one (`assistant devices` lists what there is).")
    return LiveDesk(config.devices, system, changed)


class LiveTalk:
    """One talk, from loading to the end.

    Args:
        display: Told of everything.
        stdin: Keys if it is a terminal, else lines.
    """

    def __init__(self, config: Config, display: Display, options: Options, stdin: int | None = None) -> None:
        self._config = config
        self._display = display
        self._options = options
        stdin = sys.stdin.fileno() if stdin is None else stdin
        self._controls = Controls(stdin, options.push_to_talk, self._typed, self._end)
        self._assistant: Assistant | None = None
        self._witnesses = Witnesses(display.note, self._deaf)
        self._desk_problem = ""
        self._state: TalkState = "listening"
        self._early: deque[str] = deque(maxlen=_EARLY_LINES)
        self._warming: anyio.CancelScope | None = None

    async def run(self) -> None:
        """Talk to the end.

        Raises:
            AssistantError: A model, a device, a key or a kept talk cannot be used.
        """
        thread = MlxThread(give_back, self._config.memory.clear_after_s)
        try:
            async with anyio.create_task_group() as self._tasks:
                with self._controls.listening(self._options.global_key, self._display.note):
                    await self._tasks.start(self._end_on_signal, name="signals")
                    await self._talk(thread)
                    self._end()
        finally:
            self._display.close()
            thread.close()  # last: it waits for the running step

    def _end(self) -> None:
        self._tasks.cancel_scope.cancel()

    async def _end_on_signal(self, *, task_status: TaskStatus[None]) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
            task_status.started()
            async for _ in signals:
                self._end()

    async def _talk(self, thread: MlxThread) -> None:
        config, options = self._config, self._options
        if options.record is not None and options.resume is not None:
            raise KeepingError("A script has no memory of an earlier talk; leave out --record or --resume.")
        earlier = kept.resume(options.resume) if options.resume is not None else ()
        desk = open_desk(config, self._desk_changed)
        models = await self._load(thread)
        began = datetime.now().astimezone()
        clock = TalkClock(began)
        history = History(config.chat.system_prompt, clock, earlier)
        await self._warm(thread, models, history)
        witnesses, push_to_talk = self._witnesses, options.push_to_talk
        with (
            witnesses.keeping(desk, options.save, options.resume) as desk,
            witnesses.recording(desk, options.record, config, options.profile, push_to_talk, began) as desk,
        ):
            clock.restart()
            self._assistant = assistant = Assistant(
                config,
                desk,
                models,
                thread,
                clock,
                history,
                push_to_talk,
                self._turn_changed,
                _REMEMBERED_TURNS,
                witnesses.heard,
            )
            self._controls.talk = assistant
            for line in self._early:
                self._typed(line)
            self._display.progress("")
            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._show, assistant, name="show")
                    tasks.start_soon(self._keep_warm, thread, models, history, assistant, name="keep warm")
                    await assistant.run()
                    tasks.cancel_scope.cancel()
            finally:
                assistant.conversation.cancel()  # so that the turn in hand is shown and kept, as far as it was heard

    # models

    async def _load(self, thread: MlxThread) -> Models:
        names = self._config.models

        async def load(name: str, loader: Callable[[Config], T]) -> T:
            self._display.progress(f"loading {name}")
            return await thread.call(lambda: loader(self._config))

        return Models(
            await load(names.transcriber, load_transcriber),
            await load(names.chat, load_chat),
            await load(names.voice, load_voice),
            await load(names.turn, load_turn) if names.turn else None,
        )

    async def _warm(self, thread: MlxThread, models: Models, history: History) -> None:
        self._display.progress("warming up")
        async with thread.run(warm_steps(models, history), lambda: Priority.HELD) as steps:
            async for _ in steps:
                pass

    async def _keep_warm(self, thread: MlxThread, models: Models, history: History, assistant: Assistant) -> None:
        """Unused for long, kernels and wired memory are taken away: use them before somebody waits for them."""
        conversation = assistant.conversation
        while True:
            with anyio.move_on_after(self._config.talk.idle_warm_up_s) as wait:
                await conversation.wait_changed()
            if wait.cancelled_caught and conversation.idle:
                async with anyio.create_task_group() as tasks:
                    self._warming = tasks.cancel_scope
                    tasks.start_soon(self._until_changed, assistant, tasks.cancel_scope)
                    await self._warm(thread, models, history)
                    tasks.cancel_scope.cancel()
                self._display.progress("")

    async def _until_changed(self, assistant: Assistant, scope: anyio.CancelScope) -> None:
        await assistant.conversation.wait_changed()
        scope.cancel()

    def _deaf(self) -> bool:
        return self._assistant is not None and (self._assistant.muted or self._assistant.asleep)

    # what is shown and sounded

    def _turn_changed(self, record: TurnRecord) -> None:
        self._witnesses.changed(record)
        self._display.turn(record)

    def _desk_changed(self, status: DeskStatus) -> None:
        if status.problem and not self._desk_problem:
            self._chime("lost")
        self._desk_problem = status.problem
        self._display.desk(status)

    async def _show(self, assistant: Assistant) -> None:
        while True:
            state = assistant.state
            if name := earcon_between(self._state, state):
                self._chime(name)
            self._state = state
            self._display.now(self._now(assistant))
            await anyio.sleep(TICK_S)

    def _now(self, assistant: Assistant) -> Now:
        line, conversation = self._controls.line, assistant.conversation
        reply = conversation.floor.reply
        sounded = conversation.sounded(reply.record) if reply is not None else []
        return Now(
            assistant.state,
            assistant.capture.level_db,
            sounded[0][0] if sounded else None,
            None if line is None else line.text,
            0 if line is None else line.cursor,
            self._controls.help(assistant.state),
        )

    def _chime(self, name: Earcon) -> None:
        settings = self._config.earcons
        if settings.enabled and self._assistant is not None:
            speaker = self._assistant.speaker
            speaker.chime(earcon(name, speaker.rate_hz, settings.level_db))

    def _typed(self, line: str) -> None:
        if self._assistant is None:
            self._early.append(line)
            return
        if self._warming is not None:  # the reply will ask for the language model, which serves one at a time
            self._warming.cancel()
        self._tasks.start_soon(self._assistant.type, line, name="line")
