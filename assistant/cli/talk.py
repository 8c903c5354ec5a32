"""`assistant talk`: the talk itself, at the desk."""

from __future__ import annotations

import json
import logging
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO, TypeAlias, cast

import typer

from assistant.cli.options import ConfigFile, Profile, Settings

if TYPE_CHECKING:
    from assistant.screen.display import Display


PushToTalk: TypeAlias = Annotated[bool, typer.Option("--push-to-talk", help="Listen only by a key.")]
Microphone: TypeAlias = Annotated[str | None, typer.Option(metavar="NAME", help="Name or number of the microphone.")]
Loudspeaker: TypeAlias = Annotated[str | None, typer.Option(metavar="NAME", help="Name or number of the loudspeaker.")]
Plain: TypeAlias = Annotated[bool, typer.Option("--plain", help="Plain lines, as when the output is no terminal.")]
JsonEvents: TypeAlias = Annotated[bool, typer.Option("--json-events", help="One JSON object a line, for programs.")]


def talk(
    push_to_talk: PushToTalk = False,
    global_key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Push-to-talk with this key, held, in whatever window, as f8 or alt_r."),
    ] = None,
    microphone: Microphone = None,
    loudspeaker: Loudspeaker = None,
    headphones: Annotated[
        bool | None,
        typer.Option("--headphones/--loudspeakers", help="What you hear it by; its name tells if not given."),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep texts and sound in a new folder in DIR."),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Go on with a talk that was kept, in its folder.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Make a dialogue script of the talk in DIR, with recordings.")
    ] = None,
    plain: Plain = False,
    json_events: JsonEvents = False,
    log: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Show nothing; log states and errors, not what is said. Rotated at 1 MB."),
    ] = None,
    profile: Profile = None,
    config: ConfigFile = None,
    settings: Settings = None,
) -> None:
    """Talk with the assistant by voice: hands-free, or with --push-to-talk.

    Keys, events and what is kept: docs/talk.md. Exit status: 0 you ended it, 2 something cannot be used.
    """
    import anyio

    from assistant.config import load
    from assistant.live import LiveTalk, Options

    named = {"devices.microphone": microphone, "devices.loudspeaker": loudspeaker}
    given = [f"{key}={json.dumps(name)}" for key, name in named.items() if name is not None]
    if headphones is not None:
        given.append(f"echo.device={'headphones' if headphones else 'loudspeakers'}")
    options = Options(push_to_talk or global_key is not None, global_key, save, resume, record, profile)
    with ExitStack() as stack:
        display = _display(plain, json_events, log, stack)  # first: a log also has what is wrong with the settings
        chosen = load(profile, config, settings=[*(settings or ()), *given])
        anyio.run(LiveTalk(chosen, display, options).run)


def _display(plain: bool, json_events: bool, log: Path | None, stack: ExitStack) -> Display:
    from rich.console import Console

    from assistant.quiet import quiet_stderr
    from assistant.screen.events import JsonEvents
    from assistant.screen.lines import PlainLines
    from assistant.screen.log import Log
    from assistant.screen.outlet import Outlet
    from assistant.screen.view import LiveView

    if log is not None:
        return stack.enter_context(Log(log))
    out = Outlet(sys.stdout)
    if json_events:
        return JsonEvents(out)
    console = Console(file=cast(TextIO, out), highlight=False)
    logging_to_stderr = logging.getLogger("assistant").isEnabledFor(logging.DEBUG)
    if plain or logging_to_stderr or not console.is_terminal or console.is_dumb_terminal:
        return PlainLines(out)
    stack.enter_context(quiet_stderr())
    return LiveView(console)
