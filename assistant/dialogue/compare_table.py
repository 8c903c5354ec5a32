"""A comparison for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assistant.dialogue.compare import VERDICTS, Comparison, DialoguePair
from assistant.dialogue.result import DialogueResult, EntryResult
from assistant.dialogue.wer import Edit

_SIGNS = {
    "broken": "[red]✗ broken[/]",
    "mended": "[green]✓ mended[/]",
    "still failing": "[red]✗ still failing[/]",
    "changed": "✓ changed",
    "the same": "[dim]✓ the same[/]",
}


def show(comparison: Comparison, console: Console) -> None:
    """Print what is not the same, then the medians, then how many of each kind there are."""
    table = Table("", "dialogue", "entry", "A ms", "B ms", "", "what changed", box=None, header_style="dim")
    for column in (2, 3, 4, 5):
        table.columns[column].justify = "right"
    for pair in comparison.pairs:
        for row in _rows(pair):
            table.add_row(*row)
    if table.row_count:
        console.print(table)
        console.print()
    _show_medians(comparison, console)
    for side, missing in (("A", comparison.only_a), ("B", comparison.only_b)):
        if missing:
            console.print(f"only in {side}: {escape(', '.join(one.label_of_run for one in missing))}", soft_wrap=True)
    counts = [f"{number} {verdict}" for verdict in VERDICTS if (number := comparison.count(verdict))]
    console.print(", ".join(counts) or "no dialogue is in both", soft_wrap=True)


def _rows(pair: DialoguePair) -> Iterator[list[str]]:
    if pair.verdict == "the same":
        return
    failures = _failures(pair.b) or _failures(pair.a)
    yield [_SIGNS[pair.verdict], escape(pair.b.label_of_run), "", "", "", "", escape(failures)]
    for turn in pair.turns:
        if not turn.changed:
            continue
        delta = "" if turn.delta_ms is None else f"{turn.delta_ms:+d}"
        texts = "; ".join(f"{what}: {_marked(diff)}" for what, diff in turn.texts)
        yield ["", "", str(turn.b.index), _ms(turn.a), _ms(turn.b), delta, texts]


def _show_medians(comparison: Comparison, console: Console) -> None:
    if not comparison.medians:
        return
    table = Table("median of", "A ms", "B ms", "", box=None, header_style="dim")
    for column in (1, 2, 3):
        table.columns[column].justify = "right"
    for median in comparison.medians:
        table.add_row(median.part, str(median.a_ms), str(median.b_ms), f"{median.b_ms - median.a_ms:+d}")
    console.print(table)
    console.print()


def _failures(result: DialogueResult) -> str:
    failures = result.all_failures
    return "" if not failures else failures[0] + (f" and {len(failures) - 1} more" if len(failures) > 1 else "")


def _ms(seen: EntryResult) -> str:
    return "" if seen.voice_to_voice_ms is None else str(seen.voice_to_voice_ms)


def _marked(diff: list[tuple[Edit, str]]) -> str:
    """A's words struck out, B's underlined; signs too, for output without colours."""
    marks = {"same": "{}", "missing": "[red strike]-{}-[/]", "added": "[green underline]+{}+[/]"}
    return " ".join(marks[edit].format(escape(words)) for edit, words in diff)
