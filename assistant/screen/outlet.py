"""Standard output that may go away: a closed terminal, a reader that has read enough."""

from __future__ import annotations

import io
import os
import signal
from typing import TextIO


class Outlet(io.TextIOBase):
    """Writes to a file; when nobody reads it any more the talk is asked to end, as by a terminal that hangs up."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """See io.TextIOBase; what can no longer be written is dropped."""
        try:
            self._file.write(text)
        except OSError:
            self._gone()
        return len(text)

    def flush(self) -> None:
        """See io.TextIOBase."""
        try:
            self._file.flush()
        except OSError:
            self._gone()

    def isatty(self) -> bool:
        """See io.TextIOBase."""
        return self._file.isatty()

    def fileno(self) -> int:
        """See io.TextIOBase."""
        return self._file.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a plain attribute there
        """The file's."""
        return self._file.encoding

    def _gone(self) -> None:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self._file.fileno())  # what is buffered goes there at the end, without another error
        os.close(null)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_DFL:  # else the talk has ended
            signal.raise_signal(signal.SIGHUP)
