"""The keyboard of a terminal, over a pty."""

from __future__ import annotations

import os
import select
import termios
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import anyio
import pytest

from assistant.keys.parser import Key
from assistant.keys.pipe import piped_lines
from assistant.keys.terminal import TerminalKeys

ASK, PUSH, POP = b"\x1b[?u", b"\x1b[>27u", b"\x1b[<u"


@dataclass
class Terminal:
    """Both ends of a pty: what the program has written can be read, and keys can be typed."""

    ours: int
    theirs: int
    keys: list[Key] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def reader(self) -> TerminalKeys:
        return TerminalKeys(
            self.theirs, self.keys.append, lambda: self.told.append("hold"), lambda: self.told.append("closed")
        )

    def type(self, data: bytes) -> None:
        os.write(self.ours, data)

    def written(self) -> bytes:
        data = b""
        while select.select([self.ours], [], [], 0)[0]:
            data += os.read(self.ours, 4096)
        return data

    def settings(self) -> list[object]:
        return termios.tcgetattr(self.theirs)

    def use(self, while_open: Callable[[], Awaitable[None]]) -> None:
        """Read keys while something happens."""

        async def read() -> None:
            with self.reader():
                await while_open()

        anyio.run(read)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """A terminal as a shell leaves it."""
    ours, theirs = os.openpty()
    pair = Terminal(ours, theirs)
    yield pair
    os.close(pair.ours)
    os.close(pair.theirs)


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that happens in this loop."""
    with anyio.fail_after(10):
        while True:
            if condition():
                return
            await anyio.sleep(0.005)


def test_a_terminal_that_knows_kitty_is_asked_for_releases(terminal: Terminal) -> None:
    """Its answer switches the protocol on, once; leaving switches it off, once."""
    written = []

    async def answer() -> None:
        written.append(terminal.written())
        terminal.type(b"\x1b[?0")
        await anyio.sleep(0.1)
        terminal.type(b"u\x1b[?0u")
        await until(lambda: terminal.told)
        terminal.type(b"\x1b[32u\x1b[32;1:3u")
        await until(lambda: len(terminal.keys) == 2)
        written.append(terminal.written())

    terminal.use(answer)
    assert ASK in written[0] and PUSH not in written[0]
    assert written[1].count(PUSH) == 1
    assert terminal.written().count(POP) == 1
    assert terminal.told == ["hold"]
    assert [key.action for key in terminal.keys] == ["press", "release"]


def test_a_terminal_that_does_not_answer_is_left_as_it_is(terminal: Terminal) -> None:
    """Keys come all the same, and nothing is switched off that was not switched on."""

    async def keys() -> None:
        terminal.type(b" q")
        await until(lambda: len(terminal.keys) == 2)

    terminal.use(keys)
    assert [key.name for key in terminal.keys] == ["space", "q"]
    assert terminal.told == []
    assert POP not in terminal.written()


def test_the_terminal_is_put_back(terminal: Terminal) -> None:
    """Line by line and with echo, as it was; and closing twice closes once."""
    before, during = terminal.settings(), []

    async def look() -> None:
        during.append(terminal.settings())

    terminal.use(look)
    assert during[0] != before
    assert terminal.settings() == before


def test_an_error_puts_the_terminal_back_too(terminal: Terminal) -> None:
    """The shell behind it must not get key codes."""
    before = terminal.settings()

    async def fail() -> None:
        terminal.type(b"\x1b[?1u")
        await until(lambda: terminal.told)
        raise ValueError

    with pytest.raises(ValueError):
        terminal.use(fail)
    assert terminal.settings() == before
    assert POP in terminal.written()


def test_a_lone_escape_is_told_after_a_moment(terminal: Terminal) -> None:
    """And an arrow that comes in two pieces is not taken for one."""

    async def keys() -> None:
        terminal.type(b"\x1b")
        await until(lambda: terminal.keys)
        terminal.type(b"\x1b[")
        await anyio.sleep(0.1)
        terminal.type(b"A")
        await until(lambda: len(terminal.keys) == 2)

    terminal.use(keys)
    assert [key.name for key in terminal.keys] == ["escape", "up"]


def test_a_terminal_that_goes_away_is_told(terminal: Terminal) -> None:
    """Its window was closed."""

    async def close() -> None:
        os.close(terminal.ours)
        await until(lambda: terminal.told)

    terminal.use(close)
    assert terminal.told == ["closed"]
    terminal.ours = os.open(os.devnull, os.O_RDONLY)


def test_lines_from_a_pipe_are_told_whole() -> None:
    """In whatever pieces they come; blank ones are nothing; the last needs no end."""
    theirs, ours = os.pipe()
    lines: list[str] = []

    async def read() -> None:
        with piped_lines(theirs, lines.append):
            for piece in (b"how ar", b"e you?\n\n caf\xc3", b"\xa9 \nbye"):
                os.write(ours, piece)
                await anyio.sleep(0.02)
            os.close(ours)
            await until(lambda: len(lines) == 3)

    anyio.run(read)
    os.close(theirs)
    assert lines == ["how are you?", "café", "bye"]


def test_the_null_device_types_nothing() -> None:
    """As under a service manager."""
    null = os.open(os.devnull, os.O_RDONLY)

    async def read() -> None:
        with piped_lines(null, lambda line: pytest.fail(line)):
            await anyio.sleep(0.02)

    anyio.run(read)
    os.close(null)
