"""The bundled dialogues on the small real models: the whole program, from recorded speech to sound."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.config import load
from assistant.dialogue.formats import as_json
from assistant.dialogue.load import Dialogue, load_dialogues
from assistant.dialogue.result import Performance, costs_charged, models_used
from assistant.dialogue.runner import Shelf, run_dialogues
from assistant.dialogue.step_store import StepStore

pytestmark = pytest.mark.models

FOLDER = Path(__file__).parent / "dialogues"


def dialogues(family: str) -> list[Dialogue]:
    """A family's scripts, checked."""
    return load_dialogues([FOLDER / family])


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    """Models loaded once for all dialogues, and steps of theirs that were taken before."""
    return Shelf(StepStore())


@pytest.fixture(scope="module")
def plain_results() -> dict[str, Performance]:
    """Filled as the plain dialogues are run, for the test that compares them with another process."""
    return {}


@pytest.mark.parametrize("script", sorted(FOLDER.rglob("*.yaml")), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_bundled_dialogue(script: Path, shelf: Shelf, plain_results: dict[str, Performance], no_network: None) -> None:
    """Every expectation holds, and no socket is opened from loading the models to the last sample."""
    (performance,) = run_dialogues(load_dialogues([script]), load=shelf)
    failures = [*performance.result.failures, *(one for entry in performance.result.turns for one in entry.failures)]
    assert performance.result.passed, "\n".join(failures)
    if script.parent.name == "plain":
        plain_results[script.name] = performance


def run(*arguments: str) -> subprocess.Popen[str]:
    """`assistant dialogue run` in a process of its own, its JSON on standard output."""
    command = [sys.executable, "-m", "assistant", "dialogue", "run", *arguments, "--json", "-"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_run_twice_without_the_store_five_scripts_give_the_same_bytes(plain_results: dict[str, Performance]) -> None:
    """In two processes that get in each other's way; and with steps that were kept, as above, it is the same again."""
    scripts = dialogues("plain")
    assert len(scripts) >= 5
    results = [plain_results[dialogue.path.name].result for dialogue in scripts]
    config = load()
    expected = as_json(results, costs_charged(config, "simulated"), models_used(config), True)
    for process in [run(str(FOLDER / "plain"), "--no-step-store") for _ in range(2)]:
        out, error = process.communicate()
        assert process.returncode == 0, error
        assert out == expected


def test_two_jobs_give_the_bytes_of_one() -> None:
    """And the same exit status."""
    families = [str(FOLDER / family) for family in ("plain", "noise")]
    (alone, _), (together, error) = (run(*families, "--jobs", jobs).communicate() for jobs in "12")
    assert json.loads(alone)["passed"], alone
    assert together == alone, error


def test_the_echo_family_is_what_it_is_meant_to_be() -> None:
    """Ten rooms at -6 dB, 40 to 400 ms, reverberation of half a second; two users who interrupt."""
    rooms = [dialogue.script.room for dialogue in dialogues("echo")]
    assert len(rooms) >= 10
    assert all(room is not None and room.echo_gain_db == -6 and room.reverb_rt60_s == 0.5 for room in rooms)
    delays_ms = {room.echo_delay_ms for room in rooms if room is not None}
    assert min(delays_ms) == 40
    assert max(delays_ms) == 400
    interrupted = [
        dialogue
        for dialogue in dialogues("echo")
        if any(entry.expect is not None and entry.expect.interrupted for entry in dialogue.script.turns)
    ]
    assert len(interrupted) >= 2
