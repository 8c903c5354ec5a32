"""The log of a talk that nobody watches."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from showing import answered, spoken

from assistant.errors import InferenceError, ServiceError
from assistant.metrics import DeskStatus
from assistant.screen import log as log_module
from assistant.screen.display import Now
from assistant.screen.log import Log


def logged(file: Path) -> list[str]:
    """Its lines without date and time."""
    return [line.split(" ", 2)[2] for line in file.read_text(encoding="utf-8").splitlines()]


def test_it_tells_what_happens_and_not_what_is_said(tmp_path: Path) -> None:
    """States, devices, turns in figures, one line each; no word of a transcript or a reply."""
    with Log(tmp_path / "logs" / "talk.log") as log:
        log.progress("loading whisper")
        log.progress("")
        log.desk(DeskStatus("built-in", "headset"))
        log.desk(DeskStatus("built-in", "headset", xruns=7))
        log.desk(DeskStatus(problem="There is no microphone; plug one in."))
        log.turn(spoken())
        log.turn(answered())
        log.turn(spoken("mm-hm", state="rejected", reason="backchannel"))
        log.turn(spoken("louder", state="done", command="louder"))
        for state in ("listening", "hearing", "asleep", "asleep", "listening"):
            log.now(Now(state, -60.0))
        log.note("This talk is kept in DIR.")
        log.close()
    assert logged(tmp_path / "logs" / "talk.log") == [
        "INFO loading whisper",
        "INFO ready",
        "INFO microphone built-in, loudspeaker headset",
        "WARNING There is no microphone; plug one in.",
        "INFO turn: spoken, done, 1.24 s: end of turn 0.80, first token 0.10, first sentence 0.10, first audio 0.24",
        "INFO turn: spoken, rejected, backchannel",
        "INFO turn: spoken, done, louder",
        "INFO asleep",
        "INFO listening",
        "INFO This talk is kept in DIR.",
        "INFO ended",
    ]


def test_the_error_that_ends_the_talk_is_there(tmp_path: Path) -> None:
    """An error of ours as its sentence, whatever task group it comes out of."""
    with pytest.raises(ExceptionGroup), Log(tmp_path / "talk.log"):
        raise ExceptionGroup("tasks", [ExceptionGroup("tasks", [InferenceError("The model failed.")])])
    assert logged(tmp_path / "talk.log") == ["ERROR The model failed.", "INFO ended"]


def test_an_unexpected_error_is_told_without_its_text(tmp_path: Path) -> None:
    """Where it was raised, but not with what: that might have been said."""
    with pytest.raises(ValueError, match="secret"), Log(tmp_path / "talk.log"):
        raise ValueError("my secret")
    text = (tmp_path / "talk.log").read_text(encoding="utf-8")
    assert "ERROR Unexpected ValueError" in text
    assert f'File "{__file__}", line ' in text
    assert "my secret" not in text.replace('raise ValueError("my secret")', "")


def test_it_is_rotated_and_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four files at most, none larger than agreed, the newest without a number."""
    monkeypatch.setattr(log_module, "_FILE_BYTES", 1000)
    with Log(tmp_path / "talk.log") as log:
        for number in range(200):
            log.note(f"note {number}")
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["talk.log", "talk.log.1", "talk.log.2", "talk.log.3"]
    assert all(file.stat().st_size <= 1000 for file in files)
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    assert logged(files[0])[-2:] == ["INFO note 199", "INFO ended"]


def test_a_log_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    """A file stands where its folder should be."""
    (tmp_path / "file").touch()
    with pytest.raises(ServiceError, match=r"The log .*talk\.log cannot be written: "):
        Log(tmp_path / "file" / "talk.log")
