"""The `assistant` command. Modules here import only typer at their top, so that `--help` answers at once."""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated

import typer

from assistant import __version__
from assistant.cli import (
    bench,
    chat,
    demo,
    devices,
    dialogue,
    dialogue_compare,
    doctor,
    models,
    service,
    talk,
    transcribe,
    voice,
)
from assistant.errors import AssistantError

app = typer.Typer(
    name="assistant",
    help="A voice assistant that runs wholly on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # importing rich for help pages alone takes a quarter of a second
)
app.command()(talk.talk)
app.command()(demo.demo)
app.command()(voice.say)
app.command()(transcribe.transcribe)
app.command()(chat.chat)
app.command()(voice.voices)
dialogue.app.command()(dialogue_compare.compare)
app.add_typer(dialogue.app, name="dialogue")
app.add_typer(models.app, name="models")
app.add_typer(devices.app, name="devices")
app.add_typer(service.app, name="service")
app.command()(doctor.doctor)
app.command()(bench.bench)

_log = logging.getLogger("assistant")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"assistant {__version__}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Log to stderr, and show tracebacks.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    if debug:
        logging.basicConfig(format="%(asctime)s %(name)s: %(message)s")
        _log.setLevel(logging.DEBUG)


def program() -> None:
    """The program: `main`, and an end that does not take the native libraries apart.

    With them every tenth talk or so ended in SIGABRT, long after all that is ours was closed:
    "terminate called without an active exception", out of the interpreter's last garbage collection.
    """
    try:
        main()
    except SystemExit as end:
        if "mlx.core" not in sys.modules:
            raise
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code if isinstance(end.code, int) else int(end.code is not None))


def main() -> None:
    """Run a command; what goes wrong becomes one sentence on stderr. Exit codes: README.md."""
    try:
        app()
    except Exception as error:
        cause = _first(error)
        if _log.isEnabledFor(logging.DEBUG):
            raise
        if isinstance(cause, AssistantError):
            typer.echo(str(cause), err=True)
            sys.exit(2)
        typer.echo(f"Unexpected {type(cause).__name__}: {cause} (`assistant --debug ...` shows where).", err=True)
        sys.exit(1)


def _first(error: Exception) -> Exception:
    """What a task group wrapped."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
