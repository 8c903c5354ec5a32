"""`assistant say` and `assistant voices`, with a voice that beeps."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from assistant.cli import main
from assistant.config import Config
from assistant.messages import Fragment, SpeechAudio, Step, Steps, Work

RATE_HZ = 24_000
Command = Callable[..., tuple[int, str, str]]


class Beeper:
    """A tenth of a second a word."""

    rate_hz = RATE_HZ

    def __init__(self, silent: bool = False, interrupted_after: int = 99) -> None:
        self._seconds = 0.0 if silent else 0.1
        self._left = interrupted_after

    def synthesize(self, fragment: Fragment) -> Steps[SpeechAudio]:
        """See ports.Synthesizer."""
        if not self._left:
            raise KeyboardInterrupt
        self._left -= 1
        seconds = self._seconds * len(fragment.words)
        samples = np.full(round(seconds * RATE_HZ), 0.5, np.float32)
        yield Step((Work("voice", seconds),), (SpeechAudio(samples, (), fragment),))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run the command line in this process; the voice is a Beeper unless the test put in another."""
    monkeypatch.setattr("assistant.app.load_voice", lambda _config: Beeper())

    def command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["assistant", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, captured.out, captured.err

    return command


def test_say_writes_a_wav_and_tells_what_it_took(run: Command, tmp_path: Path, config: Config) -> None:
    """The gap of a conversation stands between two sentences, none at the end."""
    file = tmp_path / "said.wav"
    status, out, _ = run("say", "This is a first sentence. And here is another.", "-o", str(file), "--json")
    facts = json.loads(out)
    samples, rate_hz = soundfile.read(file)
    assert (status, rate_hz, facts["fragments"]) == (0, RATE_HZ, 2)
    assert len(samples) / RATE_HZ == pytest.approx(0.9 + config.speech.sentence_gap_ms / 1000)
    assert facts["seconds"] == pytest.approx(len(samples) / RATE_HZ, abs=1e-3)
    assert samples[0] > 0.4 < samples[-1]
    assert {"file", "voice", "compute_seconds", "real_time_factor"} < facts.keys()


def test_a_dash_reads_stdin(run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a text can be piped in."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Good morning to you.\n")))
    status, out, _ = run("say", "-", "-o", str(tmp_path / "said.wav"))
    assert status == 0 and "0.4 s" in out


def test_bytes_on_stdin_are_refused(run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a sound file is piped in by mistake."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"RIFF\xff\xfe"), encoding="utf-8"))
    status, _, err = run("say", "-", "-o", str(tmp_path / "said.wav"))
    assert status == 2 and "not UTF-8" in err


def test_voice_and_speed_are_settings(run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They go over the configuration, and their ranges are its ranges."""
    seen: list[Config] = []

    def load_voice(config: Config) -> Beeper:
        seen.append(config)
        return Beeper()

    monkeypatch.setattr("assistant.app.load_voice", load_voice)
    file = str(tmp_path / "said.wav")
    assert run("say", "Hello there.", "-o", file, "--voice", "bm_george", "--speed", "1.5")[0] == 0
    assert (seen[0].speech.voice, seen[0].speech.speed) == ("bm_george", 1.5)
    status, _, err = run("say", "Hello there.", "-o", file, "--speed", "9")
    assert status == 2 and "speech.speed" in err and "2" in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["say", "Hello."], "-o FILE.wav"),
        (["say", "", "-o", "x.wav"], "nothing to say"),
        (["say", " \n", "-o", "x.wav"], "nothing to say"),
        (["say", "Hello.", "-o", "nowhere/x.wav"], "no folder nowhere"),
    ],
)
def test_bad_input_is_one_sentence(
    run: Command, arguments: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status 2, nothing written."""
    monkeypatch.chdir(tmp_path)
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert sentence in err and err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_text_the_voice_cannot_say_is_named(run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No empty WAV is left behind."""
    monkeypatch.setattr("assistant.app.load_voice", lambda _config: Beeper(silent=True))
    status, _, err = run("say", "Hello there.", "-o", str(tmp_path / "said.wav"))
    assert status == 2 and "cannot say" in err
    assert not list(tmp_path.iterdir())


def test_ctrl_c_keeps_what_was_said(run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first sentence is on disk."""
    monkeypatch.setattr("assistant.app.load_voice", lambda _config: Beeper(interrupted_after=1))
    file = tmp_path / "said.wav"
    status, _, _ = run("say", "This is a first sentence. And here is another.", "-o", str(file))
    assert status == 130
    assert len(soundfile.read(file)[0]) == round(0.5 * RATE_HZ)


def test_voices_are_listed(run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name, with what the name says; those without pronunciation are left out."""
    (tmp_path / "voices").mkdir()
    for name in ("af_heart", "bm_george", "jf_alpha"):
        (tmp_path / "voices" / f"{name}.safetensors").touch()
    monkeypatch.setattr("assistant.models.lock.local_folder", lambda _name: tmp_path)
    _, out, _ = run("voices")
    assert out.splitlines() == [
        "af_heart      American English, female  (default)",
        "bm_george     British English, male",
    ]
    _, out, _ = run("voices", "--json")
    assert json.loads(out)["voices"][1] == {"name": "bm_george", "language": "British English", "gender": "male"}
