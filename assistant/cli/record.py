"""`assistant dialogue record`: a talk held for the sake of its script."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assistant.cli.options import ConfigFile, Profile, Settings
from assistant.cli.talk import JsonEvents, Loudspeaker, Microphone, Plain, PushToTalk, talk


def record(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Gets the script and a folder of recordings.", show_default=False)
    ],
    push_to_talk: PushToTalk = False,
    microphone: Microphone = None,
    loudspeaker: Loudspeaker = None,
    plain: Plain = False,
    json_events: JsonEvents = False,
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
