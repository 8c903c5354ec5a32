"""Echo and interruption in simulated rooms: does the assistant hear itself, and does it hear its user?

    python bench/echo.py [--quick] [--jobs N] [--json FILE]

The assistant's side is made of the recorded `allison_*` prompts, the user's of other people's recordings;
what is put to the test is `Capture`, in the loop with a reply that pauses when speech begins. A turn is an
utterance that is emitted. One table for each question:

- grid: echo alone, two replies in a room unknown before, with the canceller and with the window alone;
- interruptions: a user who begins at a random moment, in the first 1.75 s of the first reply ("cold", the
  canceller does not know the room) or later ("warm"), so much louder than the echo;
- an hour of echo alone, each minute in another room, and the same with somebody typing;
- stalls: in the middle of a reply the echo comes at another time, as when a sound server or Bluetooth stalls;
- work: CPU seconds of `Capture` for each second of sound.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from echo_cases import DELAYS_MS, GAINS_DB, LEVELS_DB, Outcome, cases, run, work
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table


def grid_table(outcomes: Sequence[Outcome], canceller: bool) -> Table:
    """Turns and, in brackets, pauses of each gain and delay; the reverberations in one cell."""
    table = Table(title=f"Echo alone, {'canceller' if canceller else 'window alone'}: turns (pauses)")
    for column in ("echo gain", *(f"{delay_ms} ms" for delay_ms in DELAYS_MS)):
        table.add_column(column, justify="right")
    for gain_db in GAINS_DB:
        row = []
        for delay_ms in DELAYS_MS:
            cell = [
                o
                for o in outcomes
                if o.case.kind == "grid" and o.case.canceller == canceller
                if (o.case.gain_db, o.case.delay_ms) == (gain_db, delay_ms)
            ]
            row.append(f"{sum(o.emitted for o in cell)} ({sum(o.pauses for o in cell)})" if cell else "-")
        table.add_row(f"{gain_db} dB", *row)
    return table


def percentiles(outcomes: Sequence[Outcome]) -> tuple[float, float]:
    """Median and 95th percentile of the stop, ms."""
    stops = [o.stopped_ms for o in outcomes if o.stopped_ms is not None] or [float("nan")]
    return float(np.median(stops)), float(np.percentile(stops, 95))


def share(outcomes: Sequence[Outcome]) -> float:
    """Interruptions that were noticed, in percent."""
    return 100 * sum(o.stopped_ms is not None for o in outcomes) / max(len(outcomes), 1)


def interruption_table(outcomes: Sequence[Outcome]) -> Table:
    """A row for each level, warm and cold, and one for all."""
    table = Table(title="Interruptions")
    for column in ("", "user over echo", "noticed", "of", "share", "kept", "stop median", "95th percentile"):
        table.add_column(column, justify="right")
    for cold in (False, True):
        heard = [o for o in outcomes if o.case.kind == "interruption" and o.case.cold == cold]
        for over_echo_db in (*LEVELS_DB, None):
            row = [o for o in heard if over_echo_db in (None, o.case.over_echo_db)]
            noticed = sum(o.stopped_ms is not None for o in row)
            kept = sum(o.stopped_ms is not None and o.turns > 0 for o in row)
            median_ms, late_ms = percentiles(row)
            table.add_row(
                "cold" if cold else "warm",
                "all" if over_echo_db is None else f"{over_echo_db:+d} dB",
                str(noticed),
                str(len(row)),
                f"{share(row):.0f} %",
                str(kept),
                f"{median_ms:.0f} ms",
                f"{late_ms:.0f} ms",
            )
    return table


def summary(outcomes: Sequence[Outcome], spent: dict[str, float]) -> dict[str, float]:
    """The figures that are asked for."""
    grid = [o for o in outcomes if o.case.kind == "grid"]
    warm = [o for o in outcomes if o.case.kind == "interruption" and not o.case.cold]
    cold = [o for o in outcomes if o.case.kind == "interruption" and o.case.cold]
    found = {
        "self-heard turns, canceller": sum(o.emitted for o in grid if o.case.canceller),
        "self-heard turns, window alone": sum(o.emitted for o in grid if not o.case.canceller),
        "noticed at 0 dB and more, warm, %": share([o for o in warm if o.case.over_echo_db >= 0]),
        "noticed at -10 dB, warm, %": share([o for o in warm if o.case.over_echo_db == -10]),
        "noticed at 0 dB and more, cold, %": share([o for o in cold if o.case.over_echo_db >= 0]),
        "stop median, warm, ms": percentiles(warm)[0],
        "stop 95th percentile, warm, ms": percentiles(warm)[1],
        "stop 95th percentile, warm, 0 dB and more, ms": percentiles([o for o in warm if o.case.over_echo_db >= 0])[1],
    }
    for kind in ("hour", "typing"):
        alone = [o for o in outcomes if o.case.kind == kind]
        found[f"{kind}: minutes"] = sum(o.seconds for o in alone) / 60
        found[f"{kind}: pauses"] = sum(o.pauses for o in alone)
        found[f"{kind}: pauses not refused"] = sum(o.turns for o in alone)
    stalls = [o for o in outcomes if o.case.kind == "stall"]
    found["stalls"] = len(stalls)
    found["stalls: with pauses"] = sum(o.pauses > 0 for o in stalls)
    found["stalls: answered"] = sum(o.turns > 0 for o in stalls)
    return found | {f"CPU s per s, {name}": seconds for name, seconds in spent.items()}


def main() -> None:
    """Run the scenes and show the tables."""
    parser = argparse.ArgumentParser(description="Echo and interruption in simulated rooms.")
    parser.add_argument("--quick", action="store_true", help="one scene in ten")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every outcome here")
    options = parser.parse_args()
    console = Console()
    spent = work()
    outcomes: list[Outcome] = []
    columns = (TextColumn("scenes"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    fresh = get_context("spawn")  # forked beside the progress bar's thread, a worker hung before its first scene
    with ProcessPoolExecutor(options.jobs, fresh) as pool, Progress(*columns, console=console) as progress:
        jobs = [pool.submit(run, case) for case in cases(options.quick)]
        task = progress.add_task("", total=len(jobs))
        for job in as_completed(jobs):
            outcomes.append(job.result())
            progress.advance(task)
    outcomes.sort(key=lambda o: o.case.seed)
    figures = summary(outcomes, spent)
    for canceller in (True, False):
        console.print(grid_table(outcomes, canceller))
    console.print(interruption_table(outcomes))
    table = Table("figure", "", title="Summary")
    for name, value in figures.items():
        table.add_row(name, f"{value:.4g}")
    console.print(table)
    if options.json:
        report: dict[str, Any] = {"summary": figures, "scenes": [asdict(o) for o in outcomes]}
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
