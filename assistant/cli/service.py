"""`assistant service`: a talk from login on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.options import Json, Profile

if TYPE_CHECKING:
    from pathlib import Path

app = typer.Typer(help="Talk from login on, started anew after a crash.", no_args_is_help=True)

_LINES = 5


@app.command()
def install(
    talk_options: Annotated[
        list[str] | None, typer.Argument(metavar="[-- TALK OPTIONS]", help="As for assistant talk.", show_default=False)
    ] = None,
    profile: Profile = None,
) -> None:
    """Start a talk now and at every login; installed again, it goes on with the new options.

    Its log tells of states and errors. What is said is kept only if the talk's options say --save.
    """
    from assistant.service import log_file, talk_job
    from assistant.service_manager import this_system

    options = [*(("--profile", profile) if profile else ()), *(talk_options or ())]
    _check(options)
    service = this_system()
    notes = service.install(talk_job(options, log_file()))
    for line in (f"Installed: {service.file}", f"It logs to {log_file()}.", *notes):
        typer.echo(line)


@app.command()
def status(as_json: Json = False) -> None:
    """Say whether it is installed and running, and the end of its log. Exit status 1 if it is not running."""
    import json

    from assistant.service import log_file
    from assistant.service_manager import this_system

    found = this_system().status()
    log, lines = log_file(), _last_lines(log_file())
    if as_json:
        file = None if found.file is None else str(found.file)
        facts = {"file": file, "running": found.running, "state": found.detail, "log": str(log), "last": lines}
        typer.echo(json.dumps(facts, ensure_ascii=False))
    else:
        running = {True: "yes", False: "no", None: "unknown"}[found.running]
        typer.echo(f"installed  {found.file or 'no; run: assistant service install'}")
        typer.echo(f"running    {running} ({found.detail})")
        typer.echo(f"log        {log if lines else f'{log} (nothing yet)'}")
        for line in lines:
            typer.echo(f"  {line}")
    raise typer.Exit(0 if found.running else 1)


@app.command()
def uninstall() -> None:
    """Stop it and remove it; its log stays."""
    from assistant.service_manager import this_system

    service = this_system()
    typer.echo(f"Removed: {service.file}" if service.uninstall() else "There is no service.")


def _check(options: list[str]) -> None:
    """Find mistakes now, and not in the log: a wrong option ends this command as it would end the talk."""
    from pathlib import Path

    from typer.main import get_group

    from assistant.cli import app as assistant
    from assistant.config import load

    talk = get_group(assistant).commands["talk"]
    given = talk.make_context("assistant talk", list(options)).params
    config = given["config"]
    load(given["profile"], None if config is None else Path(config), settings=given["settings"] or ())


def _last_lines(log: Path) -> list[str]:
    if not log.is_file():
        return []
    return log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LINES:]
