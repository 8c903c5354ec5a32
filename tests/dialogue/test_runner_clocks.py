"""Whole dialogues on each of the clocks: simulated ones repeat to the byte."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from whole_dialogues import TALK, run, stand_in, write

from assistant.config import Config
from assistant.dialogue.output import STANDARD_OUTPUT, Outputs
from assistant.dialogue.result import Performance


@pytest.fixture(autouse=True)
def no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that need none."""
    stand_in(monkeypatch)


def as_text(performances: Sequence[Performance], config: Config, capsys: pytest.CaptureFixture[str]) -> str:
    """Their JSON."""
    outputs = Outputs(config, "simulated", STANDARD_OUTPUT, None)
    for performance in performances:
        outputs.add(performance)
    outputs.write(complete=True)
    return capsys.readouterr().out


@pytest.mark.parametrize("mode", ["hands-free", "push-to-talk"])
def test_results_repeat(tmp_path: Path, mode: str, config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    """Byte by byte, alone or after others."""
    one = write(tmp_path / "a", "one.yaml", f"mode: {mode}\nroom: {{noise: pink, seed: 4}}\n{TALK}")
    other = write(tmp_path / "a", "other.yaml", TALK)
    alone = as_text(run([one]), config, capsys)
    assert alone == as_text(run([one]), config, capsys)
    after = json.loads(as_text(run([other, one]), config, capsys))
    assert after["dialogues"][1] == json.loads(alone)["dialogues"][0]


def test_measured(tmp_path: Path) -> None:
    """The same pipeline, with latencies of this machine; what models cost is not agreed."""
    (performance,) = run([write(tmp_path, "talk.yaml", TALK.replace("first_audio_ms: 2500, ", ""))], "measured")
    assert (performance.result.clock, performance.result.costs) == ("measured", {})
    assert performance.result.turns_recognised == 2


def test_real(tmp_path: Path) -> None:
    """On the wall clock, with the models' thread."""
    script = write(tmp_path, "short.yaml", "settle_ms: 100\nturns: [{type: hello, after_ms: 0}]")
    (performance,) = run([script], "real")
    assert performance.result.passed
    assert performance.result.turns[0].reply.startswith("one two")
