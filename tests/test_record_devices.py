"""`assistant talk --record` on real audio devices: what it writes is a dialogue script that holds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from test_live_devices import ORDER, PATIENCE_S, Talk, a_desk

pytestmark = [pytest.mark.audio, pytest.mark.models]


def test_a_talk_on_devices_becomes_a_script_that_holds(tmp_path: Path) -> None:
    """Two spoken turns; the replay has both, in a room with the desk's echo of -10 dB."""
    with a_desk() as desk:
        talk = Talk(desk, "--record", str(tmp_path), "--set", "chat.max_tokens=12")

        def say(since: int) -> None:
            desk.play(ORDER).wait()
            talk.until(lambda: talk.accepted(since) and talk.over(since))

        try:
            talk.attempt(say)
            talk.attempt(say)
            turns = len(talk.accepted())
        finally:
            assert talk.end() == 0
    (script,) = tmp_path.glob("*.yaml")
    command = [sys.executable, "-m", "assistant", "dialogue", "run", "--profile", "small", str(script)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    values = yaml.safe_load(script.read_text())
    assert [turn["expect"]["transcript"] for turn in values["turns"]] == ["Turn on the lamp."] * turns
    assert values["room"]["echo_gain_db"] == pytest.approx(-10, abs=2)
    assert 50 < values["room"]["echo_delay_ms"] < 250
