"""A kept talk's folder: where it is, how a turn is written in it, and what a talk is taken up again from."""

from __future__ import annotations

import contextlib
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from assistant.errors import KeepingError
from assistant.history import Messages
from assistant.messages import ChatMessage
from assistant.metrics import TurnRecord

TURNS, PAGE = "talk.jsonl", "talk.md"
_MARKUP = re.compile(r"([\\`*_\[\]<>])")


def new_folder(base: Path, now: datetime) -> Path:
    """Make the folder of a new talk, which only its owner may open.

    Args:
        base: Holds one folder for each talk; made if it is not there.
        now: Names it, as 2026-11-21_20-45-12.

    Raises:
        KeepingError: It cannot be made.
    """
    name = f"{now:%Y-%m-%d_%H-%M-%S}"
    taken = 1
    try:
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            folder = base / (name if taken == 1 else f"{name}_{taken}")
            with contextlib.suppress(FileExistsError):
                folder.mkdir(mode=0o700)
                return folder
            taken += 1
    except OSError as error:
        raise KeepingError(
            f"The talk cannot be kept in {base}: {error.strerror}; choose a folder that you may write to."
        ) from None


def find(path: Path) -> Path:
    """The folder of a kept talk.

    Args:
        path: That folder, its talk.jsonl, or a folder of such folders, of which the one last talked in counts.

    Raises:
        KeepingError: There is no kept talk.
    """
    if path.name == TURNS and path.is_file():
        return path.parent
    if (path / TURNS).is_file():
        return path
    talks = sorted(path.glob(f"*/{TURNS}"), key=lambda turns: (turns.stat().st_mtime, turns))
    if not talks:
        raise KeepingError(f"There is no kept talk in {path}; give the folder that --save was given, or one in it.")
    return talks[-1].parent


def resume(path: Path) -> tuple[ChatMessage, ...]:
    """What was said and heard in a kept talk, for the history of the one that goes on.

    A last line that a crash left unfinished is passed over.

    Args:
        path: As for `find`.

    Raises:
        KeepingError: There is no kept talk, or a line of it is damaged.
    """
    turns = find(path) / TURNS
    try:
        lines = turns.read_bytes().split(b"\n")[:-1]
    except OSError as error:
        raise KeepingError(f"{turns} cannot be read: {error.strerror}.") from None
    messages = Messages()
    for number, line in enumerate(lines, 1):
        try:
            _repeat(json.loads(line), messages)
        except (ValueError, KeyError, TypeError):
            raise KeepingError(f"{turns}, line {number}, is damaged; mend or delete it, and try again.") from None
    return tuple(messages)


def _repeat(turn: dict[str, Any], messages: Messages) -> None:
    """Do to the messages what the turn did to the history."""
    said, heard = turn["transcript"], turn["reply_heard"]
    if not (isinstance(said, str) and isinstance(heard, str)):
        raise TypeError
    if turn["forgot"]:
        messages.forget_last()
    elif turn["went_on"]:
        messages.add_assistant(turn["went_on"])
    elif turn["command"] is None and turn["state"] != "rejected":
        messages.add_user(said)
        messages.add_assistant(heard)


def after_ms(record: TurnRecord) -> dict[str, int]:
    """Milliseconds from a turn's last voiced sample to each stage of its answer, the first sound last."""
    moments = {
        "transcript": record.transcript_s,
        "endpoint": record.endpoint_s,
        "first_token": record.first_token_s,
        "first_sentence": record.first_sentence_s,
        "first_fragment": record.first_fragment_s,
        "first_sound": record.sounded[0][0] if record.sounded else None,
    }
    return {name: round((at_s - record.speech_end_s) * 1000) for name, at_s in moments.items() if at_s is not None}


def as_markdown(record: TurnRecord, at: datetime) -> str:
    """A turn for people to read: what was said, and what of the reply was heard. Nothing where it was no turn."""
    if record.state == "rejected":
        return ""
    typed = " *(typed)*" if record.kind == "typed" else ""
    command = f" *(command: {record.command.replace('_', ' ')})*" if record.command is not None else ""
    said = f"\n**You**, {at:%H:%M:%S}{typed}: {_plain(record.transcript)}{command}\n"
    heard = _plain(record.reply_heard or record.went_on)
    if record.state == "cut":
        heard = f"{heard} — *(interrupted)*" if heard else "*(interrupted before a word was heard)*"
    return said + (f"\n**Assistant**: {heard}\n" if heard else "")


def _plain(text: str) -> str:
    """On one line, its characters meaning nothing to Markdown."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))
