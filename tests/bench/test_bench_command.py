"""`assistant bench` as a command: what it measures, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from against import peer_turns
from fakes import FakeChat, FakeSynthesizer
from typer.testing import CliRunner

from assistant.app import Models
from assistant.audio.wav import write_wav
from assistant.bench import run as bench_run
from assistant.bench.peer import PeerTurn
from assistant.bench.run import RECORDINGS, find_recordings
from assistant.bench.turns import LeftOut
from assistant.cli import app
from assistant.cli import dialogue as command_line
from assistant.dialogue import runner
from assistant.dialogue.load import Dialogue
from assistant.dialogue.stage import LoadModels
from assistant.errors import AssistantError
from assistant.messages import Fragment, Samples, SpeechAudio, Step, Steps, Transcript, Work
from assistant.simulation.clock import ClockMode

PLAY = RECORDINGS / "rhasspy3_play_the_beatles.wav"


class Hears:
    """Understands the same, whatever is said."""

    def __init__(self, text: str) -> None:
        self._text = text

    def transcribe(self, samples: Samples, language: str = "") -> Steps[Transcript]:
        """See ports.Transcriber."""
        yield Step((Work("whisper_encoder", 10),))
        yield Step((Work("whisper_token", 1),), (Transcript(self._text),))


@pytest.fixture
def no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that need none."""
    monkeypatch.setattr(runner, "load_transcriber", lambda config: Hears("play the beatles"))
    monkeypatch.setattr(runner, "load_chat", lambda *_: FakeChat(["one two three."]))
    monkeypatch.setattr(runner, "load_voice", lambda config: FakeSynthesizer())
    monkeypatch.setattr(command_line, "check_models", lambda config: None)


def run(*arguments: str | Path) -> tuple[int, str]:
    """Exit status, and what was shown or the error."""
    ran = CliRunner().invoke(app, ["bench", "--profile", "small", *map(str, arguments)])
    if isinstance(ran.exception, AssistantError):
        return 2, str(ran.exception)
    return ran.exit_code, ran.output


def bench(folder: Path, *arguments: str | Path) -> tuple[int, str, Any]:
    """Exit status, what was shown, and the JSON."""
    file = folder / "bench.json"
    status, shown = run(PLAY, "--json", file, *arguments)
    return status, shown, json.loads(file.read_text())


@pytest.mark.usefixtures("no_weights")
def test_a_bench_is_measured_written_and_compared(tmp_path: Path) -> None:
    """Every run is in the JSON; the second bench is compared with the first."""
    history, picture = tmp_path / "history.jsonl", tmp_path / "waterfall.svg"
    options = "--repeat", "2", "--turns", "3", "--history", str(history), "--picture", str(picture)
    status, shown, whole = bench(tmp_path, *options)
    assert status == 0
    assert PLAY.name in shown and "voice to voice" in shown and "has no bench of the same" in shown
    assert [(turn["recording"], turn["run"]) for turn in whole["turns"]] == [(PLAY.name, 0), (PLAY.name, 1)]
    assert whole["complete"] and whole["clock"] == "measured"
    assert [turn["index"] for turn in whole["first_tokens"]["turns"]] == [1, 2, 3]
    assert picture.read_text().startswith("<svg")
    _, shown, _ = bench(tmp_path, *options)
    assert "before" in shown and "change" in shown
    assert len(history.read_text().splitlines()) == 2


@pytest.mark.usefixtures("no_weights")
def test_under_the_real_clock_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps and marks have the same zero there: they lay apart by the 6 ms in which the assistant is put together."""
    monkeypatch.setattr(
        runner, "load_models", lambda config: Models(Hears("play"), FakeChat(["one."]), FakeSynthesizer())
    )
    status, _, whole = bench(tmp_path, "--repeat", "1", "--turns", "2", "--clock", "real")
    assert status == 0
    assert [turn["fed_tokens"] for turn in whole["first_tokens"]["turns"]] == [20, 20]
    assert sum(whole["turns"][0]["parts_ms"].values()) == whole["turns"][0]["voice_to_voice_ms"]


@pytest.mark.usefixtures("no_weights")
def test_what_the_agreed_costs_say(tmp_path: Path) -> None:
    """Under the simulated clock: the same every time."""
    _, _, one = bench(tmp_path, "--repeat", "1", "--turns", "3", "--clock", "simulated")
    _, _, other = bench(tmp_path, "--repeat", "1", "--turns", "3", "--clock", "simulated")
    assert one["turns"] == other["turns"]
    assert one["first_tokens"] == other["first_tokens"]
    assert one["turns"][0]["held"]["share"] > 0


@pytest.mark.usefixtures("no_weights")
def test_a_peer_is_heard_after_every_run_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pair by pair; what it could not answer is told, in tables and JSON."""
    calls: list[int] = []

    def answer(dialogue: Dialogue, run: int, mode: ClockMode, load: LoadModels) -> PeerTurn | LeftOut:
        calls.append(run)
        (turn,) = peer_turns(dialogue.name, 99_000)
        return LeftOut(dialogue.name, run, "no reply was heard") if run else turn

    monkeypatch.setattr(bench_run, "run_peer", answer)
    options = "--repeat", "2", "--turns", "0", "--peer", "mlx-audio", "--markdown", str(tmp_path / "tables.md")
    status, shown, whole = bench(tmp_path, *options)
    assert status == 0 and calls == [0, 1]
    assert "VoicePipeline" in shown and f"not compared: {PLAY.name}, run 2: no reply was heard" in shown
    assert [turn["run"] for turn in whole["peer"]["turns"]] == [0]
    assert whole["peer"]["recordings"][0]["ratio"] > 1
    assert "not measured yet" in (tmp_path / "tables.md").read_text()


class Interrupted(FakeSynthesizer):
    """Ctrl-C comes in the second reply; the first call warms it."""

    def __init__(self) -> None:
        self._calls = 0

    def synthesize(self, fragment: Fragment) -> Steps[SpeechAudio]:
        """See ports.Synthesizer."""
        self._calls += fragment.text != "hello."
        if self._calls == 2:
            raise KeyboardInterrupt
        yield from super().synthesize(fragment)


@pytest.mark.usefixtures("no_weights")
def test_ctrl_c_leaves_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the unfinished run, told as incomplete, and out of the history."""
    voice, history = Interrupted(), tmp_path / "history.jsonl"
    monkeypatch.setattr(runner, "load_voice", lambda config: voice)
    status, _, whole = bench(tmp_path, "--repeat", "3", "--history", history)
    assert status == 130
    assert not whole["complete"]
    assert [turn["run"] for turn in whole["turns"]] == [0]
    assert history.read_text() == ""


@pytest.mark.usefixtures("no_weights")
def test_a_recording_without_a_reply_is_left_out_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none has one there is nothing to write, and the status says so."""
    monkeypatch.setattr(runner, "load_transcriber", lambda config: Hears("what time is it"))
    status, shown = run(PLAY, "--repeat", "1", "--turns", "0", "--json", tmp_path / "bench.json")
    assert status == 1
    assert f"left out: {PLAY.name}, run 1: it is a voice command" in shown


@pytest.mark.usefixtures("no_weights")
def test_what_cannot_be_used_is_told_before_anything_runs(tmp_path: Path) -> None:
    """One sentence each."""
    silence, bad = tmp_path / "silence.wav", tmp_path / "history.jsonl"
    write_wav(silence, np.zeros(16_000, np.float32), 16_000)
    bad.write_text("{}\n")
    (tmp_path / "empty").mkdir()
    for arguments, sentence in (
        ((silence,), f"{silence} has no speech in it; leave it out."),
        ((tmp_path / "none.wav",), "There is no sound file"),
        ((tmp_path / "empty",), f"The folder {tmp_path / 'empty'} has no recording (*.wav) in it"),
        ((PLAY, "--history", bad), f"{bad}, line 1: this is no entry of a bench"),
        ((PLAY, "--json", tmp_path / "nowhere" / "bench.json"), "cannot be written"),
        ((PLAY, "--set", "chat.max_token=1"), "there is no key chat.max_token"),
        ((PLAY, "--peer", "mlx-audio", "--clock", "simulated"), "--peer is measured on this machine"),
    ):
        status, error = run(*arguments)
        assert status == 2
        assert sentence in error and "\n" not in error


@pytest.mark.usefixtures("no_weights")
def test_recordings_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """By their folders; the same file twice is one."""
    for folder in "ab":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "one.wav").write_bytes(PLAY.read_bytes())
    _, _, whole = bench(tmp_path, tmp_path / "a", tmp_path / "b" / "one.wav", tmp_path / "a", "--repeat", "1")
    names = [f"{tmp_path}/a/one.wav", f"{tmp_path}/b/one.wav"]
    assert whole["recordings"] == [PLAY.name, *names]
    assert [turn["recording"] for turn in whole["turns"]] == whole["recordings"]


def test_recordings_come_with_the_program() -> None:
    """In the folder of the demo; others are found at any depth."""
    assert len(find_recordings([RECORDINGS])) == 4
    assert find_recordings([RECORDINGS.parent]) == find_recordings([RECORDINGS])


@pytest.mark.models
@pytest.mark.usefixtures("no_network")
def test_on_real_models(tmp_path: Path) -> None:
    """Every part of the latency comes from the machine, and the parts add up."""
    status, _, whole = bench(tmp_path, "--repeat", "1", "--turns", "3")
    assert status == 0
    (turn,) = whole["turns"]
    assert turn["voice_to_voice_ms"] == sum(turn["parts_ms"].values())
    assert min(turn["parts_ms"][part] for part in ("end of turn", "first token", "voice", "device")) > 0
    split = turn["parts_ms"]["end of turn"] + turn["inference_ms"] + turn["overhead_ms"] + turn["parts_ms"]["device"]
    assert split == pytest.approx(turn["voice_to_voice_ms"], abs=2)
    assert whole["figures"]["transcription_factor"]["median"] > 0
    assert whole["figures"]["voice_factor"]["median"] > 0
    first, *others = (one["fed_tokens"] for one in whole["first_tokens"]["turns"])
    assert first and all(others)
    assert whole["peak_memory_bytes"]["process"] > whole["peak_memory_bytes"]["mlx"] / 2 > 0
