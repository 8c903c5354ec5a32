"""Dialogues on a Ray cluster: the same results, whoever dies; and sentences where there is none to be had."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from assistant.audio.wav import read_wav, write_wav
from assistant.cli import app
from assistant.config import load
from assistant.dialogue.cluster import _Process, program, ray_workers
from assistant.dialogue.formats import as_json
from assistant.dialogue.load import load_dialogues
from assistant.dialogue.pool import Hire, News, Task, perform, share_out
from assistant.dialogue.result import Performance, costs_charged, models_used
from assistant.dialogue.runner import model_loader, run_dialogues
from assistant.errors import ClusterError

BUNDLED = Path(__file__).parent.parent / "dialogues"


class Doomed(Executor):
    """A worker that is killed when it has a certain dialogue in hand."""

    def __init__(self, worker: Executor, doom: set[str]) -> None:
        self._worker = worker
        self._doom = doom

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See Executor."""
        if fn is not perform or args[0].dialogue.name not in self._doom:
            return self._worker.submit(fn, *args, **kwargs)
        self._doom.remove(args[0].dialogue.name)
        process = self._worker.submit(os.getpid).result()
        future = self._worker.submit(fn, *args, **kwargs)
        os.kill(process, signal.SIGKILL)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See Executor."""
        self._worker.shutdown(wait, cancel_futures=cancel_futures)


def doomed(hire: Hire, *names: str) -> Hire:
    """Workers of whom one dies of each of these dialogues."""
    doom = set(names)
    return lambda: Doomed(hire(), doom)


def as_text(performances: list[Performance]) -> str:
    """Their JSON."""
    config = load()
    return as_json([one.result for one in performances], costs_charged(config, "simulated"), models_used(config))


@pytest.mark.models
def test_killing_a_ray_worker_loses_no_result() -> None:
    """What it had in hand is run by another, and the JSON is that of one process to the byte."""
    dialogues = load_dialogues([BUNDLED / "plain"])
    alone = as_text(list(run_dialogues(dialogues, load=model_loader("simulated", stored=True))))
    lost: list[str] = []
    news = News(lambda performance: None, lambda dialogue: lost.append(dialogue.name))
    tasks = [Task(dialogue, 0, "simulated", True) for dialogue in dialogues]
    victim = dialogues[2].name
    with ray_workers("local", 2) as (hire, workers):
        assert workers == 2
        together = as_text(list(share_out(tasks, doomed(hire, victim), workers, news)))
    assert lost == [victim]
    assert together == alone


def test_a_dialogue_can_be_sent_to_where_its_files_are_not(tmp_path: Path) -> None:
    """Recordings and noise are in it."""
    tone = (np.sin(np.arange(8000) / 5) / 4).astype(np.float32)
    for name in ("tone.wav", "noise.wav"):
        write_wav(tmp_path / name, tone, 16_000)
    (tmp_path / "a.yaml").write_text("room: {noise: noise.wav}\nturns: [{user: tone.wav}]")
    (dialogue,) = load_dialogues([tmp_path], "small")
    sent = pickle.loads(pickle.dumps(dialogue))
    np.testing.assert_array_equal(sent.recordings[0].samples, read_wav(tmp_path / "tone.wav"))
    np.testing.assert_array_equal(sent.noise, read_wav(tmp_path / "noise.wav"))
    assert (sent.path, sent.script, sent.config) == (dialogue.path, dialogue.script, dialogue.config)


def test_another_version_of_the_program_runs_nothing() -> None:
    """Its results would be others'."""
    asked = pickle.dumps((abs, (-1,), {}))
    assert pickle.loads(_Process().call(program(), asked)) == 1
    with pytest.raises(ClusterError, match="another version of this program"):
        _Process().call("other", asked)


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("somewhere", "write it as HOST:PORT"),
        ("ray://127.0.0.1:10001", "write it as HOST:PORT"),
        ("127.0.0.1:9", "nothing answers there"),
    ],
)
def test_a_cluster_that_is_not_there(tmp_path: Path, address: str, sentence: str, monkeypatch: Any) -> None:
    """One sentence, and nothing has run."""
    monkeypatch.setattr("assistant.cli.dialogue.check_models", lambda config: None)
    (tmp_path / "a.yaml").write_text("turns: [{silence_ms: 1}]")
    ran = CliRunner().invoke(app, ["dialogue", "run", "--profile", "small", str(tmp_path), "--cluster", address])
    assert isinstance(ran.exception, ClusterError)
    assert sentence in str(ran.exception) and "\n" not in str(ran.exception)


WITHOUT_RAY = """
import importlib, pkgutil, sys
sys.modules["ray"] = None
import assistant
from assistant.errors import ClusterError
for module in pkgutil.walk_packages(assistant.__path__, "assistant."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
from assistant.dialogue.cluster import ray_workers
try:
    ray_workers("local", 1).__enter__()
except ClusterError as error:
    assert "uv pip install" in str(error), error
else:
    sys.exit("there is a Ray")
"""


def test_everything_works_where_ray_is_not_installed() -> None:
    """Every module can be imported, and --cluster says what to install."""
    ran = subprocess.run([sys.executable, "-c", WITHOUT_RAY], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
