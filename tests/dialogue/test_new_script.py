"""A script made from recordings, and run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from assistant.audio.wav import write_wav
from assistant.cli import app
from assistant.dialogue.load import load_dialogues

SPEECH = Path(__file__).parent.parent / "speech"


@pytest.mark.models
def test_a_new_script_expects_what_is_heard(tmp_path: Path) -> None:
    """Paths are relative to the script, silence expects no turn, and what is there is not written over."""
    write_wav(tmp_path / "nothing.wav", np.zeros(16_000, np.float32), 16_000)
    script = tmp_path / "talk.yaml"
    files = [str(SPEECH / "rhasspy3_set_timer.wav"), str(tmp_path / "nothing.wav")]
    arguments = ["dialogue", "new", "--profile", "small", "-o", str(script), *files]
    ran = CliRunner().invoke(app, arguments)
    assert ran.exit_code == 0, ran.output
    assert "whisper-tiny.en" in script.read_text()
    (dialogue,) = load_dialogues([script], "small")
    spoken, silent = dialogue.script.turns
    assert spoken.expect.transcript == "Set a timer for 10 minutes."
    assert (silent.user, silent.turns_expected) == ("nothing.wav", 0)
    again = CliRunner().invoke(app, arguments)
    assert str(again.exception).startswith(f"{script} is there already")


def test_a_place_that_is_not_there_is_known_before_anything_is_heard(tmp_path: Path) -> None:
    """No model is loaded for it."""
    arguments = ["dialogue", "new", "--profile", "small", "-o", str(tmp_path / "no" / "talk.yaml"), "no.wav"]
    assert str(CliRunner().invoke(app, arguments).exception).startswith(f"There is no folder {tmp_path / 'no'};")
