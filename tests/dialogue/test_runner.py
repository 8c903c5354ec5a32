"""Whole dialogues on the real pipeline with hand-written models: Ctrl-C loses nothing."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import FakeChat, FakeSynthesizer, FakeTurnModel
from typer.testing import CliRunner
from whole_dialogues import SPEECH, TALK, run, stand_in, write

from assistant.app import LoadChatWeights
from assistant.cli import app
from assistant.cli import dialogue as command_line
from assistant.config import Config
from assistant.dialogue import runner
from assistant.errors import ModelError


@pytest.fixture(autouse=True)
def no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that need none."""
    stand_in(monkeypatch)


def test_a_talk(tmp_path: Path) -> None:
    """Two spoken turns, one of them cut by the next, and a typed one."""
    (performance,) = run([write(tmp_path, "talk.yaml", TALK)])
    result = performance.result
    assert result.passed, [entry.failures for entry in result.turns]
    first, second, typed = result.turns
    assert (first.interrupted, second.interrupts, typed.interrupted) == (True, 0, False)
    assert first.reply.startswith(first.reply_heard) and len(first.reply_heard) < len(first.reply)
    assert typed.reply_heard == typed.reply
    marks = first.marks_ms
    order = [marks.speech_started, marks.speech_ended, marks.endpoint, marks.first_audio, marks.last_audio]
    assert order == sorted(mark for mark in order if mark is not None)
    trace = performance.trace
    assert len(trace.microphone) / 16_000 == pytest.approx(trace.seconds, abs=0.02)
    assert trace.steps[0].start_s < trace.seconds


def test_the_echo_window_is_kept(tmp_path: Path) -> None:
    """From the first sample played to some time after the last; none with headphones."""
    loud = TALK.replace("settle_ms: 500", "settle_ms: 2000\nroom: {echo_gain_db: -40}")
    scripts = [write(tmp_path, "loud.yaml", loud), write(tmp_path, "quiet.yaml", TALK)]
    loudspeakers, headphones = (one.trace for one in run(scripts))
    latency_s = 0.02
    opened_s, _ = loudspeakers.echo_windows[0]
    assert opened_s == pytest.approx(loudspeakers.replies[0][0][0] - latency_s, abs=0.02)
    for reply in loudspeakers.replies:
        assert any(
            opened_s < reply[0][0] and reply[-1][1] < closed_s for opened_s, closed_s in loudspeakers.echo_windows
        )
    assert headphones.echo_windows == []


def test_key_up_is_the_endpoint(tmp_path: Path) -> None:
    """Though a little more is kept after it."""
    talk = TALK.replace("first_audio_ms: 2500, ", "")
    (performance,) = run([write(tmp_path, "one.yaml", f"mode: push-to-talk\nptt_tail_ms: 230\n{talk}")])
    marks = performance.result.turns[0].marks_ms
    assert marks.endpoint is not None and marks.speech_ended is not None
    assert marks.endpoint - marks.speech_ended == pytest.approx(230, abs=10)


def test_ctrl_c(tmp_path: Path) -> None:
    """The dialogue that was stopped is the last, with an object for each entry and the sound so far."""
    for name in ("a.yaml", "b.yaml", "c.yaml"):
        write(tmp_path, name, TALK)

    def stop(name: str, index: int) -> None:
        if (name, index) == ("b", 1):
            os.kill(os.getpid(), signal.SIGINT)

    first, stopped = run([tmp_path], progress=stop)
    assert first.result.passed
    assert stopped.trace.stopped and not stopped.result.passed
    assert [entry.recognised for entry in stopped.result.turns] == [1, 0, 0]
    assert len(stopped.trace.microphone) > 16_000
    assert stopped.result.failures == [
        "turns: 1 instead of 2",
        f"stopped at {stopped.trace.seconds:.1f} s, before its end",
    ]


def test_models_are_shared_by_dialogues_with_the_same_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And loaded again for others."""
    loaded: list[int] = []

    def load_chat(config: Config, _: LoadChatWeights) -> FakeChat:
        loaded.append(config.chat.max_tokens)
        return FakeChat(["fine."])

    monkeypatch.setattr(runner, "load_chat", load_chat)
    for name, tokens in (("a.yaml", 5), ("b.yaml", 5), ("c.yaml", 6)):
        write(tmp_path, name, f"config: {{chat: {{max_tokens: {tokens}}}}}\nturns: [{{silence_ms: 10}}]")
    run([tmp_path])
    assert loaded == [5, 6]


def test_weights_are_loaded_once_for_talks_under_any_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For the draft too; those of a model that nobody uses any more are let go first."""
    loaded: list[str] = []

    def load_chat(config: Config, load: Callable[[Config, str], object]) -> FakeChat:
        load(config, config.models.chat)
        if config.models.draft:
            load(config, config.models.draft)
        return FakeChat(["fine."])

    monkeypatch.setattr(runner, "load_chat_weights", lambda config, name: loaded.append(name))
    monkeypatch.setattr(runner, "load_chat", load_chat)
    small, large = "smollm2-135m-instruct", "qwen3-0.6b-4bit"
    for name, settings in {
        "a": "chat: {max_tokens: 5}",
        "b": "chat: {max_tokens: 6}",
        "c": f"chat: {{max_tokens: 7}}, models: {{draft: {small}}}",
        "d": f"models: {{chat: {large}}}",
        "e": "chat: {max_tokens: 8}",
    }.items():
        write(tmp_path, f"{name}.yaml", f"config: {{{settings}}}\nturns: [{{silence_ms: 10}}]")
    run([tmp_path])
    assert loaded == [small, large, small]


def test_a_turn_model_is_loaded_where_one_is_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its step stands among the others, with the agreed cost; with a key the end is certain, and nobody asks."""
    monkeypatch.setattr(runner, "load_turn", lambda config: FakeTurnModel(0.99))
    turn = f"turns: [{{user: {SPEECH}/rhasspy3_set_timer.wav}}]"
    write(tmp_path, "a.yaml", turn)
    write(tmp_path, "b.yaml", f"config: {{models: {{turn: smart-turn-v3}}}}\n{turn}")
    write(tmp_path, "c.yaml", f"mode: push-to-talk\nconfig: {{models: {{turn: smart-turn-v3}}}}\n{turn}")
    costs_ms = [
        [1000 * (step.end_s - step.start_s) for step in performance.trace.steps if step.work[0].kind == "turn_model"]
        for performance in run([tmp_path])
    ]
    assert costs_ms == [[], [pytest.approx(15)], []]


# the command


def command(*arguments: object) -> tuple[int, str, str]:
    """Exit status and both outputs of `assistant dialogue run`."""
    ran = CliRunner().invoke(app, ["dialogue", "run", "--profile", "small", *map(str, arguments)])
    return ran.exit_code, ran.stdout, ran.stderr


def test_command_passed(tmp_path: Path) -> None:
    """Status 0, a table on standard output, the files where they were asked for."""
    script = write(tmp_path, "talk.yaml", TALK)
    files = "--json", tmp_path / "out.json", "--audio", tmp_path / "audio", "--html", tmp_path / "report.html"
    status, out, _ = command(script, *files)
    assert status == 0, out
    assert "PASS talk" in out and "1 of 1 passed" in out
    assert json.loads((tmp_path / "out.json").read_text())["passed"] is True
    assert [path.name for path in (tmp_path / "audio").iterdir()] == ["talk.wav"]
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "The dialogue passed" in report and report.count("<audio") == 1


def test_command_failed(tmp_path: Path) -> None:
    """Status 1; with --json - standard output holds nothing but JSON."""
    script = write(tmp_path, "talk.yaml", TALK.replace("seven", "eleven"))
    status, out, error = command(script, "--json", "-", "--set", "simulation.costs.chat_token_ms=26")
    assert status == 1
    whole = json.loads(out)
    assert whole["costs"]["chat_token_ms"] == 26
    (failure,) = whole["dialogues"][0]["turns"][0]["failures"]
    assert failure in error.replace("\n", " ")


def test_command_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Status 130, with results and sound so far."""

    def load_voice(config: Config) -> FakeSynthesizer:
        if config.speech.speed != 1:
            os.kill(os.getpid(), signal.SIGINT)
        return FakeSynthesizer()

    monkeypatch.setattr(runner, "load_voice", load_voice)
    write(tmp_path, "a.yaml", TALK)
    write(tmp_path, "b.yaml", TALK.replace("config: {", "config: {speech: {speed: 1.1}, "))
    files = "--json", tmp_path / "out.json", "--audio", tmp_path / "audio", "--html", tmp_path / "report.html"
    status, _, _ = command(tmp_path, *files)
    assert status == 130
    assert "Stopped before its end" in (tmp_path / "report.html").read_text(encoding="utf-8")
    whole = json.loads((tmp_path / "out.json").read_text())
    assert whole["passed"] is False
    assert [dialogue["passed"] for dialogue in whole["dialogues"]] == [True, False]
    assert sorted(path.name for path in (tmp_path / "audio").iterdir()) == ["a.wav", "b.wav"]


def test_command_with_models_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Known before anything runs, and said with the script's file and line."""

    def check_models(config: Config) -> None:
        if config.models.chat == "mine":
            raise ModelError("There is no model 'mine' in models.lock; there are others.")

    monkeypatch.setattr(command_line, "check_models", check_models)
    write(tmp_path, "a.yaml", TALK)
    bad = write(tmp_path, "b.yaml", "turns: [{silence_ms: 1}]\nconfig:\n  models: {chat: mine}\n")
    ran = CliRunner().invoke(app, ["dialogue", "run", "--profile", "small", str(tmp_path)])
    assert str(ran.exception).startswith(f"{bad}, line 2: config: There is no model 'mine'")
    assert not ran.stdout


def test_command_with_a_bad_script(tmp_path: Path) -> None:
    """Status 2, one sentence, and nothing runs or is written."""
    write(tmp_path, "a.yaml", TALK)
    bad = write(tmp_path, "b.yaml", "turns: [{silence_ms: -1}]")
    ran = CliRunner().invoke(app, ["dialogue", "run", str(tmp_path), "--json", str(tmp_path / "out.json")])
    assert str(ran.exception).startswith(f"{bad}, line 1: turns[0].silence_ms:")
    assert not (tmp_path / "out.json").exists()
