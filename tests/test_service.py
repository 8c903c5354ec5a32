"""The service: the files that the system reads, the commands that it is given, and the log."""

from __future__ import annotations

import configparser
import json
import os
import plistlib
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assistant.cli import app
from assistant.errors import ConfigError, ServiceError
from assistant.service import LABEL, Job, agent, talk_job, unit
from assistant.service_manager import Launchd, Status, Systemd, this_system

ODD = ("--save", 'my "talks" at 100%\\$HOME', "--set", "chat.system_prompt=It's {date_and_time}")
JOB = Job(("/opt/py thon", "-m", "assistant", "talk", *ODD), Path("/home/me/100% mine"), {"PATH": "/a b:/c"})


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


class System:
    """Answers launchctl or systemctl, and remembers what it was told."""

    def __init__(self, **answers: tuple[int, str]) -> None:
        self.told: list[str] = []
        self._answers = answers

    def __call__(self, command: Sequence[str]) -> tuple[int, str]:
        """See service_manager.Call."""
        self.told.append(shlex.join(command))
        return next((answer for word, answer in self._answers.items() if word.replace("_", "-") in command), (0, ""))


def parsed(text: str) -> configparser.ConfigParser:
    """A unit, its keys as they are written."""
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(text)
    return parser


def words(value: str) -> list[str]:
    """A command line as systemd reads it: specifiers, then quotes, then variables (systemd.service(5))."""
    assert "%" not in value.replace("%%", "")
    read = shlex.split(value.replace("%%", "%"))
    assert all("$" not in word.replace("$$", "") for word in read)
    return [word.replace("$$", "$") for word in read]


def test_the_unit_says_what_to_run_and_when_to_start_it_anew() -> None:
    """Every word of the command comes through, whatever is in it."""
    read = parsed(unit(JOB))
    service = read["Service"]
    assert tuple(words(service["ExecStart"])) == JOB.command
    assert service["WorkingDirectory"] == "/home/me/100%% mine"
    assert service["Environment"] == '"PATH=/a b:/c"'
    assert (service["Restart"], service["RestartSec"]) == ("on-failure", "10")
    assert service["StandardOutput"] == "null"
    assert int(read["Unit"]["StartLimitBurst"]) * 10 < int(read["Unit"]["StartLimitIntervalSec"])
    assert {"pipewire-pulse.service", "pulseaudio.service", "sound.target"} <= set(read["Unit"]["After"].split())
    assert read["Install"]["WantedBy"] == "default.target"


def test_the_agent_says_the_same_to_launchd() -> None:
    """Started at login and after a crash, not after an ordinary end; nothing grows unrotated."""
    assert plistlib.loads(agent(JOB)) == {
        "Label": LABEL,
        "ProgramArguments": list(JOB.command),
        "WorkingDirectory": "/home/me/100% mine",
        "EnvironmentVariables": {"PATH": "/a b:/c"},
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 30,
        "ProcessType": "Interactive",
        "LimitLoadToSessionType": "Aqua",
        "StandardOutPath": "/dev/null",
        "StandardErrorPath": "/dev/null",
    }


def test_systemd_is_told_to_load_enable_and_start(home: Path) -> None:
    """Again with other options, and the file is the new one; removed, it is gone."""
    system = System(is_active=(0, "active"))
    service = Systemd(system)
    assert service.install(JOB) == []
    other = Job(("other",), home, {})
    assert service.install(other) == []
    assert service.file.read_text(encoding="utf-8") == unit(other)
    assert list(service.file.parent.iterdir()) == [service.file]
    steps = ["systemctl --user " + words for words in ("daemon-reload", "enable assistant.service")]
    assert system.told == 2 * [*steps, "systemctl --user restart assistant.service"]
    assert service.status() == Status(service.file, True, "active")
    assert service.uninstall()
    assert system.told[-2:] == ["systemctl --user disable --now assistant.service", "systemctl --user daemon-reload"]
    assert not service.file.exists()
    assert not service.uninstall()


@pytest.mark.parametrize(
    ("answer", "running"),
    [
        ((0, "active"), True),
        ((3, "activating"), False),
        ((3, "failed"), False),
        ((1, "Failed to connect to bus: No medium found"), None),
        ((127, ""), None),
    ],
)
def test_what_systemd_says(answer: tuple[int, str], running: bool | None) -> None:
    """Not installed, and running or not, as far as there is anybody to ask."""
    status = Systemd(System(is_active=answer)).status()
    assert (status.file, status.running) == (None, running)


def test_what_cannot_be_started_from_here_is_told_as_commands(home: Path) -> None:
    """As over ssh, where the user's service manager does not run; the file is written all the same."""
    service = Systemd(System(enable=(1, "Failed to connect to bus: No medium found")))
    (note,) = service.install(JOB)
    assert "(Failed to connect to bus: No medium found)" in note
    assert note.endswith(
        "type: systemctl --user enable assistant.service && systemctl --user restart assistant.service"
    )
    assert service.file.exists()


def test_launchd_is_told_to_exchange_the_agent(home: Path) -> None:
    """The old one needs a moment to go; then the microphone's permission is explained."""
    waits = iter([(5, "Bootstrap failed: 5: Input/output error"), (5, ""), (0, "")])
    system = System()
    paused: list[float] = []

    def launchctl(command: Sequence[str]) -> tuple[int, str]:
        answer = system(command)
        return next(waits) if "bootstrap" in command else answer

    service = Launchd(launchctl, paused.append)
    (note,) = service.install(JOB)
    domain = f"gui/{os.getuid()}"
    bootstrap = f"launchctl bootstrap {domain} {service.file}"
    assert system.told == [
        f"launchctl bootout {domain}/{LABEL}",
        f"launchctl enable {domain}/{LABEL}",
        *3 * [bootstrap],
    ]
    assert paused == [0.5, 0.5]
    assert "whether /opt/py thon may use the microphone" in note
    assert service.file == home / "Library/LaunchAgents/local.assistant.talk.plist"
    assert service.uninstall() and not service.file.exists()
    assert not service.uninstall()


def test_launchd_that_refuses_is_told_as_a_command() -> None:
    """As over ssh, where there is no session with a screen."""
    notes = Launchd(System(bootstrap=(125, "Domain does not support specified action"))).install(JOB)
    assert "(Domain does not support specified action)" in notes[0]
    assert "type: launchctl bootstrap gui/" in notes[0]


@pytest.mark.parametrize(
    ("answer", "running", "detail"),
    [
        ((0, "gui/501/x = {\n\tstate = running\n\tpid = 3\n\tevents = {\n\t\tstate = 0\n\t}\n}"), True, "running"),
        ((0, "x = {\n\tstate = not running\n\tlast exit code = 2\n}"), False, "not running, last exit code 2"),
        ((113, "Could not find service"), False, "not loaded"),
        ((127, ""), None, "not loaded"),
    ],
)
def test_what_launchd_says(answer: tuple[int, str], running: bool | None, detail: str) -> None:
    """Running or not, and how it ended."""
    assert Launchd(System(print=answer)).status() == Status(None, running, detail)


def test_another_system_has_no_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence."""
    monkeypatch.setattr("platform.system", lambda: "Windows")
    with pytest.raises(ServiceError, match="not on Windows; run assistant talk instead"):
        this_system()


def test_a_file_that_cannot_be_written_is_one_sentence(home: Path) -> None:
    """A file stands where its folder should be."""
    (home / ".config").touch()
    with pytest.raises(ServiceError, match=r"cannot be written to .*assistant\.service: "):
        Systemd(System()).install(JOB)


def test_a_talk_is_run_by_this_interpreter_from_this_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of that folder is imported; the models are found where they are now."""
    monkeypatch.setenv("ASSISTANT_MODELS", "/models")
    monkeypatch.chdir(tmp_path)
    job = talk_job(["--plain"], Path("/log"))
    assert job.command == (sys.executable, "-P", "-m", "assistant", "talk", "--log", "/log", "--plain")
    assert job.folder == tmp_path
    assert job.environment == {"PATH": os.environ["PATH"], "ASSISTANT_MODELS": "/models"}


def test_what_was_installed_runs(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The unit's very command, in its folder and environment: it fails as it should, and its log says why."""
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setenv("PATH", str(home))
    monkeypatch.chdir(home)
    (home / "my settings.toml").touch()
    installed = CliRunner().invoke(app, ["service", "install", "--", "--config", "my settings.toml"])
    assert installed.exit_code == 0, installed.output
    assert "in a session of your own type: systemctl --user daemon-reload && " in installed.stdout
    (home / "my settings.toml").unlink()
    service = parsed((home / ".config/systemd/user/assistant.service").read_text(encoding="utf-8"))["Service"]
    environment = dict([shlex.split(service["Environment"])[0].split("=", 1)])
    ran = subprocess.run(
        words(service["ExecStart"]),
        cwd=service["WorkingDirectory"],
        env={**environment, "HOME": str(home)},
        capture_output=True,
        text=True,
    )
    sentence = "There is no configuration file my settings.toml; check the path."
    assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", f"{sentence}\n")
    status = CliRunner().invoke(app, ["service", "status"])
    assert status.exit_code == 1
    lines = status.stdout.splitlines()
    assert lines[0] == f"installed  {home}/.config/systemd/user/assistant.service"
    assert lines[1] == "running    unknown (systemctl is not there)"
    assert lines[-2].endswith(f"ERROR {sentence}")
    facts = json.loads(CliRunner().invoke(app, ["service", "status", "--json"]).stdout)
    assert (facts["running"], facts["last"][0][-len(sentence) :]) == (None, sentence)
    assert CliRunner().invoke(app, ["service", "uninstall"]).stdout.startswith("Removed: ")
    assert CliRunner().invoke(app, ["service", "uninstall"]).stdout == "There is no service.\n"


@pytest.mark.parametrize("options", [["--sav", "x"], ["--set", "speech.sped=1"], ["--profile", "huge"]])
def test_a_wrong_option_is_found_when_it_is_installed(home: Path, options: list[str]) -> None:
    """And nothing is written."""
    outcome = CliRunner().invoke(app, ["service", "install", "--", *options])
    assert outcome.exit_code == 2 or isinstance(outcome.exception, ConfigError)
    assert not list(home.rglob("*.*"))
