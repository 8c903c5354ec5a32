"""The keyboard of a terminal, read from the event loop.

The terminal is asked whether it tells of key releases (kitty keyboard protocol). Nobody waits for the answer:
when it comes, the protocol is switched on, and it is switched off again however the program ends.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import termios
import tty
from collections.abc import Callable
from types import TracebackType

from assistant.keys.parser import Key, KeyParser, KittySupported

_ASK_KITTY = b"\x1b[?u"
_PUSH_KITTY = b"\x1b[>27u"
"""1 escape codes are unambiguous, 2 releases are told, 8 of text keys too, 16 with the text they type."""
_POP_KITTY = b"\x1b[<u"
_BRACKET_PASTES = b"\x1b[?2004h"
_PLAIN_PASTES = b"\x1b[?2004l"

_ESCAPE_S = 0.05
"""A lone escape byte is the key when nothing follows for so long; sequences come in one piece, or nearly."""
_READ_BYTES = 4096


class TerminalKeys:
    """A context in which a terminal's keys are told one by one; made inside the running loop.

    Args:
        fd: The terminal, open for reading; answers are asked for through the same terminal.
        on_key: Called for each key.
        on_hold: Called once, when it turns out that releases are told.
        on_closed: Called once, when the terminal has gone away.
    """

    def __init__(
        self, fd: int, on_key: Callable[[Key], None], on_hold: Callable[[], None], on_closed: Callable[[], None]
    ) -> None:
        self._fd = fd
        self._on_key = on_key
        self._on_hold = on_hold
        self._on_closed = on_closed
        self._parser = KeyParser()
        self._loop = asyncio.get_running_loop()
        self._escape: asyncio.TimerHandle | None = None
        self._undo: list[bytes] = []
        self._restore = contextlib.ExitStack()

    def __enter__(self) -> TerminalKeys:
        # fd 0 may have been opened for reading only
        self._out = os.open(os.ttyname(self._fd), os.O_WRONLY | os.O_NOCTTY)
        self._before = termios.tcgetattr(self._fd)
        atexit.register(self.close)
        self._restore.callback(self._put_back)
        tty.setcbreak(self._fd)
        unsuspendable = termios.tcgetattr(self._fd)
        unsuspendable[6][termios.VSUSP] = b"\0"  # stopped by Ctrl-Z it would leave its key codes to the shell
        termios.tcsetattr(self._fd, termios.TCSANOW, unsuspendable)
        self._write(_BRACKET_PASTES, _PLAIN_PASTES)
        self._write(_ASK_KITTY)
        self._loop.add_reader(self._fd, self._read)
        self._restore.callback(self._loop.remove_reader, self._fd)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the terminal as it was found; idempotent."""
        if self._escape is not None:
            self._escape.cancel()
        self._restore.close()
        atexit.unregister(self.close)

    def _put_back(self) -> None:
        with contextlib.suppress(OSError, termios.error):  # a closed terminal needs nothing
            os.write(self._out, b"".join(reversed(self._undo)))
            termios.tcsetattr(self._fd, termios.TCSAFLUSH, self._before)
        os.close(self._out)

    def _write(self, command: bytes, undo: bytes = b"") -> None:
        self._undo.append(undo)
        with contextlib.suppress(OSError):  # the reader is told that the terminal is gone
            os.write(self._out, command)

    def _read(self) -> None:
        try:
            data = os.read(self._fd, _READ_BYTES)
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(self._fd)
            self._on_closed()
            return
        if self._escape is not None:
            self._escape.cancel()
        self._tell(self._parser.feed(data))
        self._escape = self._loop.call_later(_ESCAPE_S, self._flush)

    def _flush(self) -> None:
        self._tell(self._parser.flush())

    def _tell(self, news: list[Key | KittySupported]) -> None:
        for one in news:
            if isinstance(one, Key):
                self._on_key(one)
            elif _POP_KITTY not in self._undo:
                self._write(_PUSH_KITTY, _POP_KITTY)
                self._on_hold()
