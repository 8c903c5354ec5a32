"""What every test has: the small configuration, repeatable properties, and no network."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from assistant import config as configuration
from assistant.config import Config
from assistant.models import cpu

if TYPE_CHECKING:
    from live_user import Desk

pytest_plugins = ["pulse"]

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("repeatable")

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's job in the background inherits it ignored
cpu.prepare(blas_threads=2)  # MLX binds to its BLAS when it is first imported, by whatever test module

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class _NetworkGuard:
    """An audit hook: it sees every thread and library, and cannot be caught as an OSError and forgotten."""

    def __init__(self) -> None:
        self.loopback_allowed = True
        self.attempts: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not event.startswith("socket."):
            return
        host = None
        if event in ("socket.connect", "socket.sendto"):
            connection, address = arguments
            host = address[0] if connection.family != socket.AF_UNIX else None
        elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
            host = arguments[0]
        elif event == "socket.__new__" and not self.loopback_allowed:
            host = "a new socket" if arguments[1] in (socket.AF_INET, socket.AF_INET6) else None
        if host is None or (self.loopback_allowed and host in _LOOPBACK):
            return
        self.attempts.append(f"{event}: {host}")
        raise AssertionError(f"a test reached for the network: {self.attempts[-1]}")


_guard = _NetworkGuard()
sys.addaudithook(_guard)


@pytest.fixture(autouse=True)
def network_attempts() -> Iterator[list[str]]:
    """Nothing but loopback; an attempt fails the test even where a library swallows the error."""
    _guard.attempts.clear()
    yield _guard.attempts
    assert not _guard.attempts


@pytest.fixture
def no_network() -> Iterator[None]:
    """Not even loopback: no socket can be made but those of this machine's own processes (AF_UNIX)."""
    _guard.loopback_allowed = False
    yield
    _guard.loopback_allowed = True


@pytest.fixture
def config() -> Config:
    """The configuration of the small real models."""
    return configuration.load("small")


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A live talk on fakes, at whose desk nothing has happened."""
    from live_user import Desk  # the whole program, which most tests do without

    one = Desk(monkeypatch.setattr)
    yield one
    one.close()


@pytest.fixture(autouse=True)
def own_step_store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What hand-written models answer must never be kept as if real ones had."""
    if request.node.get_closest_marker("models") is None:
        monkeypatch.setenv("ASSISTANT_STEPS", str(tmp_path / "steps"))
