"""Two results side by side: what is paired with what, what is said of it, and files that are no results."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from assistant.cli import app
from assistant.dialogue.compare import Comparison, Median, Results, compare, read_results
from assistant.dialogue.compare_table import show
from assistant.dialogue.formats import as_json
from assistant.dialogue.report.comparison import comparison_page
from assistant.dialogue.result import DialogueResult, EntryResult, Marks
from assistant.errors import AssistantError

MODELS = {"chat": {"name": "small", "source": "here", "sha256": None}}


def dialogue(
    name: str, latency_ms: int | None = 1000, reply: str = "One two.", failures: tuple[str, ...] = (), run: int = 0
) -> DialogueResult:
    """Of one entry."""
    entry = EntryResult(0, "spoken", "a.wav", 1, transcript="hello", reply=reply, reply_heard=reply)
    if latency_ms is not None:
        entry.voice_to_voice_ms = latency_ms
        entry.marks_ms = Marks(
            speech_started=0,
            speech_ended=500,
            endpoint=900,
            transcript=950,
            first_token=960,
            first_sentence=1000,
            first_audio=500 + latency_ms,
        )
    entry.failures = list(failures)
    return DialogueResult(name, f"{name}.yaml", run, not failures, "simulated", 3.0, 1, 0, 0, 0, [entry])


def results(*dialogues: DialogueResult) -> Results:
    """A result file's content."""
    return Results(1, all(one.passed for one in dialogues), list(dialogues), {"chat_token_ms": 25}, MODELS)


def write(path: Path, *dialogues: DialogueResult) -> Path:
    """As `dialogue run --json` does."""
    path.write_text(as_json(dialogues, {"chat_token_ms": 25}, MODELS), encoding="utf-8")
    return path


def both() -> Comparison:
    """One of each kind."""
    a = results(
        dialogue("same"),
        dialogue("faster"),
        dialogue("mended", failures=("turns: 0 instead of 1",)),
        dialogue("bad", failures=("turns: 0 instead of 1",)),
        dialogue("broken"),
        dialogue("gone"),
    )
    b = results(
        dialogue("broken", failures=("reply.min_words: 2 under 3",)),
        dialogue("new"),
        dialogue("bad", failures=("turns: 0 instead of 1",)),
        dialogue("mended", None),
        dialogue("faster", 900, "One four."),
        dialogue("same"),
    )
    return compare(a, b)


def test_what_changed_most_comes_first() -> None:
    """Whatever the order of the files; what is in one only is named."""
    comparison = both()
    assert [(pair.b.name, pair.verdict) for pair in comparison.pairs] == [
        ("broken", "broken"),
        ("mended", "mended"),
        ("bad", "still failing"),
        ("faster", "changed"),
        ("same", "the same"),
    ]
    assert [one.name for one in comparison.only_a] == ["gone"]
    assert [one.name for one in comparison.only_b] == ["new"]


def test_scripts_that_were_moved_are_found_by_name() -> None:
    """But first by path, and every run with its like."""
    a = results(dialogue("x"), dialogue("x", run=1), replace(dialogue("x"), script="other/x.yaml"))
    moved = [replace(one, script=f"moved/{one.script}") for one in (dialogue("x"), dialogue("x", run=1))]
    b = results(replace(dialogue("x"), script="other/x.yaml"), *moved)
    paired = [(pair.a.script, pair.b.script, pair.a.run, pair.b.run) for pair in compare(a, b).pairs]
    assert paired == [
        ("x.yaml", "moved/x.yaml", 0, 0),
        ("x.yaml", "moved/x.yaml", 1, 1),
        ("other/x.yaml", "other/x.yaml", 0, 0),
    ]


def test_a_sweep_is_compared_value_by_value() -> None:
    """The same script under each of them."""
    low, high = ({"endpoint.end_ms": value} for value in (500, 900))
    a = results(replace(dialogue("x"), settings=low), replace(dialogue("x", 1400), settings=high))
    b = results(replace(dialogue("x", 1300), settings=high), replace(dialogue("x"), settings=low))
    deltas = {pair.b.label: pair.turns[0].delta_ms for pair in compare(a, b).pairs}
    assert deltas == {"x (endpoint.end_ms=500)": 0, "x (endpoint.end_ms=900)": -100}


def test_latency_and_texts() -> None:
    """Of an entry: the difference, and the words of A and B."""
    (faster,) = (pair for pair in both().pairs if pair.b.name == "faster")
    (turn,) = faster.turns
    assert turn.delta_ms == -100
    assert turn.texts == [("reply", [("same", "One"), ("missing", "two."), ("added", "four.")])]
    assert both().pairs[1].turns[0].delta_ms is None


def test_medians_are_over_turns_that_both_answered() -> None:
    """Voice to voice first, then each part by itself."""
    medians = both().medians
    assert medians[0] == Median("voice to voice", 1000, 1000)
    assert medians[1] == Median("end of turn", 400, 400)
    assert [median.part for median in medians[2:]] == ["transcription", "first token", "first sentence", "first audio"]
    only = compare(results(dialogue("a"), dialogue("b")), results(dialogue("a", 700), dialogue("b", None))).medians
    assert only[0] == Median("voice to voice", 1000, 700)
    assert only[-1] == Median("first audio", 500, 200)


def test_the_table() -> None:
    """Nothing of what is the same; markup in names is harmless."""
    comparison = both()
    comparison.pairs[0].b.name = "[bold]name"
    console = Console(width=140, record=True, file=io.StringIO())
    show(comparison, console)
    text = console.export_text()
    assert "✗ broken" in text and "[bold]name" in text and "entry 0: reply.min_words: 2 under 3" in text
    assert "1000   900  -100  reply: One -two.- +four.+" in text
    assert "only in A: gone" in text and "only in B: new" in text
    assert "1 broken, 1 mended, 1 still failing, 1 changed, 1 the same" in text
    assert "✓ the same" not in text


def test_runs_that_are_in_one_only_are_told_apart() -> None:
    """A dialogue that was repeated in one of them."""
    comparison = compare(results(dialogue("a")), results(dialogue("a"), dialogue("a", run=1)))
    console = Console(width=140, record=True, file=io.StringIO())
    show(comparison, console)
    assert "only in B: a run 1" in console.export_text()
    assert "Only in B: a run 1" in comparison_page(comparison, Path("a.json"), Path("b.json"))


def test_the_page() -> None:
    """Changed verdicts are open; what differs in models and costs is said."""
    comparison = both()
    other = replace(comparison, b=replace(comparison.b, models={"chat": {"name": "large"}}))
    html = comparison_page(other, Path("a.json"), Path("</script>.json"))
    assert html.index("1 broken") < html.index("1 mended")
    assert html.count('<details class="dialogue"') == 5
    assert html.count('id="d0" open') == html.count('id="d1" open') == 1
    assert "chat: <del>small</del> <ins>large</ins>" in html
    assert html.count("</script>") == 1


# the command


def command(*arguments: object) -> tuple[int, str, str]:
    """Exit status and both outputs of `assistant dialogue compare`."""
    ran = CliRunner().invoke(app, ["dialogue", "compare", *map(str, arguments)])
    return ran.exit_code, ran.stdout, ran.stderr


def test_command(tmp_path: Path) -> None:
    """From files to a table, a page and facts, and status 0 whatever the difference."""
    a = write(tmp_path / "a.json", dialogue("x"))
    b = write(tmp_path / "b.json", dialogue("x", 900, failures=("turns: 0 instead of 1",)))
    status, out, _ = command(a, b, "--html", tmp_path / "page.html")
    assert status == 0 and "1 broken" in out
    assert "1 broken" in (tmp_path / "page.html").read_text(encoding="utf-8")
    status, out, _ = command(a, b, "--json")
    facts = json.loads(out)
    assert facts["medians_ms"]["voice to voice"] == [1000, 900]
    assert facts["dialogues"][0]["turns"] == [{"index": 0, "voice_to_voice_ms": [1000, 900]}]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "cannot be read: No such file"),
        ("turns: []", "is not a result of dialogues"),
        ("[]", "is not a result of dialogues"),
        ("{}", "is not a result of dialogues (version: Field required)"),
        ('{"version": 2, "passed": true, "dialogues": []}', "(version: Input should be 1)"),
        ('{"version": 1, "passed": true, "dialogues": [{"name": 3}]}', "(dialogues.0.name: "),
        ('{"version": 1, "passed": true, "dialogues": [], "models": {"chat": "small"}}', "(models.chat: "),
    ],
)
def test_a_file_that_is_no_result(tmp_path: Path, text: str | None, told: str) -> None:
    """One sentence with the file and the cure."""
    path = tmp_path / "x.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(AssistantError) as raised:
        read_results(path)
    sentence = str(raised.value)
    assert sentence.startswith(str(path)) and told in sentence
    assert sentence.endswith("give a file written by `assistant dialogue run --json`.") and "\n" not in sentence
