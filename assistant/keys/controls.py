"""The user's hands at a talk: its terminal's keys, or lines from a pipe, and a global key."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Protocol

from assistant.keys.bindings import Bindings, Command, Meaning
from assistant.keys.global_key import global_key
from assistant.keys.line import LineEditor
from assistant.keys.parser import Key
from assistant.keys.pipe import piped_lines
from assistant.keys.terminal import TerminalKeys
from assistant.messages import LineTyped
from assistant.metrics import TalkState


class Talk(Protocol):
    """What keys do to a talk (app.Assistant)."""

    muted: bool

    @property
    def asleep(self) -> bool:
        """Nothing said is answered."""

    @property
    def talking(self) -> bool:
        """Push-to-talk: the user is speaking."""

    def press(self) -> None:
        """Push-to-talk: key down."""

    def release(self) -> None:
        """Push-to-talk: key up."""

    def interrupt(self) -> None:
        """Cut what is being said."""

    def sleep(self) -> None:
        """Answer nothing that is said."""

    def wake(self) -> None:
        """Listen again."""


class Controls:
    """Keys and lines, turned into what they do.

    Args:
        stdin: Keys if it is a terminal, else lines.
        push_to_talk: Whether space is the key to talk by.
        typed: Given each line.
        end: Called when the user wants no more.
    """

    def __init__(self, stdin: int, push_to_talk: bool, typed: Callable[[str], None], end: Callable[[], None]) -> None:
        self.talk: Talk | None = None
        """Until it is there, one can only type, or end it."""
        self._stdin = stdin
        self._bindings = Bindings(push_to_talk)
        self._typed = typed
        self._end = end

    @property
    def line(self) -> LineEditor | None:
        """The line being typed."""
        return self._bindings.line

    def help(self, state: TalkState) -> str:
        """Which keys do what at the moment; empty where there are none."""
        if self.talk is None or not os.isatty(self._stdin):
            return ""
        return self._bindings.help(state, self.talk.talking)

    @contextlib.contextmanager
    def listening(self, key: str | None, warn: Callable[[str], None]) -> Iterator[None]:
        """The time in which keys are heard, in the running loop.

        Args:
            key: Name of the global key.
            warn: Told if the system keeps keys from it.

        Raises:
            KeyboardError: There can be no such global key.
        """
        with ExitStack() as stack:
            if key is not None:
                press, release = (lambda: self.do(Command.PRESS)), (lambda: self.do(Command.RELEASE))
                stack.enter_context(global_key(key, press, release, warn))
            if os.isatty(self._stdin):
                stack.enter_context(TerminalKeys(self._stdin, self._key, self._hold, self._end))
            else:
                stack.enter_context(piped_lines(self._stdin, lambda line: self.do(LineTyped(line))))
            yield

    def do(self, meaning: Meaning) -> None:
        """Do what is asked for."""
        if meaning is Command.QUIT:
            self._end()
        elif isinstance(meaning, LineTyped):
            self._typed(meaning.text)
        elif self.talk is not None:
            self._do(meaning, self.talk)

    def _do(self, command: Command, talk: Talk) -> None:
        match command:
            case Command.PRESS:
                talk.press()
            case Command.RELEASE:
                talk.release()
            case Command.TOGGLE if talk.talking:
                talk.release()
            case Command.TOGGLE:
                talk.release()  # a hold that was capped still counts as down
                talk.press()
            case Command.MUTE:
                talk.muted = not talk.muted
            case Command.SLEEP if not talk.asleep:
                talk.sleep()
            case Command.SLEEP | Command.WAKE:
                talk.wake()
            case Command.INTERRUPT:
                talk.interrupt()

    def _key(self, key: Key) -> None:
        meaning = self._bindings.feed(key)
        if meaning is not None:
            self.do(meaning)

    def _hold(self) -> None:
        self._bindings.hold = True
