"""The history of benches: what is kept, and with what it is compared."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from assistant.bench.history import HistoryEntry, changes, last_like, read_history, write_history
from assistant.bench.table import show_changes
from assistant.errors import AssistantError

ENTRY = HistoryEntry(
    date="2026-01-05T09:00:00+00:00",
    commit="abc",
    machine="a machine",
    clock="measured",
    models={"chat": "smol"},
    recordings=["one.wav"],
    repeat=5,
    medians={"voice to voice, ms": 2000.0, "overhead, ms": 0.0, "gone, ms": 1.0},
)
NOW = ENTRY.model_copy(
    update={"commit": "def", "medians": {"voice to voice, ms": 1500.0, "overhead, ms": 2.0, "new, ms": 3.0}}
)


def shown(before: HistoryEntry | None) -> str:
    """The comparison as text."""
    console = Console(file=io.StringIO(), width=120, highlight=False)
    show_changes(before, NOW, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    """One line each; without a file there is no history."""
    file = tmp_path / "history.jsonl"
    assert read_history(file) == []
    write_history(file, [ENTRY, NOW])
    assert file.read_text().count("\n") == 2
    assert read_history(file) == [ENTRY, NOW]


@pytest.mark.parametrize(
    "change", [{"machine": "other"}, {"clock": "real"}, {"models": {}}, {"recordings": []}, {"repeat": 1}]
)
def test_only_like_is_compared_with_like(change: dict[str, object]) -> None:
    """The latest of the same machine, clock, models, recordings and runs."""
    other = ENTRY.model_copy(update=change)
    assert last_like(NOW, [ENTRY, other]) is ENTRY
    assert last_like(NOW, [other]) is None


def test_changes_of_what_both_have() -> None:
    """In per cent, where there was something before."""
    found = {change.name: change.percent for change in changes(ENTRY, NOW)}
    assert found == {"voice to voice, ms": -25.0, "overhead, ms": None}


def test_the_comparison_as_it_is_printed() -> None:
    """With the commit compared to; or why there is none."""
    assert "abc" in shown(ENTRY) and "-25 %" in shown(ENTRY)
    assert "no bench of the same machine" in shown(None)


@pytest.mark.parametrize("line", ["{", "[]", '{"date": "today"}', "", '{"version": 1}'])
def test_a_line_that_is_no_entry_is_named(tmp_path: Path, line: str) -> None:
    """One sentence with file, line and cure."""
    file = tmp_path / "history.jsonl"
    file.write_text(f"{ENTRY.model_dump_json()}\n{line}\n")
    with pytest.raises(AssistantError, match=r"history\.jsonl, line 2: this is no entry .*; take the line out"):
        read_history(file)


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    """As is a folder."""
    file = tmp_path / "history.jsonl"
    file.write_bytes(b"\xff\xfe\x00")
    for path in (file, tmp_path):
        with pytest.raises(AssistantError, match="cannot be read as a history"):
            read_history(path)
