"""Options that several commands share, as types of their parameters."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

if TYPE_CHECKING:
    from rich.console import Console

Profile: TypeAlias = Annotated[
    str | None, typer.Option("--profile", help="small, mac or mac-8gb; chosen by the machine if not given.")
]
ConfigFile: TypeAlias = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="TOML file laid over the profile.")
]
Settings: TypeAlias = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting, as speech.speed=1.2; repeatable.")
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the facts as JSON.")]
JsonFile: TypeAlias = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the result; - is standard output.")
]


def console_beside(json_file: Path | None) -> Console:
    """Where a table is shown: not in the midst of JSON that goes to standard output."""
    from rich.console import Console

    from assistant.dialogue.output import STANDARD_OUTPUT

    shown_on = sys.stderr if json_file == STANDARD_OUTPUT else sys.stdout
    return Console(file=shown_on, highlight=False, width=None if shown_on.isatty() else 120)
