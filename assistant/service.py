"""A talk from login on: what is run, and how launchd and systemd are told of it.

See launchd.plist(5) and systemd.service(5). `service_manager` puts the files in place.
"""

from __future__ import annotations

import os
import platform
import plistlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LABEL = "local.assistant.talk"
UNIT = "assistant.service"
_CARRIED = ("PATH", "ASSISTANT_MODELS")
"""Of the environment, what a talk started by the system would lack."""
_RESTART_S = 10
_TRIES, _TRIES_WITHIN_S = 10, 600
"""What fails this often is not mended by starting it again: a wrong setting, a missing model."""
_THROTTLE_S = 30
"""launchd never gives up, so it tries seldom; a talk that lasted longer than this is taken up at once."""


@dataclass(frozen=True, slots=True)
class Job:
    """What the system is to run."""

    command: tuple[str, ...]
    folder: Path
    """Where it runs, so that relative paths among its options mean what they meant when it was installed."""
    environment: Mapping[str, str]


def log_file() -> Path:
    """Where the service logs what it does, never what is said."""
    if platform.system() == "Darwin":
        return Path.home() / "Library" / "Logs" / "assistant" / "service.log"
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "assistant" / "service.log"


def talk_job(options: Sequence[str], log: Path) -> Job:
    """`assistant talk` with these options, by this very interpreter."""
    command = (sys.executable, "-P", "-m", "assistant", "talk", "--log", str(log), *options)
    environment = {name: os.environ[name] for name in _CARRIED if name in os.environ}
    return Job(command, Path.cwd(), environment)


def agent(job: Job) -> bytes:
    """The property list of the launchd agent.

    Its output goes nowhere, since nothing rotates it: the talk logs its errors itself, and macOS keeps
    reports of native crashes.
    """
    return plistlib.dumps(
        {
            "Label": LABEL,
            "ProgramArguments": list(job.command),
            "WorkingDirectory": str(job.folder),
            "EnvironmentVariables": dict(job.environment),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": _THROTTLE_S,
            "ProcessType": "Interactive",  # else its threads are throttled, and sound stutters
            "LimitLoadToSessionType": "Aqua",
            "StandardOutPath": "/dev/null",
            "StandardErrorPath": "/dev/null",
        }
    )


def unit(job: Job) -> str:
    """The text of the systemd unit."""
    environment = "".join(f"Environment={_quoted(f'{name}={value}')}\n" for name, value in job.environment.items())
    command = " ".join(_quoted(word).replace("$", "$$") for word in job.command)
    return f"""[Unit]
Description=A voice assistant that runs wholly on this machine
After=pipewire.service pipewire-pulse.service wireplumber.service pulseaudio.service sound.target
StartLimitIntervalSec={_TRIES_WITHIN_S}
StartLimitBurst={_TRIES}

[Service]
ExecStart={command}
WorkingDirectory={str(job.folder).replace("%", "%%")}
{environment}StandardOutput=null
StandardError=journal
Restart=on-failure
RestartSec={_RESTART_S}

[Install]
WantedBy=default.target
"""


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("\n", "\\n")
    return f'"{escaped}"'
