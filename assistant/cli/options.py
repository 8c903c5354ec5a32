"""Options that several commands share, as types of their parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

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
