"""`assistant models`: list, pull, verify, path."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.options import ConfigFile, Json, Profile

if TYPE_CHECKING:
    from assistant.models.lock import Entry
    from assistant.models.pull import Progress, Report

app = typer.Typer(help="The models: list, pull, verify, path.", no_args_is_help=True, rich_markup_mode=None)

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Names from `assistant models list`.")]


@app.command("list")
def list_(json: Json = False) -> None:
    """List the models of models.lock and which of them are on this machine."""
    from assistant.models.lock import entries
    from assistant.models.store import Store

    store = Store()
    present = {entry.name: store.problem(entry) is None for entry in entries().values()}
    if json:
        import json as json_

        rows = [
            {
                "name": entry.name,
                "role": entry.role,
                "size_bytes": entry.size_bytes,
                "source": entry.source,
                "licence": entry.licence,
                "present": present[entry.name],
                "folder": str(store.folder(entry)),
            }
            for entry in entries().values()
        ]
        typer.echo(json_.dumps(rows, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("NAME", "ROLE", "SIZE", "LICENCE", "HERE", "SOURCE"):
        table.add_column(heading, justify="right" if heading == "SIZE" else "left", no_wrap=heading == "NAME")
    for entry in entries().values():
        here = "yes" if present[entry.name] else "no"
        table.add_row(entry.name, entry.role, megabytes(entry.size_bytes), entry.licence, here, _origin(entry))
    Console(width=None if sys.stdout.isatty() else 120).print(table)


@app.command()
def pull(names: Names = None, profile: Profile = None, config: ConfigFile = None) -> None:
    """Pull models; by default those the configuration names. Interrupted, it goes on where it stopped."""
    from assistant.models.pull import pull as pull_model
    from assistant.models.store import Store

    store = Store()
    for entry in _entries(names, profile, config):
        with _progress(entry) as report:
            pulled = pull_model(entry, store, report)
        state = "pulled" if pulled else "is there"
        typer.echo(f"{entry.name} {state}: {store.folder(entry)} ({megabytes(entry.size_bytes)})")


@app.command()
def verify(names: Names = None) -> None:
    """Hash the files of the models on this machine, and say what each sha256 is held to."""
    from assistant.errors import ModelError
    from assistant.models.lock import entries, find
    from assistant.models.store import Store

    store = Store()
    here = [entry.name for entry in entries().values() if store.folder(entry).exists()]
    if not (names or here):
        typer.echo("No model is on this machine; assistant models pull gets those of the configuration.")
    damaged = []
    for entry in map(find, names or here):
        for check in store.verify(entry):
            state = "good" if check.good else "missing" if check.found is None else f"has sha256 {check.found}"
            expected = f"sha256 {check.expected}" if check.expected else "no sha256 yet"
            typer.echo(f"{entry.name} {check.path}: {state}; {expected} ({check.authority})")
            if not check.good and entry.name not in damaged:
                damaged.append(entry.name)
    if damaged:
        raise ModelError(f"Damaged: {', '.join(damaged)}; run: assistant models pull {' '.join(damaged)}")


@app.command()
def path(name: Annotated[str, typer.Argument(help="Name from `assistant models list`.")]) -> None:
    """Print the folder of a model that is on this machine."""
    from assistant.models.lock import local_folder

    typer.echo(local_folder(name))


def _entries(names: list[str] | None, profile: str | None, file: Path | None) -> list[Entry]:
    from assistant.config import load
    from assistant.models.lock import chosen, find

    if names:
        return [find(name) for name in names]
    return list(chosen(load(profile, file).models).values())


def _origin(entry: Entry) -> str:
    if entry.repository:
        return entry.repository
    indexes = " and ".join(sorted({package.index for package in entry.packages}, reverse=True))
    return f"{len(entry.packages)} package{'s' * (len(entry.packages) > 1)} from {indexes}"


def megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.0f} MB"


@contextmanager
def _progress(entry: Entry) -> Iterator[Report]:
    from rich import progress as rich
    from rich.console import Console

    columns = (rich.TextColumn("{task.description}"), rich.BarColumn(), rich.DownloadColumn())
    rates = (rich.TransferSpeedColumn(), rich.TimeRemainingColumn())
    console = Console(stderr=True)
    with rich.Progress(*columns, *rates, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(entry.name, total=None)
        doing = ""

        def report(progress: Progress) -> None:
            nonlocal doing
            description = f"{entry.name}: {progress.doing}"
            if progress.doing != doing:  # the rate is of this file, not of what was there before
                doing = progress.doing
                bars.reset(task, total=progress.total_bytes, completed=progress.done_bytes, description=description)
                if not console.is_terminal:
                    typer.echo(description, err=True)
            bars.update(task, completed=progress.done_bytes)

        yield report
