"""`assistant demo`: a recorded dialogue, live in the terminal, kept as sound, picture and JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.dialogue import ClockName
from assistant.cli.options import ConfigFile, Profile, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from assistant.metrics import TurnRecord

SCRIPT = Path(__file__).parent.parent / "demo" / "demo.yaml"


def demo(
    folder: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where the files go.")] = Path("demo"),
    profile: Profile = None,
    config: ConfigFile = None,
    settings: Settings = None,
    clock: Annotated[ClockName, typer.Option(help="real: at the pace of the talk.")] = ClockName.simulated,
) -> None:
    """Play a recorded dialogue in a room with echo: a question, a long reply, an interruption, another question.

    Exit status: 0 it went as expected, 1 it did not, 2 something cannot be used, 130 Ctrl-C.
    """
    from rich.console import Console

    from assistant.config import load
    from assistant.dialogue.load import load_dialogues
    from assistant.dialogue.output import Outputs
    from assistant.dialogue.runner import run_dialogues
    from assistant.dialogue.summary import show
    from assistant.dialogue.timeline import draw

    console = Console(highlight=False)
    dialogues = load_dialogues([SCRIPT], profile, config, settings or ())
    json_file, picture = folder / "demo.json", folder / "demo.svg"
    outputs = Outputs(load(profile, config, settings=settings or ()), clock.value, json_file, folder)
    passed = complete = False
    try:
        console.print("[dim]A recorded user in a simulated room; times are the talk's. Loading the models ...[/dim]")
        for performance in run_dialogues(dialogues, clock.value, changed=_live(console)):
            outputs.add(performance)
            picture.write_text(draw(performance), encoding="utf-8")
            console.print()
            show(performance, console)
            passed, complete = performance.result.passed, not performance.trace.stopped
    finally:
        outputs.write(complete)
    for path in (folder / "demo.wav", picture, json_file):
        console.print(f"[dim]wrote[/dim] {path}")
    if not complete:
        raise typer.Exit(130)
    if not passed:
        raise typer.Exit(1)


def _live(console: Console) -> Callable[[TurnRecord], None]:
    """Prints a turn when its words are certain, and its reply when it is over."""
    shown: dict[int, str] = {}

    def changed(turn: TurnRecord) -> None:
        if turn.state not in ("open", "done", "cut") or shown.get(id(turn)) == turn.state:
            return
        if id(turn) not in shown:
            console.print(f"[dim]{turn.speech_start_s:6.2f} s[/dim]  [blue]you[/blue]        {turn.transcript}")
        shown[id(turn)] = turn.state
        if turn.state != "open" and turn.sounded:
            waited_ms = 1000 * (turn.sounded[0][0] - turn.speech_end_s)
            cut = " [red]⏹ interrupted[/red]" if turn.state == "cut" else ""
            console.print(f"[dim]{turn.sounded[0][0]:6.2f} s[/dim]  [green]assistant[/green]  {turn.reply_heard}{cut}")
            console.print(f"          [dim]first sound {waited_ms:.0f} ms after the last word[/dim]")

    return changed
