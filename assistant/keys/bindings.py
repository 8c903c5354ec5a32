"""What keys mean to a talk.

One rule keeps single keys and typing apart: Enter opens a line, and while it is open every key is text until
Enter sends it or Esc closes it.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TypeAlias

from assistant.keys.line import LineEditor
from assistant.keys.parser import Key
from assistant.messages import LineTyped
from assistant.metrics import TalkState


class Command(Enum):
    """What the user asks for with one key."""

    PRESS = auto()
    """Push-to-talk: the key went down ..."""
    RELEASE = auto()
    """... and came up."""
    TOGGLE = auto()
    """Push-to-talk where releases are not told: down and up in turn."""
    MUTE = auto()
    SLEEP = auto()
    """To sleep, or awake."""
    WAKE = auto()
    INTERRUPT = auto()
    QUIT = auto()


Meaning: TypeAlias = Command | LineTyped

_COMMANDS = {
    "m": Command.MUTE,
    "s": Command.SLEEP,
    "x": Command.INTERRUPT,
    "escape": Command.INTERRUPT,
    "q": Command.QUIT,
    "ctrl+d": Command.QUIT,
}


class Bindings:
    """Keys in, commands and typed lines out.

    Args:
        push_to_talk: Whether space is the key to talk by; otherwise it only wakes.
    """

    def __init__(self, push_to_talk: bool) -> None:
        self.hold = False
        """The terminal tells of releases."""
        self.line: LineEditor | None = None
        """The line being typed."""
        self._push_to_talk = push_to_talk
        self._held = False

    def feed(self, key: Key) -> Meaning | None:
        """What a key means; None if nothing, or only to the line."""
        if key.name == "ctrl+c":
            return Command.QUIT
        if key.action == "release":
            return self._release(key)
        if self.line is not None:
            return self._edit(self.line, key)
        if key.name == "paste":
            self.line = LineEditor()
            self.line.feed(key)
        if key.action == "repeat":
            return None
        if key.name == "enter":
            self.line = LineEditor()
        if key.name == "space":
            return self._space()
        return _COMMANDS.get(key.name.lower())

    def help(self, state: TalkState, talking: bool) -> str:
        """Which keys do what at the moment, in one line.

        Args:
            state: Of the talk.
            talking: By push-to-talk.
        """
        if self.line is not None:
            return "enter send   esc close"
        keys = ["m unmute" if state == "muted" else "m mute", "s wake" if state == "asleep" else "s sleep"]
        if self._push_to_talk:
            keys.insert(0, "hold space to talk" if self.hold else "space done" if talking else "space talk")
        if state in ("speaking", "paused", "thinking"):
            keys.append("x or esc interrupt")
        return "   ".join([*keys, "enter type a line", "q quit"])

    def _space(self) -> Command:
        if not self._push_to_talk:
            return Command.WAKE
        self._held = self.hold
        return Command.PRESS if self.hold else Command.TOGGLE

    def _release(self, key: Key) -> Command | None:
        if key.name != "space" or not self._held:
            return None
        self._held = False
        return Command.RELEASE

    def _edit(self, line: LineEditor, key: Key) -> LineTyped | None:
        if key.name not in ("enter", "escape"):
            line.feed(key)
            return None
        self.line = None
        text = line.text.strip()
        return LineTyped(text) if key.name == "enter" and text else None
