"""Voice commands: what they are called, and how the time is told. They need no language model."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias, get_args

from assistant.config import Commands
from assistant.messages import Transcript
from assistant.text.overlap import normalise

Command: TypeAlias = Literal[
    "stop", "never_mind", "go_on", "repeat", "louder", "quieter", "faster", "slower", "time", "sleep", "wake"
]

ENDS_REPLY: frozenset[Command] = frozenset({"stop", "never_mind", "repeat", "time", "sleep"})
"""Heard during a reply, these cut it; the others let it go on."""

LOUDER = 10 ** (3 / 20)
"""3 dB, the least that is plainly heard."""
FASTER = 1.15

_TIME = {"en": "It is {time}.", "de": "Es ist {time} Uhr.", "es": "Son las {time}.", "fr": "Il est {time}."}


def find_command(transcript: Transcript, commands: Commands, joined: bool = False) -> Command | None:
    """The command that a transcript is, if it is one and nothing else.

    Args:
        transcript: What was said; its language chooses the phrases.
        commands: The configured phrases.
        joined: It goes on something not yet answered: then "stop" or "never mind" at its end is for all of it.
    """
    last = re.split(r"(?<=[.!?,])\s", transcript.text)[-1]
    for command in get_args(Command):
        phrases = getattr(commands, command).get(transcript.language, ())
        texts = (transcript.text, last) if joined and command in ("stop", "never_mind") else (transcript.text,)
        if any(normalise(text) == normalise(phrase) for text in texts for phrase in phrases):
            found: Command = command
            return found
    return None


def wakes(commands: Commands, language: str) -> bool:
    """Whether anything said can wake the assistant; if not, nothing need be transcribed while it sleeps."""
    return bool(commands.wake.get(language) if language != "auto" else any(commands.wake.values()))


def tell_time(time_of_day: str, language: str) -> str:
    """A sentence that tells the time, given like "9:05"; languages without one of their own say the bare time."""
    return _TIME.get(language, "{time}.").replace("{time}", time_of_day)
