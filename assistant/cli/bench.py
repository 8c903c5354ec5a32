"""`assistant bench`: how soon this machine answers, where the time goes, and what a peer takes for the same."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from assistant.cli.dialogue import ClockName, check_models
from assistant.cli.options import ConfigFile, JsonFile, Profile, Settings, console_beside


class PeerName(StrEnum):
    """Whom there is to compare with."""

    mlx_audio = "mlx-audio"


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
        ClockName,
        typer.Option(
            help="measured: what steps take here, without waiting; real: wall-clock time; simulated: no "
            "machine's, what the agreed costs say."
        ),
    ] = ClockName.measured,
    peer: Annotated[
        PeerName | None, typer.Option(help="Play each recording to mlx-audio's VoicePipeline too, and compare.")
    ] = None,
    json_file: JsonFile = None,
    picture: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw where the time goes, as an SVG.")] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the tables as Markdown, with the machine's name.")
    ] = None,
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
    """  # fmt: skip
    from datetime import UTC, datetime

    from assistant.bench import machine
    from assistant.bench.document import Bench
    from assistant.bench.history import last_like, read_history, write_history
    from assistant.bench.markdown import markdown as as_markdown
    from assistant.bench.run import RECORDINGS, find_recordings, measure, typed_talk, utterances
    from assistant.bench.table import show, show_changes, show_left_out
    from assistant.bench.waterfall import waterfall
    from assistant.config import load
    from assistant.dialogue.output import check_writable, write_json, write_whole
    from assistant.dialogue.result import models_used
    from assistant.errors import ConfigError

    if peer is not None and clock is ClockName.simulated:
        raise ConfigError("--peer is measured on this machine; write --clock measured, or real.")
    chosen = load(profile, config, settings=settings or ())
    check_models(chosen)
    kept = read_history(history) if history is not None else []
    check_writable(json_file, picture, markdown, history)
    dialogues = utterances(find_recordings(paths or [RECORDINGS]), chosen)
    talks = [typed_talk(turns, chosen)] if turns else []
    console = console_beside(json_file)
    with console.status("loading the models ...") as status:
        found = measure(dialogues, talks, repeat, clock.value, peer is not None, status.update)
    show_left_out(found, console)
    if found.turns:
        done = Bench.of(
            found,
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            commit=machine.commit(),
            machine=machine.machine(),
            clock=clock.value,
            models=models_used(chosen),
            repeat=repeat,
            recordings=[dialogue.name for dialogue in dialogues],
            memory=machine.peak_memory(),
        )
        show(done, console)
        if json_file is not None:
            write_json(json_file, done.as_json())
        if picture is not None:
            write_whole(picture, waterfall(found.turns, done.machine, found.peers))
        if markdown is not None:
            write_whole(markdown, as_markdown(done))
        if history is not None and found.complete:
            entry = done.entry()
            show_changes(last_like(entry, kept), entry, console)
            write_history(history, [*kept, entry])
    if not found.complete:
        raise typer.Exit(130)
    if not found.turns:
        raise typer.Exit(1)
