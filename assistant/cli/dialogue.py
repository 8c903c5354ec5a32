"""`assistant dialogue`: recorded speech played to the whole assistant, and judged."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.options import ConfigFile, Profile, Settings

if TYPE_CHECKING:
    from rich.console import Console

    from assistant.config import Config
    from assistant.dialogue.load import Dialogue
    from assistant.dialogue.output import Outputs

app = typer.Typer(help="Test the assistant with recorded speech.", no_args_is_help=True, rich_markup_mode=None)


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
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the result; - is standard output.")
    ] = None,
    audio: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write a stereo WAV of each: microphone left, loudspeaker right."),
    ] = None,
) -> None:
    """Play dialogue scripts to the assistant and hold what comes of them against what they expect.

    Exit status: 0 every expectation held, 1 some did not, 2 something cannot be used, 130 Ctrl-C.
    """
    from rich.console import Console

    from assistant.config import load
    from assistant.dialogue.load import load_dialogues
    from assistant.dialogue.output import STANDARD_OUTPUT, Outputs

    try:
        dialogues = load_dialogues(paths, profile, config, settings or (), check_models)
        outputs = Outputs(load(profile, config, settings=settings or ()), clock.value, json_file, audio)
        to_stderr = json_file == STANDARD_OUTPUT
        terminal = (sys.stderr if to_stderr else sys.stdout).isatty()
        console = Console(stderr=to_stderr, highlight=False, width=None if terminal else 120)
        passed = _run(dialogues, outputs, console)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    if not passed:
        raise typer.Exit(1)


def check_models(config: Config) -> None:
    """Raise a ModelError if a model or the voice is not there: better now than after half of the scripts."""
    from assistant.models import lock, voices

    folders = {role: lock.local_folder(entry.name) for role, entry in lock.chosen(config.models).items()}
    voices.find(folders["voice"], config.speech.voice)


def _run(dialogues: list[Dialogue], outputs: Outputs, console: Console) -> bool:
    """Run everything, write what there is however it ends, and tell whether all passed."""
    from assistant.dialogue.runner import run_dialogues
    from assistant.dialogue.summary import describe, show, show_totals

    complete = False
    try:
        with console.status("loading the models") as status:

            def progress(dialogue: Dialogue, index: int) -> None:
                done, entries = len(outputs.results), dialogue.script.turns
                where = f"{done + 1} of {len(dialogues)}, {dialogue.name}, entry {index + 1} of {len(entries)}"
                status.update(f"{where}: {describe(entries[index])}")

            for performance in run_dialogues(dialogues, outputs.clock, progress=progress):
                outputs.add(performance)
                show(performance, console)
                if performance.trace.stopped:
                    raise KeyboardInterrupt
        complete = True
    finally:
        outputs.write(complete)
    show_totals(outputs.results, console)
    return all(result.passed for result in outputs.results)
