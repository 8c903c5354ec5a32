"""The display of a talk that nobody watches: a log of states and errors, never of what is said."""

from __future__ import annotations

import logging
import os
import traceback
from dataclasses import replace
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from assistant.errors import AssistantError, ServiceError
from assistant.metrics import DeskStatus, TalkState, TurnRecord
from assistant.screen.display import Now
from assistant.screen.latency import latency
from assistant.screen.words import describe_desk, describe_latency

_FILE_BYTES, _OLD_FILES = 1_000_000, 3
_LASTING: tuple[TalkState, ...] = ("asleep", "muted")
"""The other states come and go with every turn, and each turn has a line."""


class Log:
    """A Display that writes to a file: rotated at a megabyte, three older ones kept, for its owner alone.

    As a context it also notes the error that ends the talk; of an unexpected one only where it was
    raised, since its text might hold what was said.

    Args:
        file: The newest; .1 to .3 behind its name are older.

    Raises:
        ServiceError: It cannot be written.
    """

    def __init__(self, file: Path) -> None:
        self._state: TalkState = "listening"
        self._desk = ""
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._handler = _PrivateFile(file, maxBytes=_FILE_BYTES, backupCount=_OLD_FILES)
        except OSError as error:
            raise ServiceError(f"The log {file} cannot be written: {error.strerror}.") from None
        self._handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        self._log = logging.Logger("talk")  # of its own: what libraries log is not known to keep words to itself
        self._log.addHandler(self._handler)

    def __enter__(self) -> Log:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, AssistantError):
            self._log.error(str(error))
        elif isinstance(error, Exception):
            places = "".join(traceback.format_tb(error.__traceback__))
            self._log.error("Unexpected %s\n%s", type(error).__name__, places.rstrip())
        self._log.info("ended")
        self._handler.close()

    def progress(self, doing: str) -> None:
        """See Display."""
        self._log.info(doing or "ready")

    def note(self, text: str) -> None:
        """See Display."""
        self._log.info(text)

    def desk(self, status: DeskStatus) -> None:
        """See Display."""
        devices = describe_desk(replace(status, xruns=0))  # else a line for each
        text = status.problem or ". ".join(part for part in (devices, status.warning) if part)
        if text != self._desk:
            self._log.log(logging.WARNING if status.problem or status.warning else logging.INFO, text)
        self._desk = text

    def turn(self, record: TurnRecord) -> None:
        """See Display."""
        if record.state in ("done", "cut", "rejected"):
            taken = latency(record)
            took = "" if taken is None else describe_latency(taken)
            parts = (record.kind, record.state, record.reason, record.command, took)
            self._log.info("turn: %s", ", ".join(part for part in parts if part))

    def now(self, now: Now) -> None:
        """See Display."""
        if now.state != self._state and (now.state in _LASTING or self._state in _LASTING):
            self._log.info(now.state if now.state in _LASTING else "listening")
        self._state = now.state

    def close(self) -> None:
        """See Display; the log goes on to the end of its context, for the error that may have ended the talk."""


class _PrivateFile(RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        return TextIOWrapper(open(self.baseFilename, "ab", opener=_private), encoding="utf-8")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
