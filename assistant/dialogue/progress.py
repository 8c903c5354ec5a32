"""How far a run of dialogues has come, and how long the rest will take."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from assistant.dialogue.load import Dialogue
from assistant.dialogue.result import Performance
from assistant.dialogue.summary import describe


class RunProgress:
    """A bar over dialogues; also a context manager, during which it is shown."""

    def __init__(self, console: Console, dialogues: int) -> None:
        columns = BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("[dim]{task.description}[/]")
        # in a file or a pipe nobody looks at it, and blank lines would be all that is left of it
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_interactive)
        self._task = self._progress.add_task("loading the models", total=dialogues)

    def __enter__(self) -> RunProgress:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def entry(self, dialogue: Dialogue, index: int) -> None:
        """An entry of a dialogue begins."""
        entries = dialogue.script.turns
        where = f"{dialogue.name}, entry {index + 1} of {len(entries)}: {describe(entries[index])}"
        self._progress.update(self._task, description=where)

    def lost(self, dialogue: Dialogue) -> None:
        """The process that ran a dialogue has died; another runs it again."""
        self._progress.console.print(f"[yellow]The worker that ran {escape(dialogue.name)} died; it is run again.[/]")

    def done(self, performance: Performance) -> None:
        """A dialogue has been run."""
        self._progress.update(self._task, advance=1, description=performance.result.label)
