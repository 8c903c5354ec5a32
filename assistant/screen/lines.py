"""The talk as plain lines, for a pipe, a log or a terminal without colours."""

from __future__ import annotations

import io

from assistant.metrics import DeskStatus, TalkState, TurnRecord
from assistant.screen.display import Now
from assistant.screen.latency import latency
from assistant.screen.words import describe_desk, describe_latency

_WORTH_A_LINE = ("asleep", "muted")


class PlainLines:
    """A Display that writes a line when something is certain, and never takes one back."""

    def __init__(self, out: io.TextIOBase) -> None:
        self._out = out
        self._state: TalkState = "listening"
        self._desk = ""
        self._problems = ("", "")
        self._asked: list[TurnRecord] = []
        self._keys = ""

    def progress(self, doing: str) -> None:
        """See Display."""
        self._write(f"{doing} ..." if doing else "ready")

    def note(self, text: str) -> None:
        """See Display."""
        self._write(text)

    def desk(self, status: DeskStatus) -> None:
        """See Display."""
        for text, before in zip((status.problem, status.warning), self._problems, strict=True):
            if text and text != before:
                self._write(text)
        self._problems = (status.problem, status.warning)
        devices = describe_desk(status)
        if devices != self._desk and not status.problem:
            self._desk = devices
            self._write(devices)

    def turn(self, record: TurnRecord) -> None:
        """See Display."""
        asked = any(one is record for one in self._asked)
        if record.state in ("open", "done", "cut") and not asked:
            self._asked.append(record)
            self._write(f"you: {record.transcript}")
        if record.state not in ("held", "open"):
            self._asked = [one for one in self._asked if one is not record]
            heard = [record.reply_heard] if record.reply_heard else []
            heard += ["[interrupted]"] if record.state == "cut" else []
            if heard:  # a voice command may be obeyed without a word
                self._write(f"assistant: {' '.join(heard)}")
            if record.state in ("done", "cut") and (taken := latency(record)):
                self._write(f"  {describe_latency(taken)}")

    def now(self, now: Now) -> None:
        """See Display."""
        if now.state != self._state:
            if now.state in _WORTH_A_LINE:
                self._write(now.state)
            elif self._state in _WORTH_A_LINE:
                self._write("listening again")
            self._state = now.state
        if now.keys and not self._keys:  # once: they change with every state
            self._keys = now.keys
            self._write(f"[{now.keys}]")

    def close(self) -> None:
        """See Display."""

    def _write(self, line: str) -> None:
        self._out.write(line + "\n")
        self._out.flush()
