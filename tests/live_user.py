"""A display that remembers, and a user at the keys of a live talk with fakes."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import anyio
from live_fakes import LONG_REPLY, stand_in

from assistant import config
from assistant.live import LiveTalk, Options
from assistant.metrics import DeskStatus, TalkState, TurnRecord
from assistant.screen.display import Now


class Recorder:
    """A Display that remembers."""

    def __init__(self) -> None:
        self.doings: list[str] = []
        self.notes: list[str] = []
        self.status = DeskStatus()
        self.turns: list[TurnRecord] = []
        self.moments: list[Now] = []
        self.closed = False

    def progress(self, doing: str) -> None:
        self.doings.append(doing)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def desk(self, status: DeskStatus) -> None:
        self.status = status

    def turn(self, record: TurnRecord) -> None:
        if not any(one is record for one in self.turns):
            self.turns.append(record)

    def now(self, now: Now) -> None:
        self.moments.append(now)

    def close(self) -> None:
        self.closed = True

    @property
    def state(self) -> TalkState | None:
        return self.moments[-1].state if self.moments else None

    def last(self) -> TurnRecord:
        return self.turns[-1]


class Desk:
    """A talk, its display, and the keys of its terminal."""

    def __init__(self, put: Callable[[str, object], None]) -> None:
        self._put = put
        self.shown = Recorder()
        self.keyboard, self._terminal = os.openpty()

    def keys(self, text: str) -> None:
        os.write(self.keyboard, text.encode())

    async def until(self, condition: Callable[[], object]) -> None:
        with anyio.fail_after(30):
            while True:
                if condition():
                    return
                await anyio.sleep(0.01)

    async def reaches(self, state: TalkState) -> None:
        await self.until(lambda: self.shown.state == state)

    def talk(
        self,
        user: Callable[[], Coroutine[Any, Any, None]],
        options: Options | None = None,
        settings: Sequence[str] = (),
        replies: Sequence[str] = (LONG_REPLY,),
        said: Sequence[tuple[str, float]] = (),
    ) -> None:
        """Hold a talk to its end, which the user must bring about."""
        stand_in(self._put, replies, said)

        async def run() -> None:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(user)
                talk = LiveTalk(
                    config.load("small", settings=settings), self.shown, options or Options(), self._terminal
                )
                await talk.run()
                tasks.cancel_scope.cancel()

        anyio.run(run)

    def close(self) -> None:
        os.close(self.keyboard)
        os.close(self._terminal)
