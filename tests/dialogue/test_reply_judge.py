"""Replies judged by what a script says of them in words: by a model of this machine, or an endpoint."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeChat, FakeSynthesizer
from judge_server import JudgeServer, judge_server
from typer.testing import CliRunner

from assistant.cli import app
from assistant.cli import dialogue as command_line
from assistant.config import Config, load
from assistant.dialogue import runner
from assistant.dialogue.judge_endpoint import EndpointJudge, verdict
from assistant.dialogue.runner import Shelf
from assistant.dialogue.step_store import StepStore
from assistant.errors import AssistantError, ConfigError, InferenceError
from assistant.messages import ChatMessage

JUDGED = "settle_ms: 100\nturns: [{type: hello, after_ms: 0, expect: {reply: {judge: greets the user}}}]"
PLAIN = "settle_ms: 100\nturns: [{type: hello, after_ms: 0}]"


class FakeJudge(FakeChat):
    """Would rather say yes if "Hello" is in the question, and has a reason."""

    def __init__(self) -> None:
        super().__init__(["Because it says so. It does."])
        self.asked: list[str] = []

    def weigh(self, messages: Sequence[ChatMessage], answers: Sequence[str]) -> list[float]:
        """See models.verdict."""
        self.asked.append(messages[-1].text)
        good = "Hello" in messages[-1].text
        return [-0.5 if (answer.lower() == "yes") == good else -1.5 for answer in answers]


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch, reply: str) -> FakeJudge:
    """Models that need no weights, and the judge among them."""
    one = FakeJudge()
    monkeypatch.setattr(runner, "load_transcriber", lambda config: None)
    monkeypatch.setattr(runner, "load_chat", lambda *_: FakeChat([reply]))
    monkeypatch.setattr(runner, "load_voice", lambda config: FakeSynthesizer())
    monkeypatch.setattr(runner, "load_judge", lambda *_: one)
    monkeypatch.setattr(command_line, "check_models", lambda config: None)
    monkeypatch.setattr("assistant.models.lock.local_folder", Path)
    return one


@pytest.fixture
def reply() -> str:
    """Of the assistant."""
    return "Hello, friend."


@pytest.fixture
def server() -> Iterator[JudgeServer]:
    """A judge that agrees."""
    with judge_server() as one:
        yield one


def run(folder: Path, *options: str, **scripts: str) -> tuple[int, str, dict[str, Any]]:
    """Exit status, what was shown, and the JSON."""
    for name, text in scripts.items():
        (folder / f"{name}.yaml").write_text(text)
    out = folder / "out.json"
    arguments = ["dialogue", "run", "--profile", "small", str(folder), "--json", str(out), *options]
    ran = CliRunner().invoke(app, arguments)
    if isinstance(ran.exception, AssistantError):
        return 2, str(ran.exception), json.loads(out.read_text() or "{}") if out.exists() else {}
    return ran.exit_code, ran.stdout, json.loads(out.read_text())


def test_a_judgement_stands_in_the_result_with_the_judge_named(tmp_path: Path, judge: FakeJudge) -> None:
    """And nowhere but where it was asked for."""
    status, out, whole = run(tmp_path, judged=JUDGED, plain=PLAIN)
    assert status == 0, out
    judged, plain = whole["dialogues"]
    name = "smollm2-135m-instruct"
    assert judged["turns"][0]["judgement"] == {"passed": True, "reason": "Because it says so.", "model": name}
    assert judged["models"]["judge"]["name"] == name
    assert "judge" not in whole["models"]
    assert "models" not in plain
    assert "judgement" not in plain["turns"][0]
    assert f"greets the user, says {name}: Because it says so." in out
    assert 'The user said: "hello"\nThe assistant replied: "Hello, friend."' in judge.asked[0]


@pytest.mark.parametrize("reply", ["Go away."])
@pytest.mark.usefixtures("judge")
def test_a_reply_that_is_not_what_it_should_be_fails(tmp_path: Path) -> None:
    """With the judge and its reason in the failure."""
    status, _, whole = run(tmp_path, judged=JUDGED)
    assert status == 1
    assert whole["dialogues"][0]["turns"][0]["failures"] == [
        "reply.judge: not greets the user, says smollm2-135m-instruct: Because it says so."
    ]


@pytest.mark.parametrize("reply", [""])
def test_no_reply_is_not_judged(tmp_path: Path, judge: FakeJudge) -> None:
    """It fails."""
    status, _, whole = run(tmp_path, judged=JUDGED)
    assert status == 1
    assert whole["dialogues"][0]["turns"][0]["judgement"]["reason"] == "There was no reply."
    assert judge.asked == []


def test_a_judgement_is_kept_with_the_steps(tmp_path: Path, judge: FakeJudge) -> None:
    """The same reply is judged once, unless the store is passed by."""
    for options in ((), (), ("--no-step-store",)):
        status, _, whole = run(tmp_path, *options, judged=JUDGED)
        assert (status, whole["dialogues"][0]["turns"][0]["judgement"]["passed"]) == (0, True)
    assert len(judge.asked) == 2


@pytest.mark.usefixtures("judge")
def test_a_script_does_not_choose_its_judge(tmp_path: Path) -> None:
    """Whoever wrote it could have replies sent to him."""
    own = f"config: {{judge: {{endpoint: 'http://192.0.2.1/v1', allow_remote: true}}}}\n{JUDGED}"
    status, error, _ = run(tmp_path, judged=own)
    assert status == 2
    assert "judged.yaml, line 1: config.judge: a script does not choose its judge" in error


@pytest.mark.usefixtures("judge")
def test_an_endpoint_judges(tmp_path: Path, server: JudgeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told the model, the criterion, what was said and what was replied, and has its key from the environment."""
    monkeypatch.setenv("THE_KEY", "abc")
    options = [f"judge.endpoint={server.url}", "judge.endpoint_model=big", "judge.endpoint_key_variable=THE_KEY"]
    status, out, whole = run(tmp_path, *(part for one in options for part in ("--set", one)), judged=JUDGED)
    assert status == 0, out
    (dialogue,) = whole["dialogues"]
    assert dialogue["turns"][0]["judgement"] == {"passed": True, "reason": "It greets.", "model": "big"}
    assert dialogue["models"]["judge"] == {"name": "big", "source": server.url, "sha256": None}
    (asked,) = server.asked
    assert (server.paths, server.authorizations) == (["/v1/chat/completions"], ["Bearer abc"])
    assert (asked["model"], asked["temperature"]) == ("big", 0)
    question = asked["messages"][-1]["content"]
    assert all(text in question for text in ("hello", "Hello, friend.", "greets the user"))


@pytest.mark.usefixtures("judge", "no_network")
def test_without_an_endpoint_no_socket_is_made(tmp_path: Path) -> None:
    """A judge is a model of this machine."""
    assert run(tmp_path, judged=JUDGED)[0] == 0


def at(server: JudgeServer, **settings: Any) -> EndpointJudge:
    """A judge there."""
    judge = load("small").judge.model_copy(update={"endpoint": server.url, "timeout_s": 0.2, **settings})
    return EndpointJudge(judge)


@pytest.mark.parametrize(
    ("text", "passed", "reason"),
    [
        ('{"passed": true, "reason": "It  greets."}', True, "It greets."),
        ('Sure!\n```json\n{"passed": false, "reason": "No greeting."}\n```', False, "No greeting."),
        ("<think>Yes or {no}?</think>No, it does not.", False, "it does not."),
        ("**Yes** - it greets.", True, "it greets."),
        ("Perhaps.", False, "No verdict in the judge's answer: 'Perhaps.'"),
        ('{"passed": "maybe"}', False, 'No verdict in the judge\'s answer: \'{"passed": "maybe"}\''),
        ("", False, "No verdict in the judge's answer: ''"),
    ],
)
def test_an_answer_is_a_verdict_or_against_the_reply(text: str, passed: bool, reason: str) -> None:
    """JSON, or Yes or No as the first word."""
    assert verdict(text) == (passed, reason)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"says": None}, r"did not answer within 0\.2 s \(judge\.timeout_s\)\.$"),
        ({"status": 401, "raw": b"no key"}, "answered 401 Unauthorized: 'no key'"),
        ({"status": 307, "headers": {"Location": "http://192.0.2.1/"}}, "answered 307 Temporary Redirect"),
        ({"raw": b"<html>"}, "does not answer as an OpenAI-compatible server does: '<html>'"),
        ({"raw": b"[]"}, "does not answer as an OpenAI-compatible server does"),
    ],
    ids=["late", "refused", "redirected", "no JSON", "another protocol"],
)
def test_an_endpoint_that_cannot_be_used_is_one_sentence(
    server: JudgeServer, answer: dict[str, Any], sentence: str
) -> None:
    """A redirect is not followed: nobody chose that host."""
    for name, value in answer.items():
        setattr(server, name, value)
    with pytest.raises(InferenceError, match=f"The judge at {server.url} .*{sentence}"):
        at(server).judge("greets", "hello", "Hello.")


def test_what_is_no_web_server_at_all() -> None:
    """One line, whatever it says."""

    def answer() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(b"\x00220 mail\r\nhere\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(InferenceError, match=r"does not speak HTTP: '.*220 mail.*'; mend judge\.endpoint\.$"):
            at(JudgeServer(url=f"http://127.0.0.1:{listening.getsockname()[1]}/v1")).judge("greets", "hello", "Hello.")
        thread.join()


@pytest.mark.usefixtures("judge")
def test_an_endpoint_that_is_not_there_ends_the_run(tmp_path: Path) -> None:
    """Status 2, with the results so far written."""
    with judge_server() as gone:
        pass
    status, error, whole = run(tmp_path, "--set", f"judge.endpoint={gone.url}", a_plain=PLAIN, judged=JUDGED)
    assert status == 2
    assert error.startswith(f"The judge at {gone.url} cannot be reached (")
    assert [one["name"] for one in whole["dialogues"]] == ["a_plain"]
    assert whole["passed"] is False


@pytest.mark.usefixtures("judge")
@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("judge.endpoint=http://192.0.2.1/v1", "192.0.2.1 is another machine; .* set judge.allow_remote = true"),
        ("judge.endpoint=localhost:80", "localhost:80 is no such URL"),
        ("judge.endpoint=http://localhost:port", "http://localhost:port is no such URL"),
        ("judge.model=gpt", "gpt"),
    ],
)
def test_a_judge_that_cannot_be_used_is_known_before_anything_runs(tmp_path: Path, setting: str, sentence: str) -> None:
    """But only where one is asked for."""
    status, error, whole = run(tmp_path, "--set", setting, judged=JUDGED)
    assert (status, whole) == (2, {})
    assert re.search(sentence, error)
    (tmp_path / "judged.yaml").unlink()
    assert run(tmp_path, "--set", setting, plain=PLAIN)[0] == 0


def test_a_key_that_is_missing_is_named(server: JudgeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable, not its content."""
    monkeypatch.delenv("THE_KEY", raising=False)
    with pytest.raises(ConfigError, match="the environment variable THE_KEY is empty"):
        at(server, endpoint_key_variable="THE_KEY")


@pytest.mark.models
def test_the_configured_language_model_judges(config: Config) -> None:
    """Whatever the talk's replies are capped to, it gives its reason; and the same verdict again, from the store too.

    Which verdict says little: the small model is right about obvious replies in 6 of 10.
    """
    short = config.model_copy(update={"chat": config.chat.model_copy(update={"max_tokens": 1, "temperature": 1.0})})
    asked = "greets the user and asks how to help", "Hello there.", "Hello! How can I help you today?"
    judgements = [Shelf(store).judge(short).judge(*asked) for store in (None, StepStore(), StepStore())]
    assert judgements[0] == judgements[1] == judgements[2]
    assert judgements[0].model == "smollm2-135m-instruct"
    assert len(judgements[0].reason.split()) > 2
