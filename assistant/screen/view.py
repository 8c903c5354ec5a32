"""The live view: turns scroll by as they end, and below them a few lines tell of the moment.

Drawn from the event loop at most ten times a second, and only when something would look different.
"""

from __future__ import annotations

import dataclasses

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from assistant.metrics import DeskStatus, TurnRecord
from assistant.screen.display import Now
from assistant.screen.latency import latency
from assistant.screen.words import describe_desk, describe_latency

_STATES = {
    # state: sign, style
    "listening": ("●", "green"),
    "hearing": ("◉", "bold green"),
    "thinking": ("◌", "yellow"),
    "speaking": ("▶", "bold blue"),
    "paused": ("‖", "blue"),
    "asleep": ("☾", "magenta"),
    "muted": ("⊘", "bold red"),
}
_METER_CELLS = 20
_METER_FLOOR_DB = -60.0
_METER_FALL_DB = 6.0
"""Per tick: a meter that fell at once would flicker between syllables."""
_LAST_CHARACTERS = 400
"""Shown of a reply that grows: the whole must not outgrow the window."""


class LiveView:
    """A Display on a terminal.

    Args:
        console: The terminal.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._progress = ""
        self._desk = DeskStatus()
        self._turns: list[TurnRecord] = []  # those under way
        self._now = Now("listening", _METER_FLOOR_DB)
        self._level_db = _METER_FLOOR_DB
        self._drawn: object = None
        self._started = False

    def progress(self, doing: str) -> None:
        """See Display."""
        self._progress = doing
        self._draw()

    def note(self, text: str) -> None:
        """See Display."""
        self._console.print(Text(text, style="yellow"))

    def desk(self, status: DeskStatus) -> None:
        """See Display."""
        self._desk = dataclasses.replace(status)

    def turn(self, record: TurnRecord) -> None:
        """See Display."""
        self._turns = [one for one in self._turns if one is not record]
        if record.state in ("held", "open"):
            self._turns.append(record)
        elif record.state in ("done", "cut"):
            self._console.print(_turn(record))

    def now(self, now: Now) -> None:
        """See Display."""
        self._now = now
        self._level_db = max(now.level_db, self._level_db - _METER_FALL_DB, _METER_FLOOR_DB)
        self._draw()

    def close(self) -> None:
        """See Display."""
        self._live.stop()

    def _draw(self) -> None:
        turns = tuple((one.state, one.transcript, one.reply) for one in self._turns)
        scene = (self._progress, dataclasses.replace(self._desk), turns, self._cells, self._moment)
        if scene == self._drawn:
            return
        self._drawn = scene
        self._live.start()
        self._live.update(self._below(), refresh=True)

    @property
    def _moment(self) -> Now:
        return dataclasses.replace(self._now, level_db=0.0)

    @property
    def _cells(self) -> int:
        if self._now.state == "muted" or self._desk.problem:
            return 0
        cells = round((self._level_db / -_METER_FLOOR_DB + 1) * _METER_CELLS)
        return min(cells, _METER_CELLS)

    def _below(self) -> RenderableType:
        now = self._now
        rows: list[RenderableType] = []
        for record in self._turns:
            rows.append(_turn(record, None if record.state == "held" else now.first_sound_s))
        rows.append(self._status())
        rows += [Text(describe_desk(self._desk), style="dim")] if self._desk.microphone else []
        rows += [Text(text, style="bold red") for text in (self._desk.problem,) if text]
        rows += [Text(text, style="yellow") for text in (self._desk.warning,) if text]
        rows += [_line(now.line, now.cursor)] if now.line is not None else []
        rows += [Text(text, style="dim") for text in (now.keys,) if text]
        return Group(*rows)

    def _status(self) -> RenderableType:
        state: str = self._now.state
        if self._progress:
            state, sign, style = self._progress, "◌", "yellow"
        elif self._desk.problem:
            state, sign, style = "no device", "✕", "bold red"
        else:
            sign, style = _STATES[state]
        meter = Text("█" * self._cells, style="green") + Text("░" * (_METER_CELLS - self._cells), style="dim")
        return Text.assemble((f"{sign} {state:<10}  ", style), meter)


def _turn(record: TurnRecord, first_sound_s: float | None = None) -> RenderableType:
    """What was said by both; what is not certain yet is dim."""
    over = record.state in ("done", "cut")
    said = record.reply_heard if over else record.reply
    if not over and len(said) > _LAST_CHARACTERS:
        said = "… " + said[-_LAST_CHARACTERS:]
    rows = Table.grid(padding=(0, 2))
    rows.add_column(no_wrap=True)
    rows.add_column(overflow="fold")
    rows.add_row(
        Text("you", style="cyan"), Text(record.transcript or "…", style="dim" if record.state == "held" else "")
    )
    if said or record.state == "cut":  # a voice command may be obeyed without a word
        reply = Text(said.strip(), style="" if over or record.state == "open" else "dim")
        if record.state == "cut":
            reply.append(" ⏹ interrupted", style="red")
        rows.add_row(Text("assistant", style="green"), reply)
    if taken := latency(record, first_sound_s):
        rows.add_row("", Text(describe_latency(taken), style="dim"))
    return rows


def _line(text: str, cursor: int) -> Text:
    """The line being typed, its cursor in reverse."""
    shown = Text("> ", style="bold") + Text(text + " ")
    shown.stylize("reverse", 2 + cursor, 3 + cursor)
    return shown
