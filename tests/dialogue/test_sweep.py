"""The same dialogues under every combination of some settings, told as a table, in the JSON and as a picture."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeChat, FakeSynthesizer
from typer.testing import CliRunner

from assistant.cli import app
from assistant.cli import dialogue as command_line
from assistant.dialogue import runner
from assistant.dialogue.sweep import Point, Swept, parse
from assistant.dialogue.sweep_plot import plot
from assistant.errors import AssistantError, ConfigError

TYPED = "settle_ms: 100\nturns: [{type: hello, after_ms: 0, expect: {reply: {min_words: 1}}}]"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two scripts, and models that need no weights: one is silent under a limit of five tokens."""
    monkeypatch.setattr(runner, "load_transcriber", lambda config: None)
    monkeypatch.setattr(
        runner, "load_chat", lambda config, _: FakeChat(["one two." if config.chat.max_tokens > 5 else ""])
    )
    monkeypatch.setattr(runner, "load_voice", lambda config: FakeSynthesizer())
    monkeypatch.setattr(command_line, "check_models", lambda config: None)
    for name in "ab":
        (tmp_path / f"{name}.yaml").write_text(TYPED)
    return tmp_path


def run(folder: Path, *options: str) -> tuple[int, str, Any]:
    """Exit status, what was shown or the error, and the JSON."""
    file = folder / "out.json"
    arguments = ["dialogue", "run", "--profile", "small", str(folder), "--json", str(file), *options]
    ran = CliRunner().invoke(app, arguments)
    if isinstance(ran.exception, AssistantError):
        return 2, str(ran.exception), file.exists()
    return ran.exit_code, ran.stdout, json.loads(file.read_text())


@pytest.mark.parametrize(
    ("sweep", "swept"),
    [
        ("endpoint.end_ms=700,900", Swept("endpoint.end_ms", ("700", "900"))),
        ("config.models.voice=a, b", Swept("models.voice", ("a", "b"))),
        ('chat.system_prompt="Be brief, please.","="', Swept("chat.system_prompt", ('"Be brief, please."', '"="'))),
        (
            'interruption.backchannels.en=["mm, hm"],[]',
            Swept("interruption.backchannels.en", ('["mm, hm"]', "[]")),
        ),
    ],
)
def test_what_is_swept(sweep: str, swept: Swept) -> None:
    """Commas in strings and lists are theirs."""
    assert parse([sweep]) == [swept]


@pytest.mark.parametrize(
    "sweep",
    [
        "endpoint.end_ms",
        "endpoint.end_ms=",
        "=1,2",
        "endpoint.end_ms=1,,2",
        "endpoint.end_ms=1,",
        "endpoint.end_ms=1, ,2",
        'chat.system_prompt="a,b',
        "interruption.backchannels.en=[a",
    ],
)
def test_what_is_no_sweep(sweep: str) -> None:
    """One sentence says how to write it."""
    with pytest.raises(ConfigError, match=r"write it as section\.key=value,value\.$"):
        parse([sweep])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--sweep", "chat.max_token=5,20"], "--sweep chat.max_token=5: there is no key chat.max_token; did you mean"),
        (["--sweep", "chat.max_tokens=20,none"], "--sweep chat.max_tokens=none: chat.max_tokens: "),
        (["--sweep", "chat.max_tokens=5", "--sweep", "chat.max_tokens=6"], "chat.max_tokens is swept already"),
        (["--sweep", "chat.max_tokens=5", "--set", "chat.nothing=5"], "--set chat.nothing=5: there is no key"),
        (["--sweep", "chat.max_tokens=5,6", "--html", "-"], "Only the JSON goes to standard output"),
        (["--sweep", "chat.max_tokens=5,6,5"], "--sweep chat.max_tokens=5,6,5: a value stands twice"),
        (["--plot", "plot.svg"], "--plot draws a sweep"),
    ],
)
def test_a_sweep_that_cannot_be(folder: Path, options: list[str], sentence: str) -> None:
    """Is known before anything runs or is written."""
    status, error, written = run(folder, *options)
    assert (status, written) == (2, False)
    assert sentence in error


def test_every_dialogue_is_run_under_every_combination(folder: Path) -> None:
    """With what was set, in the order of the values; the table counts, the JSON says the same."""
    status, out, whole = run(
        folder,
        "--sweep",
        "chat.max_tokens=5,20",
        "--sweep",
        "speech.speed=1.0,1.5",
        "--set",
        "speech.sentence_gap_ms=0",
    )
    assert status == 1
    settings = [{"chat.max_tokens": tokens, "speech.speed": speed} for tokens in (5, 20) for speed in (1.0, 1.5)]
    assert [one["settings"] for one in whole["dialogues"]] == [both for both in settings for _ in "ab"]
    assert [one["passed"] for one in whole["dialogues"]] == [False] * 4 + [True] * 4
    assert [(point["settings"], point["passed"], point["dialogues"]) for point in whole["sweep"]] == [
        (both, 0 if both["chat.max_tokens"] == 5 else 2, 2) for both in settings
    ]
    assert "0 of 2" in out and "2 of 2" in out and "PASS b (chat.max_tokens=20, speech.speed=1.5)" in out
    assert (folder / "out.svg").exists()


def test_without_a_sweep_nothing_is_said_of_one(folder: Path) -> None:
    """The JSON is the contract's."""
    _, _, whole = run(folder)
    assert "sweep" not in whole and "settings" not in whole["dialogues"][0]
    assert not (folder / "out.svg").exists()


def test_tables_by_language_can_be_swept(folder: Path) -> None:
    """Their keys are nobody's attributes."""
    status, _, whole = run(folder, "--sweep", 'interruption.backchannels.en=["mm, hm"],[]')
    assert status == 0
    assert [one["settings"]["interruption.backchannels.en"] for one in whole["dialogues"]] == [["mm, hm"]] * 2 + [
        []
    ] * 2


def point(value: object, passed: int, latency_ms: float | None, **others: object) -> Point:
    """Of four dialogues."""
    return Point({"a.key": value, **others}, 4, passed, 0, 130, 0, latency_ms, 0.031)


def drawn(points: list[Point]) -> tuple[list[str], list[float]]:
    """The texts of a picture, and where its dots are from left to right in the first panel."""
    root = ElementTree.fromstring(plot(points))
    texts = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    dots = [float(dot.attrib["cx"]) for dot in root.iter("{http://www.w3.org/2000/svg}circle")]
    return texts, dots


def test_the_picture_of_numbers() -> None:
    """Each where it lies, with what came of it written beside it."""
    texts, dots = drawn([point(900, 4, 1320.5), point(500, 3, 1100), point(1000, 1, None)])
    assert {"Results by a.key", "500", "900", "1000", "100", "75", "25", "1320.5", "1100", "3.1"} <= set(texts)
    one, two, three = dots[:3]
    assert (one - two) / (three - one) == pytest.approx(4, rel=0.01)
    assert len(dots) == 6 * 3 - 1, "no dot where nobody was answered"


def test_the_picture_of_words_and_of_two_keys() -> None:
    """Words stand side by side; the second key is told by colour."""
    points = [point(name, 4, 1000, other=other) for name in ("calm & kind", "x" * 40) for other in (True, False)]
    texts, dots = drawn(points)
    assert {"other = True", "other = False", "calm & kind", "x" * 15 + "…"} <= set(texts)
    assert len(dots) == 2 + 6 * 4
