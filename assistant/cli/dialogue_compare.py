"""`assistant dialogue compare`: two runs of the same scripts side by side."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from assistant.cli.options import Json


def compare(
    a: Annotated[Path, typer.Argument(metavar="A.json", help="Written by --json before.", show_default=False)],
    b: Annotated[Path, typer.Argument(metavar="B.json", help="Written by --json after.", show_default=False)],
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page for a browser.")] = None,
    as_json: Json = False,
) -> None:
    """Hold two results of `dialogue run --json` side by side: what passes now, what fails, and what is faster.

    Exit status: 0, or 2 if a file is not such a result.
    """
    from rich.console import Console

    from assistant.dialogue import compare as comparing
    from assistant.dialogue.compare_table import show
    from assistant.dialogue.output import write_whole
    from assistant.dialogue.report.comparison import comparison_page

    comparison = comparing.compare(comparing.read_results(a), comparing.read_results(b))
    if html is not None:
        write_whole(html, comparison_page(comparison, a, b))
    if as_json:
        typer.echo(comparing.as_json(comparison))
    else:
        show(comparison, Console(highlight=False, width=None if sys.stdout.isatty() else 120))
