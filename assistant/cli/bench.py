"""`assistant bench`: how soon this machine answers, and where the time goes."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.options import ConfigFile, Profile, Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from assistant.bench.turns import LeftOut, MeasuredTurn, TypedTurn
    from assistant.config import Config
    from assistant.dialogue.load import Dialogue


class BenchClock(StrEnum):
    """The clocks that tell of this machine."""

    measured = "measured"
    real = "real"


def bench(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH...]", help="Recordings, or folders of *.wav; four that come with the program if not given."
        ),
    ] = None,
    repeat: Annotated[int, typer.Option(min=1, help="Run everything so often.")] = 5,
    turns: Annotated[
        int, typer.Option(min=0, help="Length of a talk of typed lines that times each first token; 0: none.")
    ] = 30,
    clock: Annotated[
        BenchClock, typer.Option(help="measured: what steps take here, without waiting; real: wall-clock time.")
    ] = BenchClock.measured,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures; - is standard output.")
    ] = None,
    picture: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw where the time goes, as an SVG.")] = None,
    history: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Compare the medians with the last ones kept here, and keep them too."),
    ] = None,
    profile: Profile = None,
    config: ConfigFile = None,
    settings: Settings = None,
) -> None:
    """Measure voice-to-voice latency on this machine, over recordings, in parts that add up.

    Exit status: 0 measured, 1 no recording was answered, 2 something cannot be used, 130 Ctrl-C.
    """
    import sys
    from datetime import UTC, datetime

    from rich.console import Console
    from rich.markup import escape

    from assistant.bench import machine
    from assistant.bench.document import Bench
    from assistant.bench.figures import figures, first_tokens
    from assistant.bench.history import last_like, read_history, write_history
    from assistant.bench.run import RECORDINGS, find_recordings, utterances
    from assistant.bench.table import show_changes, show_figures, show_recordings
    from assistant.bench.waterfall import waterfall
    from assistant.cli.dialogue import check_models
    from assistant.config import load
    from assistant.dialogue.output import STANDARD_OUTPUT, check_writable, write_json, write_whole
    from assistant.dialogue.result import models_used

    chosen = load(profile, config, settings=settings or ())
    check_models(chosen)
    kept = read_history(history) if history is not None else []
    check_writable(json_file, picture, history)
    dialogues = utterances(find_recordings(paths or [RECORDINGS]), chosen)
    shown_on = sys.stderr if json_file == STANDARD_OUTPUT else sys.stdout
    console = Console(file=shown_on, highlight=False, width=None if shown_on.isatty() else 120)
    measured, typed, missing, complete = _run(dialogues, chosen, turns, repeat, clock, console)
    for one in missing:
        console.print(f"[yellow]left out:[/] {escape(one.recording)}, run {one.run + 1}: {one.reason}", soft_wrap=True)
    if measured:
        done = Bench(
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            commit=machine.commit(),
            machine=machine.machine(),
            clock=clock.value,
            models=models_used(chosen),
            repeat=repeat,
            complete=complete,
            recordings=[dialogue.name for dialogue in dialogues],
            left_out=missing,
            turns=measured,
            found=figures(measured),
            talk=first_tokens(typed),
            memory=machine.peak_memory(),
        )
        show_recordings(measured, console)
        show_figures(done.found, done.talk, done.memory, console)
        if json_file is not None:
            write_json(json_file, done.as_json())
        if picture is not None:
            write_whole(picture, waterfall(measured, done.machine))
        if history is not None and complete:
            entry = done.entry()
            show_changes(last_like(entry, kept), entry, console)
            write_history(history, [*kept, entry])
    if not complete:
        raise typer.Exit(130)
    if not measured:
        raise typer.Exit(1)


def _run(
    dialogues: Sequence[Dialogue], config: Config, turns: int, repeat: int, clock: BenchClock, console: Console
) -> tuple[list[MeasuredTurn], list[TypedTurn], list[LeftOut], bool]:
    """All utterances, then the typed talk: what was measured, what was left out, and whether all was run."""
    from assistant.bench.run import perform, typed_talk
    from assistant.bench.turns import left_out, measured_turn, typed_turns
    from assistant.dialogue.runner import model_loader

    measured: list[MeasuredTurn] = []
    typed: list[TypedTurn] = []
    missing: list[LeftOut] = []
    load = model_loader(clock.value)
    talks = [typed_talk(turns, config)] if turns else []
    with console.status("loading the models ...") as status:

        def begins(dialogue: Dialogue, run: int) -> None:
            status.update(f"round {run + 1} of {repeat}: {dialogue.name}")

        for several in (dialogues, talks):
            for performance in perform(several, repeat, clock.value, load, begins):
                if performance.trace.stopped:
                    return measured, typed, missing, False
                if several is talks:
                    typed += typed_turns(performance)
                elif (turn := measured_turn(performance)) is not None:
                    measured.append(turn)
                else:
                    missing.append(left_out(performance))
    return measured, typed, missing, True
