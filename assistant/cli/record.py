"""`assistant dialogue record`: a talk held for the sake of its script."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assistant.cli.options import ConfigFile, Profile, Settings
from assistant.cli.talk import talk


def record(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Gets the script and a folder of recordings.", show_default=False)
    ],
    push_to_talk: Annotated[bool, typer.Option("--push-to-talk", help="Listen only by a key.")] = False,
    microphone: Annotated[str | None, typer.Option(metavar="NAME", help="Name or number of the microphone.")] = None,
    loudspeaker: Annotated[str | None, typer.Option(metavar="NAME", help="Name or number of the loudspeaker.")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Plain lines, as when the output is no terminal.")] = False,
    json_events: Annotated[bool, typer.Option("--json-events", help="One JSON object a line, for programs.")] = False,
    profile: Profile = None,
    config: ConfigFile = None,
    settings: Settings = None,
) -> None:
    """Talk with the assistant; when you end it, the talk is a dialogue script, with the room as it sounded.

    The same as `assistant talk --record DIR`.
    """
    talk(
        push_to_talk=push_to_talk,
        microphone=microphone,
        loudspeaker=loudspeaker,
        record=folder,
        plain=plain,
        json_events=json_events,
        profile=profile,
        config=config,
        settings=settings,
    )
