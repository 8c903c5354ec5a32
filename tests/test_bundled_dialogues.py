"""The bundled dialogues on the small real models: the whole program, from recorded speech to sound."""

from __future__ import annotations

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


def run(*arguments: str) -> str:
    """`assistant dialogue run` in a process of its own: the JSON on its standard output."""
    command = [sys.executable, "-m", "assistant", "dialogue", "run", *arguments, "--json", "-"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.timeout(1800)
def test_five_scripts_run_twice_without_the_store_give_the_same_bytes(plain_results: dict[str, Performance]) -> None:
    """Each time in another process; and they are the bytes that were had above, from kept steps for the most part."""
    scripts = dialogues("plain")[:5]
    results = [plain_results[dialogue.path.name].result for dialogue in scripts]
    config = load()
    expected = as_json(results, costs_charged(config, "simulated"), models_used(config), True)
    paths = [str(dialogue.path) for dialogue in scripts]
    assert len(paths) == 5
    assert run(*paths, "--no-step-store") == expected
    assert run(*paths, "--no-step-store") == expected


@pytest.mark.timeout(1800)
def test_two_jobs_give_the_bytes_of_one() -> None:
    """Of two families, with kept steps."""
    families = [str(FOLDER / family) for family in ("plain", "noise")]
    assert run(*families, "--jobs", "2") == run(*families, "--jobs", "1")


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
