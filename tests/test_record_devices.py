"""`assistant talk --record` on real audio devices: what it writes is a dialogue script that holds."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import yaml
from pulse import Pulse
from test_live_devices import ATTEMPTS, ORDER, PATIENCE_S, Talk, a_desk

pytestmark = [pytest.mark.audio, pytest.mark.models]


def recorded(desk: Pulse, folder: Path) -> bool:
    """Say the same twice to a talk that is recorded; whether all of the sound came through."""
    talk = Talk(desk, "--record", str(folder), "--set", "chat.max_tokens=12")
    begun = len(talk.events)
    try:
        for _ in range(2):
            since = len(talk.events)
            desk.play(ORDER).wait()
            talk.until(partial(talk.over, since))
        return not talk.trouble(begun)
    finally:
        assert talk.end() == 0


def test_a_talk_on_devices_becomes_a_script_that_holds(tmp_path: Path) -> None:
    """Two spoken turns; the replay has both, in a room with the desk's echo of -10 dB."""
    with a_desk() as desk:
        folder = next((tmp_path / str(n) for n in range(ATTEMPTS - 1) if recorded(desk, tmp_path / str(n))), None)
        if folder is None:  # sound was lost each time: what it hears of itself then says nothing, but once more
            folder = tmp_path / "last"
            recorded(desk, folder)
    (script,) = folder.glob("*.yaml")
    command = [sys.executable, "-m", "assistant", "dialogue", "run", "--profile", "small", str(script)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    assert ran.returncode == 0, script.read_text() + ran.stdout + ran.stderr
    values = yaml.safe_load(script.read_text())
    # through a sound card Whisper begins the sentence with a capital or without
    assert [turn["expect"]["transcript"].casefold() for turn in values["turns"]] == ["turn on the lamp."] * 2
    assert values["room"]["echo_gain_db"] == pytest.approx(-10, abs=2)
    assert 50 < values["room"]["echo_delay_ms"] < 250
