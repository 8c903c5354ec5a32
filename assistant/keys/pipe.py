"""Lines that come through a pipe, each of them a turn."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
from collections.abc import Callable, Iterator

_READ_BYTES = 4096
_LONGEST_LINE = 100_000
"""What is longer is no question; the rest of it begins another line."""


@contextlib.contextmanager
def piped_lines(fd: int, on_line: Callable[[str], None]) -> Iterator[None]:
    """Tell of each line that says something, while the context lasts; made inside the running loop.

    A file or the null device cannot be waited for; nobody types there, so they are left unread.
    """
    loop = asyncio.get_running_loop()
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    begun = ""

    def read() -> None:
        nonlocal begun
        data = os.read(fd, _READ_BYTES)
        *lines, begun = (begun + decoder.decode(data)).split("\n")
        if not data or len(begun) > _LONGEST_LINE:
            lines, begun = [*lines, begun], ""
        if not data:
            loop.remove_reader(fd)
        for line in lines:
            if line.strip():
                on_line(line.strip())

    try:
        loop.add_reader(fd, read)
    except OSError:  # epoll's PermissionError
        yield
        return
    try:
        yield
    finally:
        loop.remove_reader(fd)
