"""Choosing, repeating and sharing out dialogues, and their results as JUnit XML."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from fakes import FakeChat, FakeSynthesizer
from typer.testing import CliRunner

from assistant.cli import app
from assistant.cli import dialogue as command_line
from assistant.dialogue import runner
from assistant.dialogue.flakes import FlakeRate, flake_rates
from assistant.dialogue.formats import as_junit
from assistant.dialogue.result import DialogueResult, EntryResult
from assistant.dialogue.wer import word_diff

GOOD = "settle_ms: 100\nturns: [{type: hello, after_ms: 0}]"
BAD = "settle_ms: 100\nturns: [{type: hello, after_ms: 0, expect: {reply: {contains_any: [eleven]}}}]"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three scripts, the second of which fails, and models that need no weights."""
    monkeypatch.setattr(runner, "load_transcriber", lambda config: None)
    monkeypatch.setattr(runner, "load_chat", lambda *_: FakeChat(["one two."]))
    monkeypatch.setattr(runner, "load_voice", lambda config: FakeSynthesizer())
    monkeypatch.setattr(command_line, "check_models", lambda config: None)
    for name, text in (("a", GOOD), ("b", BAD), ("c", GOOD)):
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


def run(folder: Path, *options: str) -> tuple[int, str, list[tuple[str, int]]]:
    """Exit status, what was shown, and name and run of every dialogue in the JSON."""
    arguments = ["dialogue", "run", "--profile", "small", str(folder), "--json", str(folder / "out.json"), *options]
    ran = CliRunner().invoke(app, arguments)
    if ran.exception is not None and not isinstance(ran.exception, SystemExit):
        return 2, str(ran.exception), []
    whole = json.loads((folder / "out.json").read_text())
    return ran.exit_code, ran.stdout, [(one["name"], one["run"]) for one in whole["dialogues"]]


def test_only_runs_what_is_named(folder: Path) -> None:
    """By a part of name or path; nothing left is a mistake."""
    assert run(folder, "--only", "a.yaml", "--only", "c.yaml")[::2] == (0, [("a", 0), ("c", 0)])
    status, error, _ = run(folder, "--only", "nobody")
    assert (status, error) == (2, "--only nobody: no dialogue has this in its name or path.")


def test_fail_fast_stops_at_the_first_failure(folder: Path) -> None:
    """And what was not run has not passed."""
    status, _, ran = run(folder, "--fail-fast")
    assert (status, ran) == (1, [("a", 0), ("b", 0)])


def test_repeat_tells_how_often_expectations_fail(folder: Path) -> None:
    """In the table and in the JSON."""
    status, out, ran = run(folder, "--repeat", "2")
    assert (status, ran) == (1, [(name, run) for name in "abc" for run in (0, 1)])
    assert "2 of 2, 100%" in out and "reply.contains_any" in out
    (rate,) = json.loads((folder / "out.json").read_text())["flake_rates"]
    assert (rate["name"], rate["entry"], rate["expectation"], rate["failed"], rate["runs"]) == (
        "b", 0, "reply.contains_any", 2, 2,
    )  # fmt: skip


def result(name: str, run: int, failures: list[str], whole: list[str]) -> DialogueResult:
    """Of one entry."""
    entry = EntryResult(0, "spoken", "a.wav", transcript="a \x07 & b", failures=failures)
    return DialogueResult(
        name, f"suite/{name}.yaml", run, not failures + whole, "simulated", 2.5, 1, 0, 0, 0, [entry], whole
    )


def test_flake_rates_count_each_expectation_once_a_run() -> None:
    """Over the runs of its own dialogue."""
    results = [
        result("a", 0, ["turns: 0 instead of 1", "turns: again"], []),
        result("a", 1, [], ["self_heard: 1 instead of 0"]),
        result("b", 0, [], []),
    ]
    assert flake_rates(results) == [
        FlakeRate("suite/a.yaml", "a", 0, "turns", 1, 2),
        FlakeRate("suite/a.yaml", "a", None, "self_heard", 1, 2),
    ]


def test_junit_is_xml_that_counts_right() -> None:
    """Even where a transcript holds what XML cannot."""
    root = ElementTree.fromstring(as_junit([result("a", 0, ["turns: 0 <&"], []), result("a", 1, [], [])]))
    (suite,) = root
    assert suite.attrib == {"name": "suite", "tests": "2", "failures": "1", "errors": "0", "time": "5.000"}
    first, second = suite
    assert (first.get("classname"), first.get("name"), second.get("name")) == ("suite.a", "a", "a (run 1)")
    failure = first.find("failure")
    assert failure is not None and failure.get("message") == "entry 0: turns: 0 <&"
    assert second.find("failure") is None


def test_junit_is_written_where_it_is_asked_for(folder: Path) -> None:
    """Beside the JSON."""
    run(folder, "--junit", str(folder / "junit.xml"))
    assert ElementTree.parse(folder / "junit.xml").getroot().get("failures") == "1"


def test_words_are_compared_as_the_error_rate_counts_them() -> None:
    """After normalising, in order."""
    assert word_diff("Set a timer, for ten minutes!", "set the timer for 10 minutes please", "en") == [
        ("same", "set"), ("missing", "a"), ("added", "the"), ("same", "timer for 10 minutes"), ("added", "please"),
    ]  # fmt: skip


@pytest.mark.models
def test_processes_give_the_same_bytes_as_one(tmp_path: Path) -> None:
    """Each with models of its own, in the order of the scripts."""
    (tmp_path / "a.yaml").write_text("settle_ms: 100\nconfig: {chat: {max_tokens: 6}}\nturns: [{type: hello}]")
    (tmp_path / "b.yaml").write_text("settle_ms: 100\nconfig: {chat: {max_tokens: 5}}\nturns: [{type: good bye}]")
    texts = []
    for jobs in ("1", "2"):
        assert run(tmp_path, "--jobs", jobs)[::2] == (0, [("a", 0), ("b", 0)])
        texts.append((tmp_path / "out.json").read_bytes())
    assert texts[0] == texts[1]
