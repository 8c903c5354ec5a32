"""`assistant dialogue`: recorded speech played to the whole assistant, and judged."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.options import ConfigFile, JsonFile, Profile, Settings, console_beside
from assistant.cli.record import record

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from rich.console import Console

    from assistant.config import Config
    from assistant.dialogue.load import Dialogue
    from assistant.dialogue.output import Outputs
    from assistant.dialogue.progress import RunProgress
    from assistant.dialogue.result import Performance
    from assistant.simulation.clock import ClockMode

app = typer.Typer(help="Test the assistant with recorded speech.", no_args_is_help=True, rich_markup_mode=None)
app.command()(record)


class ClockName(StrEnum):
    """The clocks there are."""

    simulated = "simulated"
    measured = "measured"
    real = "real"


@app.callback()
def dialogue() -> None:
    """Test the assistant with recorded speech."""


@app.command()
def run(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="Scripts, or folders of *.yaml and *.yml.", show_default=False),
    ],
    profile: Profile = None,
    config: ConfigFile = None,
    settings: Settings = None,
    clock: Annotated[
        ClockName, typer.Option(help="simulated: agreed costs; measured: what steps take here; real: wall-clock time.")
    ] = ClockName.simulated,
    json_file: JsonFile = None,
    audio: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write a stereo WAV of each: microphone left, loudspeaker right."),
    ] = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the result as JUnit XML.")] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a report: one page with the sound in it, for a browser.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="Only dialogues with this in name or path; repeatable.")
    ] = None,
    repeat: Annotated[int, typer.Option(min=1, help="Run each so often, and tell how often expectations fail.")] = 1,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Run so many at once, each in a process with its own models.")
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Run them on a Ray cluster: HOST:PORT, auto, or local for one of its own."
        ),
    ] = None,
    sweep: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=A,B,C", help="Run all under each value of a setting; repeatable: each with each."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Draw the sweep as an SVG; beside the JSON if not given.", show_default=False
        ),
    ] = None,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first dialogue that fails.")] = False,
    no_step_store: Annotated[
        bool, typer.Option("--no-step-store", help="Take every step of the models anew, and keep none.")
    ] = False,
) -> None:
    """Play dialogue scripts to the assistant and hold what comes of them against what they expect.

    Exit status: 0 every expectation held, 1 some did not, 2 something cannot be used, 130 Ctrl-C.
    """
    from assistant.config import load
    from assistant.dialogue.load import load_dialogues
    from assistant.dialogue.output import STANDARD_OUTPUT, Outputs
    from assistant.dialogue.runner import check_judges
    from assistant.dialogue.sweep import parse, sweep_dialogues
    from assistant.errors import ConfigError

    def load_under(swept: Sequence[str]) -> list[Dialogue]:
        return load_dialogues(paths, profile, config, [*(settings or ()), *swept], check_models)

    try:
        if plot is not None and not sweep:
            raise ConfigError("--plot draws a sweep; say with --sweep which.")
        if sweep and plot is None and json_file not in (None, STANDARD_OUTPUT):
            plot = json_file.with_suffix(".svg")
        dialogues = _chosen(sweep_dialogues(load_under, parse(sweep or [])), only or [])
        check_judges(dialogues)
        base = load(profile, config, settings=settings or ())
        outputs = Outputs(base, clock.value, json_file, audio, junit, html, plot)
        console = console_beside(json_file)
        stored = clock is ClockName.simulated and not no_step_store
        passed = _run(dialogues, outputs, console, jobs, cluster, repeat, fail_fast, stored)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    if not passed:
        raise typer.Exit(1)


@app.command()
def new(
    files: Annotated[list[Path], typer.Argument(metavar="WAV...", help="Recordings, in order.", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The script to write.")],
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    profile: Profile = None,
    config: ConfigFile = None,
    settings: Settings = None,
) -> None:
    """Make a script from recordings, what they say being transcribed for you to mend."""
    from rich.progress import track

    from assistant.app import load_transcriber
    from assistant.config import load
    from assistant.dialogue.new import heard, script_text
    from assistant.dialogue.output import write_whole
    from assistant.errors import ScriptError

    chosen = load(profile, config, settings=settings or ())
    if output.exists() and not force:
        raise ScriptError(f"{output} is there already; give another name, or --force to write over it.")
    if not output.parent.is_dir():
        raise ScriptError(f"There is no folder {output.parent}; make it, or give another path.")
    entries = list(track(heard(files, load_transcriber(chosen)), "transcribing", len(files), transient=True))
    write_whole(output, script_text(entries, output, chosen.models.transcriber))
    count = "1 entry" if len(entries) == 1 else f"{len(entries)} entries"
    typer.echo(f"{output}: {count}. Run it: assistant dialogue run {output}")


def check_models(config: Config) -> None:
    """Raise a ModelError if a model or the voice is not there: better now than after half of the scripts."""
    from assistant.models import lock, voices

    folders = {role: lock.local_folder(entry.name) for role, entry in lock.chosen(config.models).items()}
    if not voices.streams(folders["voice"]):
        voices.find(folders["voice"], config.speech.voice)


def _chosen(dialogues: list[Dialogue], only: list[str]) -> list[Dialogue]:
    """Those with one of the texts in their name or path."""
    from assistant.errors import ScriptError

    chosen = [one for one in dialogues if not only or any(text in f"{one.path} {one.name}" for text in only)]
    if not chosen:
        raise ScriptError(f"--only {' '.join(only)}: no dialogue has this in its name or path.")
    return chosen


def _run(
    dialogues: list[Dialogue],
    outputs: Outputs,
    console: Console,
    jobs: int | None,
    cluster: str | None,
    repeat: int,
    fail_fast: bool,
    stored: bool,
) -> bool:
    """Run everything, write what there is however it ends, and tell whether all passed."""
    from contextlib import closing

    from assistant.dialogue.progress import RunProgress
    from assistant.dialogue.step_store import StepStore
    from assistant.dialogue.summary import show, show_flakes, show_sweep, show_totals
    from assistant.dialogue.sweep import points

    complete = False
    try:
        with RunProgress(console, len(dialogues) * repeat) as progress:
            with closing(
                _performances(dialogues, outputs.clock, jobs, cluster, repeat, stored, progress)
            ) as performances:
                for performance in performances:
                    outputs.add(performance)
                    show(performance, console)
                    if performance.trace.stopped:
                        raise KeyboardInterrupt
                    if fail_fast and not performance.result.passed:
                        break
        complete = len(outputs.results) == len(dialogues) * repeat
    finally:
        outputs.write(complete)
    if stored:
        StepStore().prune()
    if repeat > 1:
        show_flakes(outputs.results, console)
    show_sweep(points(outputs.results), console)
    show_totals(outputs.results, console, outputs.steps_kept, outputs.steps_made)
    return all(result.passed for result in outputs.results)


def _performances(
    dialogues: list[Dialogue],
    clock: ClockMode,
    jobs: int | None,
    cluster: str | None,
    repeat: int,
    stored: bool,
    progress: RunProgress,
) -> Generator[Performance]:
    """What comes of the dialogues, in their order: run here, in several processes, or on a cluster."""
    from assistant.dialogue.cluster import ray_workers
    from assistant.dialogue.pool import News, ProcessWorker, Task, share_out
    from assistant.dialogue.runner import model_loader, run_dialogues

    if cluster is None and jobs in (None, 1):
        for performance in run_dialogues(dialogues, clock, model_loader(clock, stored), progress.entry, repeat=repeat):
            progress.done(performance)
            yield performance
        return
    tasks = [Task(dialogue, run, clock, stored) for dialogue in dialogues for run in range(repeat)]
    news = News(progress.done, progress.lost)
    if cluster is None:
        yield from share_out(tasks, ProcessWorker, jobs or 1, news)
        return
    with ray_workers(cluster, jobs) as (hire, workers):
        yield from share_out(tasks, hire, workers, news)
