"""`assistant doctor`: what is in use, and what to do about each thing missing."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.options import ConfigFile, Json, Profile, Settings

if TYPE_CHECKING:
    from assistant.doctor import Finding


def doctor(
    measure: Annotated[
        bool, typer.Option("--measure", help="Load the models and time the longest step of each kind.")
    ] = False,
    as_json: Json = False,
    profile: Profile = None,
    config: ConfigFile = None,
    settings: Settings = None,
) -> None:
    """Say what is in use on this machine, and what to do about each thing missing.

    Exit status 1 if something is missing that a talk needs.
    """
    from assistant import doctor
    from assistant.config import load

    chosen = load(profile, config, settings=settings or ())
    findings = doctor.examine(chosen, profile)
    usable = doctor.usable(findings)
    if measure and usable:
        from assistant.app import load_models

        findings += doctor.measure(load_models(chosen))
    else:
        findings.append(doctor.not_measured())
    if as_json:
        facts = {"usable": usable, "findings": [dataclasses.asdict(finding) for finding in findings]}
        typer.echo(json.dumps(facts, ensure_ascii=False, indent=2))
    else:
        _show(findings, usable)
    raise typer.Exit(0 if usable else 1)


def _show(findings: list[Finding], usable: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column()
    table.add_column(overflow="fold")
    topic = ""
    for finding in findings:
        table.add_row("" if finding.topic == topic else finding.topic, finding.name, Text(finding.value))
        topic = finding.topic
        if finding.cure:
            table.add_row("", "", Text(f"-> {finding.cure}", style="red" if finding.needed else "yellow"))
    console.print(table)
    console.print("\nReady." if usable else "\nNot ready: do what the arrows say, then run assistant doctor again.")
