"""Installs, asks after and removes the service: a launchd agent on macOS, a systemd user unit on Linux.

Installing again writes the file and starts the service anew. What the system does not let us do is told
as the command to type. See launchctl(1) and systemctl(1).
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from assistant.errors import ServiceError
from assistant.files import write_whole
from assistant.service import LABEL, UNIT, Job, agent, unit

Call: TypeAlias = Callable[[Sequence[str]], tuple[int, str]]
"""Runs a command: exit status and what it wrote; 127 where there is none of that name."""


@dataclass(frozen=True, slots=True)
class Status:
    """What the system says of the service."""

    file: Path | None
    """None: it is not installed."""
    running: bool | None
    """None: there is nobody to ask."""
    detail: str
    """In the system's words."""


class Service(Protocol):
    """One system's way of starting a program at login."""

    @property
    def file(self) -> Path:
        """Where it is written down."""

    def install(self, job: Job) -> list[str]:
        """Write the file and start the service anew; what is left to be done by hand or known."""

    def uninstall(self) -> bool:
        """Stop and remove it; False if there was none."""

    def status(self) -> Status:
        """Whether it is installed and running."""


def this_system() -> Service:
    """launchd or systemd.

    Raises:
        ServiceError: It is neither macOS nor Linux.
    """
    system = platform.system()
    if system == "Darwin":
        return Launchd()
    if system == "Linux":
        return Systemd()
    raise ServiceError(f"A service can be installed on macOS and Linux, not on {system}; run assistant talk instead.")


def call(command: Sequence[str]) -> tuple[int, str]:
    """Run a command of the system's; see `Call`."""
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except FileNotFoundError:
        return 127, ""
    except subprocess.TimeoutExpired:
        return 124, "it did not answer for 30 s"
    return ran.returncode, (ran.stdout + ran.stderr).strip()


_pause = threading.Event().wait


class Launchd:
    """An agent of the logged-in user's session.

    Args:
        call: Runs launchctl.
        pause: Waits between two attempts.
    """

    def __init__(self, call: Call = call, pause: Callable[[float], object] = _pause) -> None:
        self._call, self._pause = call, pause
        self._domain = f"gui/{os.getuid()}"

    @property
    def file(self) -> Path:
        """See Service."""
        return Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"

    def install(self, job: Job) -> list[str]:
        """See Service."""
        _write(self.file, agent(job))
        self._call(["launchctl", "bootout", f"{self._domain}/{LABEL}"])
        self._call(["launchctl", "enable", f"{self._domain}/{LABEL}"])
        bootstrap = ["launchctl", "bootstrap", self._domain, str(self.file)]
        status, said = self._call(bootstrap)
        for _ in range(10):  # "5: Input/output error" until the one booted out has gone
            if status != 5:
                break
            self._pause(0.5)
            status, said = self._call(bootstrap)
        program = Path(job.command[0]).resolve()
        notes = [
            f"macOS will ask whether {program} may use the microphone: a service has a permission of its own, "
            "not the terminal's. If it does not ask, and only silence is heard, allow it in "
            "System Settings > Privacy & Security > Microphone."
        ]
        return notes if status == 0 else [_by_hand([bootstrap], said), *notes]

    def uninstall(self) -> bool:
        """See Service."""
        self._call(["launchctl", "bootout", f"{self._domain}/{LABEL}"])
        return _remove(self.file)

    def status(self) -> Status:
        """See Service."""
        status, said = self._call(["launchctl", "print", f"{self._domain}/{LABEL}"])
        facts = dict(re.findall(r"^\t(state|last exit code) = (.+)$", said, re.MULTILINE))
        running = None if status == 127 else facts.get("state") == "running"
        return Status(_if_there(self.file), running, ", last exit code ".join(facts.values()) or "not loaded")


class Systemd:
    """A unit of the user's own service manager."""

    def __init__(self, call: Call = call) -> None:
        self._call = call

    @property
    def file(self) -> Path:
        """See Service."""
        config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        return Path(config) / "systemd" / "user" / UNIT

    def install(self, job: Job) -> list[str]:
        """See Service."""
        _write(self.file, unit(job).encode())
        commands = [
            ["systemctl", "--user", *words] for words in (["daemon-reload"], ["enable", UNIT], ["restart", UNIT])
        ]
        for index, command in enumerate(commands):
            status, said = self._call(command)
            if status != 0:
                return [_by_hand(commands[index:], said)]
        return []

    def uninstall(self) -> bool:
        """See Service."""
        if not self.file.exists():
            return False
        self._call(["systemctl", "--user", "disable", "--now", UNIT])
        _remove(self.file)
        self._call(["systemctl", "--user", "daemon-reload"])
        return True

    def status(self) -> Status:
        """See Service."""
        _, said = self._call(["systemctl", "--user", "is-active", UNIT])
        state = said.splitlines()[0] if said else "systemctl is not there"
        known = re.fullmatch(r"(in)?active|(de|re)?activating|reloading|failed|unknown", state) is not None
        return Status(_if_there(self.file), state == "active" if known else None, state)


def _by_hand(commands: Sequence[Sequence[str]], said: str) -> str:
    typed = " && ".join(" ".join(command) for command in commands)
    reason = f" ({said.splitlines()[-1].rstrip('.')})" if said else ""
    return f"The service could not be started from here{reason}; in a session of your own type: {typed}"


def _write(file: Path, content: bytes) -> None:
    """Whole or not at all."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, content)
    except OSError as error:
        raise ServiceError(f"The service cannot be written to {file}: {error.strerror}.") from None


def _remove(file: Path) -> bool:
    try:
        file.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ServiceError(f"The service {file} cannot be removed: {error.strerror}.") from None
    return True


def _if_there(file: Path) -> Path | None:
    return file if file.exists() else None
