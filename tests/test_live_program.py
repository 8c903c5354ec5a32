"""`assistant talk` as a program: on a terminal, behind a pipe, and how it ends. Models and devices are fakes."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

PROGRAM = [sys.executable, str(Path(__file__).parent / "live_fakes.py"), "talk", "--profile", "small"]
PATIENCE_S = 30
PUSH, POP = b"\x1b[>27u", b"\x1b[<u"
CURSOR_ON, CURSOR_OFF = b"\x1b[?25h", b"\x1b[?25l"


class Terminal:
    """The program on a pty that is its controlling terminal."""

    def __init__(self, *options: str) -> None:
        self.ours, self.theirs = os.openpty()
        self.before = termios.tcgetattr(self.theirs)
        self.output = b""
        self.program = subprocess.Popen(
            [*PROGRAM, *options],
            stdin=self.theirs,
            stdout=self.theirs,
            stderr=self.theirs,
            env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"},
            preexec_fn=lambda: os.login_tty(self.theirs),
        )

    def read_until(self, condition: Callable[[bytes], object]) -> None:
        """Read what it writes until that is enough; what it writes is read even while nobody asks."""
        give_up = time.monotonic() + PATIENCE_S
        while not condition(self.output):
            assert time.monotonic() < give_up, self.output[-2000:]
            if select.select([self.ours], [], [], 0.05)[0]:
                self.output += os.read(self.ours, 65536)

    def type(self, data: bytes) -> None:
        os.write(self.ours, data)

    def ended(self) -> int:
        """Wait for its end; its exit status."""
        self.read_until(lambda _: self.program.poll() is not None)
        with contextlib.suppress(AssertionError):
            self.read_until(lambda _: not select.select([self.ours], [], [], 0)[0])
        return self.program.wait()


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """Running, and its keys are read."""
    one = Terminal()
    try:
        one.read_until(lambda output: b"listening" in output)
        yield one
    finally:
        one.program.kill()
        one.program.wait()
        os.close(one.theirs)
        with contextlib.suppress(OSError):
            os.close(one.ours)


def left_as_found(terminal: Terminal) -> bool:
    """The terminal's settings, its keyboard and its cursor."""
    return (
        termios.tcgetattr(terminal.theirs) == terminal.before
        and terminal.output.count(PUSH) == terminal.output.count(POP)
        and terminal.output.rfind(CURSOR_ON) > terminal.output.rfind(CURSOR_OFF)
    )


def test_a_typed_line_is_answered_on_the_screen(terminal: Terminal) -> None:
    """The keys are named, the line is shown, and so is the reply while it is spoken."""
    terminal.read_until(lambda output: b"enter type a line" in output and b"headphones" in output)
    terminal.type(b"\rhow are you")
    terminal.read_until(lambda output: b"> how are you" in output)
    terminal.type(b"\r")
    terminal.read_until(lambda output: b"speaking" in output and b"the end." in output)
    terminal.type(b"q")
    assert terminal.ended() == 0
    assert b"interrupted" in terminal.output
    assert left_as_found(terminal)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_and_leaves_the_terminal_as_it_was(terminal: Terminal, how: signal.Signals) -> None:
    """The kitty protocol is popped, even while it speaks."""
    terminal.type(b"\x1b[?0u")
    terminal.read_until(lambda output: PUSH in output)
    terminal.type(b"\x1b[13u\x1b[97;1;97u\x1b[13u")
    terminal.read_until(lambda output: b"speaking" in output)
    terminal.program.send_signal(how)
    assert terminal.ended() == 0
    assert terminal.output.count(POP) == 1
    assert left_as_found(terminal)


def test_ctrl_c_ends_it(terminal: Terminal) -> None:
    """As the terminal itself sends it."""
    terminal.type(b"\x03")
    assert terminal.ended() == 0
    assert left_as_found(terminal)


def test_a_closed_window_ends_it(terminal: Terminal) -> None:
    """Without a word: there is nobody to read it."""
    os.close(terminal.theirs)
    os.close(terminal.ours)
    try:
        assert terminal.program.wait(PATIENCE_S) == 0
    finally:
        terminal.ours, terminal.theirs = os.openpty()


@contextlib.contextmanager
def behind_pipes(*options: str, said: Sequence[tuple[str, float]] = ()) -> Iterator[Piped]:
    """The program with pipes to all its ends."""
    environment = os.environ | {"SAID": json.dumps(said)}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*PROGRAM, *options], stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment
    ) as one:
        assert one.stdin is not None and one.stdout is not None and one.stderr is not None
        try:
            yield Piped(one, one.stdin, one.stdout, one.stderr)
        finally:
            one.kill()


@dataclass
class Piped:
    """A program and its pipes."""

    program: subprocess.Popen[str]
    stdin: IO[str]
    stdout: IO[str]
    stderr: IO[str]

    def type(self, line: str) -> None:
        self.stdin.write(line + "\n")
        self.stdin.flush()

    def ended(self) -> tuple[int, str]:
        """Its exit status, and what it wrote to stderr."""
        return self.program.wait(PATIENCE_S), self.stderr.read()


def test_events_behind_a_pipe() -> None:
    """Speech and lines from stdin are turns; what a program reads is JSON and nothing else."""
    events: list[dict[str, Any]] = []
    with behind_pipes("--json-events", said=[("rhasspy3_what_time_is_it.wav", 0.5)]) as piped:
        for line in piped.stdout:
            events.append(json.loads(line))
            kind, state, latency_ms = (events[-1].get(name) for name in ("kind", "state", "latency_ms"))
            if state == "open" and latency_ms and kind == "spoken":
                piped.type("and now?")
            elif state == "open" and latency_ms:
                piped.program.send_signal(signal.SIGTERM)
        assert piped.ended() == (0, "")
    turns = [event for event in events if event["event"] == "turn"]
    assert [turn["transcript"] for turn in turns if turn["state"] == "cut"] == ["tell me a story", "and now?"]
    assert any(turn["latency_ms"] for turn in turns)
    assert events[-1] == {"event": "ended"}


def test_a_reader_that_has_read_enough_ends_it() -> None:
    """As `| head -1` does."""
    with behind_pipes("--json-events") as piped:
        assert "loading" in piped.stdout.readline()
        piped.stdout.close()
        assert piped.ended() == (0, "")


def test_plain_lines_behind_a_pipe() -> None:
    """No terminal, no colours, no control codes."""
    lines: list[str] = []
    with behind_pipes() as piped:
        for line in piped.stdout:
            lines.append(line)
            if line == "ready\n":
                piped.type("hello")
            if line == "you: hello\n":
                piped.program.send_signal(signal.SIGINT)
        assert piped.ended() == (0, "")
    assert lines[0] == "loading whisper-tiny.en ...\n"
    assert not [line for line in lines if "\x1b" in line]


@pytest.mark.parametrize(
    "options", [["--resume", "nowhere"], ["--set", "devices.microfone=x"], ["--global-key", "no such key"]], ids=str
)
def test_a_mistake_is_one_sentence(options: list[str]) -> None:
    """And exit status 2."""
    with behind_pipes(*options) as piped:
        status, error = piped.ended()
        assert (status, piped.stdout.read(), error.count("\n")) == (2, "", 1), error
