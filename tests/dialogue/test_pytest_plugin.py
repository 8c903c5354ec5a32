"""Dialogue scripts under pytest, run by another pytest on models that need no weights."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

SPEECH = Path(__file__).parent.parent / "speech"
GOOD = "settle_ms: 100\nturns: [{type: hello, after_ms: 0}]"
BAD = "settle_ms: 100\nturns: [{type: hello, after_ms: 0, expect: {reply: {contains_any: [eleven]}}}]"


@pytest.fixture
def inner(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder of scripts, with fakes for models."""
    pytester.makeconftest(
        f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent.parent)!r})
from fakes import FakeChat, FakeSynthesizer
from assistant.dialogue import runner

runner.load_transcriber = lambda config: None
runner.load_chat = lambda *_: FakeChat(["one two."])
runner.load_voice = lambda config: FakeSynthesizer()
"""
    )
    (pytester.path / "good.dialogue.yaml").write_text(GOOD)
    (pytester.path / "other.yaml").write_text(BAD)
    return pytester


def run(inner: pytest.Pytester, *options: str) -> pytest.RunResult:
    """Another pytest, on this folder."""
    return inner.runpytest_subprocess("--dialogue-profile=small", "--dialogue-no-step-store", *options)


def test_scripts_named_as_such_are_tests(inner: pytest.Pytester) -> None:
    """Other YAML files are nobody's business; sound is written when it is asked for."""
    result = run(inner, "-v", "--dialogue-audio", "sound")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*good.dialogue.yaml::good PASSED*"])
    assert [path.name for path in (inner.path / "sound").iterdir()] == ["good.dialogue.wav"]


def test_every_script_is_collected_when_asked_for(inner: pytest.Pytester) -> None:
    """A failure is told as the command tells it, without a traceback."""
    result = run(inner, "--dialogues")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*entry 0: reply.contains_any: none of eleven in*", "*FAIL other*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_bad_script_is_an_error_of_collection(inner: pytest.Pytester) -> None:
    """With the sentence that names file, line and key."""
    (inner.path / "bad.dialogue.yaml").write_text("turns:\n  - usr: a.wav\n")
    result = run(inner)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*bad.dialogue.yaml, line 2*there is no such key; did you mean user?*"])


def test_dialogues_written_in_python(inner: pytest.Pytester) -> None:
    """The fixture plays a mapping, and returns the result or raises what did not hold."""
    inner.makepyfile(
        """
def test_reply(run_script):
    result = run_script({"settle_ms": 100, "turns": [{"type": "hello"}]})
    assert result.turns[0].reply == "one two."

def test_unexpected(run_script):
    script = {"settle_ms": 100, "turns": [{"type": "hello", "expect": {"reply": {"max_words": 1}}}]}
    assert not run_script(script, check=False).passed
    run_script(script)
"""
    )
    result = run(inner)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*reply.max_words: 2 over 1*"])
