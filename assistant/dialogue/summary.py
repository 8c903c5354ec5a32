"""What a person reads after a run: per entry what was expected and what was seen, and every failure."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assistant.dialogue.flakes import flake_rates
from assistant.dialogue.result import DialogueResult, EntryResult, Performance
from assistant.dialogue.script import Entry
from assistant.dialogue.sweep import Point
from assistant.dialogue.wer import word_diff


def show(performance: Performance, console: Console) -> None:
    """Print one dialogue: a line, and a table of its entries."""
    result = performance.result
    console.print(_headline(result), soft_wrap=True)
    table = Table("", "entry", "expected", "seen", "ms", box=None, pad_edge=False, header_style="dim")
    table.columns[4].justify = "right"
    for entry, seen in zip(performance.dialogue.script.turns, result.turns, strict=True):
        mark = "[red]✗[/]" if seen.failures else "[green]✓[/]"
        latency = "" if seen.voice_to_voice_ms is None else str(seen.voice_to_voice_ms)
        table.add_row(mark, escape(describe(entry)), escape(_expected(entry)), escape(_seen(seen)), latency)
    console.print(table)
    language = performance.dialogue.config.transcribe.language
    for entry, seen in zip(performance.dialogue.script.turns, result.turns, strict=True):
        if seen.judgement is not None and seen.judgement.passed:
            judged = f"entry {seen.index}: {entry.expect.reply.judge}, says {seen.judgement.model}"
            console.print(f"  [dim]{escape(f'{judged}: {seen.judgement.reason}')}[/]", soft_wrap=True)
        for failure in seen.failures:
            console.print(f"  [red]entry {seen.index}:[/] {escape(failure)}", soft_wrap=True)
            if failure.startswith("transcript:") and entry.expect.transcript is not None:
                console.print(f"    {_diff(entry.expect.transcript, seen.transcript, language)}", soft_wrap=True)
    for failure in result.failures:
        console.print(f"  [red]dialogue:[/] {escape(failure)}", soft_wrap=True)
    console.print()


def show_totals(results: Sequence[DialogueResult], console: Console, kept: int = 0, made: int = 0) -> None:
    """Print the last line of a run, with how many steps of models were kept from earlier ones, and how many made."""
    passed = sum(result.passed for result in results)
    latencies = sorted(
        seen.voice_to_voice_ms for result in results for seen in result.turns if seen.voice_to_voice_ms is not None
    )
    median = f", voice to voice {latencies[len(latencies) // 2]} ms at the median" if latencies else ""
    colour = "green" if passed == len(results) else "red"
    seconds = sum(result.seconds for result in results)
    steps = f", {kept} of {kept + made} steps of models from the store" if kept else ""
    console.print(
        f"[{colour}]{passed} of {len(results)} passed[/], {seconds:.0f} s of talk{median}{steps}", soft_wrap=True
    )


def show_flakes(results: Sequence[DialogueResult], console: Console) -> None:
    """Print how often each expectation failed over repeated runs."""
    rates = flake_rates(results)
    if not rates:
        return
    table = Table("failed", "dialogue", "entry", "expectation", box=None, pad_edge=False, header_style="dim")
    for rate in rates:
        entry = "" if rate.entry is None else str(rate.entry)
        share = f"{rate.failed} of {rate.runs}, {rate.failed / rate.runs:.0%}"
        table.add_row(share, escape(rate.name), entry, escape(rate.expectation))
    console.print(table)
    console.print()


def show_sweep(points: Sequence[Point], console: Console) -> None:
    """Print what came of each combination of the values of a sweep; nothing if there was none."""
    if not points:
        return
    measures = "passed", "voice to voice", "word error rate", "self-heard", "noise-heard", "rejected"
    table = Table(*points[0].settings, *measures, box=None, pad_edge=False, header_style="dim")
    for column in table.columns:
        column.justify = "right"
    for point in points:
        latency = "" if point.voice_to_voice_ms is None else f"{point.voice_to_voice_ms:g} ms"
        rate = "" if point.wer is None else f"{point.wer:.1%}"
        values = [escape(str(value)) for value in point.settings.values()]
        counts = [str(count) for count in (point.self_heard, point.noise_heard, point.rejected)]
        table.add_row(*values, f"{point.passed} of {point.dialogues}", latency, rate, *counts)
    console.print(table)
    console.print()


def describe(entry: Entry) -> str:
    """An entry in a few words."""
    if entry.user is not None:
        return entry.user.rsplit("/", 1)[-1]
    return f"“{' '.join(entry.type.split())}”" if entry.type is not None else f"silence, {entry.silence_ms or 0:g} ms"


def _headline(result: DialogueResult) -> str:
    verdict = "[green]PASS[/]" if result.passed else "[red]FAIL[/]"
    heard = [
        f"{count} {what}"
        for count, what in (
            (result.self_heard, "self-heard"),
            (result.noise_heard, "noise-heard"),
            (result.rejected, "rejected"),
        )
        if count
    ]
    facts = ", ".join([f"{result.seconds:.1f} s", _turns(result.turns_recognised), *heard])
    return f"{verdict} [bold]{escape(result.label_of_run)}[/] [dim]{escape(result.script)}[/]  {facts}"


def _expected(entry: Entry) -> str:
    expect, reply = entry.expect, entry.expect.reply
    parts = [expect.transcript] if expect.transcript is not None else []
    if not parts and (entry.type is None or entry.turns_expected):  # of a typed line, spoken turns tell little
        parts.append(_turns(entry.turns_expected))
    if reply.contains_any:
        parts.append("with " + " or ".join(reply.contains_any))
    if expect.first_audio_ms is not None:
        parts.append(f"within {expect.first_audio_ms:g} ms")
    if expect.interrupted is not None:
        parts.append("interrupts" if expect.interrupted else "does not interrupt")
    return "; ".join(parts)


def _seen(seen: EntryResult) -> str:
    if not seen.transcript and not seen.reply:
        return _turns(seen.recognised)
    heard = seen.reply_heard if seen.interrupted else seen.reply
    cut = " ⏹" if seen.interrupted else ""
    return f"{' '.join(seen.transcript.split())} → {seen.command or heard}{cut}"


def _turns(count: int) -> str:
    return {0: "no turn", 1: "1 turn"}.get(count, f"{count} turns")


def _diff(expected: str, heard: str, language: str) -> str:
    """Words that were missed struck out, words that were added underlined; signs too, for output without colours."""
    marks = {"same": "{}", "missing": "[red strike]-{}-[/]", "added": "[green underline]+{}+[/]"}
    return " ".join(marks[edit].format(escape(words)) for edit, words in word_diff(expected, heard, language))
