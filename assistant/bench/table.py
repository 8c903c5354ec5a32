"""What a person reads after a bench."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assistant.bench.document import Bench
from assistant.bench.figures import Spread, typical
from assistant.bench.history import HistoryEntry, changes
from assistant.bench.ratios import Comparison, Summary
from assistant.bench.run import Measured
from assistant.bench.turns import PARTS, LeftOut, MeasuredTurn


def show(bench: Bench, console: Console) -> None:
    """Print all that was found."""
    show_recordings(bench.measured.turns, console)
    show_figures(bench, console)
    if bench.measured.peers or bench.measured.peers_left_out:
        show_comparisons(bench, console)


def show_left_out(measured: Measured, console: Console) -> None:
    """Print which runs have no latency, and why."""
    for one in measured.left_out:
        console.print(f"[yellow]left out:[/] {_left_out(one)}", soft_wrap=True)


def show_recordings(turns: Sequence[MeasuredTurn], console: Console) -> None:
    """Print for each recording the run whose latency is the median, in parts that add up."""
    table = _table("recording", "runs", *PARTS, "voice to voice, ms")
    table.columns[0].no_wrap = True
    for turn in typical(turns):
        runs = [one for one in turns if one.recording == turn.recording]
        early = sum(one.turns > 1 for one in runs)
        name = escape(turn.recording) + (f" [yellow](answered too early in {early})[/]" if early else "")
        parts = [str(turn.parts_ms[part]) for part in PARTS]
        table.add_row(name, str(len(runs)), *parts, f"[bold]{turn.voice_to_voice_ms}[/]")
    console.print(table)
    console.print()


def show_figures(bench: Bench, console: Console) -> None:
    """Print medians and 90th percentiles over all turns."""
    table = _table("", "median", "90th percentile", "")
    found, talk, memory = bench.found, bench.talk, bench.memory
    possible = f"of it was done during the wait; {found.hidden_share_of_possible.median:.0%} of what could have been"
    within = f"ms, {found.within_bound:.0%} of the turns were answered within what it leaves, and 15 %"
    rows: list[tuple[str, Spread | None, str, str]] = [
        ("[bold]voice to voice[/]", found.voice_to_voice_ms, ".0f", "ms"),
        *((f"  {part}", spread, ".0f", "ms") for part, spread in found.parts_ms.items()),
        ("critical path of inference", found.inference_ms, ".0f", "ms, after the end of the turn was certain"),
        ("orchestration overhead", found.overhead_ms, ".1f", f"ms, {found.overhead_share.median:.1%} of the latency"),
        ("transcription and prefill", found.first_work_ms, ".0f", within),
        ("  hidden", found.hidden_share, ".0%", possible),
        ("transcription", found.transcription_factor, ".2f", "s of inference for a second of speech"),
        ("voice", found.voice_factor, ".2f", "s of inference for a second of reply"),
        ("queueing of a step", found.queueing_ms, ".0f", f"ms, {found.queueing_ms.largest:.0f} at most"),
        ("queueing before first audio", found.first_audio_queueing_ms, ".0f", "ms, of the most urgent steps"),
    ]
    for name, spread, shown, unit in rows:
        if spread is not None:
            table.add_row(name, format(spread.median, shown), format(spread.p90, shown), unit)
    table.add_row("language model", f"{found.tokens_per_s.median:.1f}", "", "tokens a second")
    table.add_row("longest step", f"{found.longest_step.ms:.0f}", "", f"ms, {found.longest_step.work}")
    held = f"MiB held by the program at its peak, {memory.mlx / 2**20:.0f} of them by MLX"
    held += ", the peer's work included" if bench.measured.peers else ""
    table.add_row("memory", f"{memory.process / 2**20:.0f}", "", held)
    if talk.growth is not None:
        second, last = talk.turns[1], talk.turns[-1]
        table.add_row(f"first token, turn {second.index}", f"{second.first_token_ms:.0f}", "", _fed(second.fed_tokens))
        growth = f"{_fed(last.fed_tokens)}, {talk.growth:.2f} times turn {second.index}"
        table.add_row(f"first token, turn {last.index}", f"{last.first_token_ms:.0f}", "", growth)
    console.print(table)
    console.print()


def show_comparisons(bench: Bench, console: Console) -> None:
    """Print how much sooner the reply is heard than the peer's."""
    heads = ("runs", "sentences", "ours, ms", "mlx-audio, ms", "times sooner", "less waits", "one transcription")
    table = _table("against mlx-audio's VoicePipeline", *heads)
    table.columns[0].no_wrap = True
    for one in bench.compared:
        name = escape(one.recording) + ("" if one.same_reply else " [yellow](another reply)[/]")
        facts = (str(one.runs), str(one.sentences), f"{one.ours_ms:.0f}", f"{one.peer_ms:.0f}")
        table.add_row(name, *facts, *_ratios(one))
    for name, over in (("all, median", bench.overall), ("replies of two sentences or more", bench.of_long_replies)):
        if over is not None:
            table.add_row(f"[bold]{name}[/]", str(over.recordings), "", "", "", *_ratios(over))
    console.print(table)
    for left_out in bench.not_compared:
        console.print(f"[yellow]not compared:[/] {_left_out(left_out)}", soft_wrap=True)
    console.print()


def _ratios(one: Comparison | Summary) -> list[str]:
    return [f"{ratio:.2f}" for ratio in (one.ratio, one.ratio_without_wait, one.ratio_of_one_transcription)]


def _left_out(one: LeftOut) -> str:
    return f"{escape(one.recording)}, run {one.run + 1}: {one.reason}"


def show_changes(before: HistoryEntry | None, now: HistoryEntry, console: Console) -> None:
    """Print how the medians compare with those of an earlier bench."""
    if before is None:
        what = "machine, clock, models, recordings and number of runs"
        console.print(f"[dim]The history has no bench of the same {what} to compare with.[/]", soft_wrap=True)
        return
    table = _table(f"since {before.date}{f', {before.commit}' if before.commit else ''}", "before", "now", "change")
    for change in changes(before, now):
        percent = "" if change.percent is None else f"{change.percent:+.0f} %"
        table.add_row(change.name, f"{change.before:g}", f"{change.now:g}", percent)
    console.print(table)


def _fed(tokens: int) -> str:
    return f"ms, {tokens} tokens fed"


def _table(first: str, *others: str) -> Table:
    table = Table(first, *others, box=None, pad_edge=False, header_style="dim")
    for column in table.columns[1:]:
        column.justify = "right"
    if not others[-1]:
        table.columns[-1].justify = "left"
    return table
