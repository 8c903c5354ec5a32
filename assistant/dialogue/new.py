"""A new script from recordings, with what the transcriber hears in them as a first expectation."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from assistant.audio.vad import voiced_span
from assistant.audio.wav import read_wav
from assistant.messages import Samples
from assistant.ports import Transcriber
from assistant.schedule import outcome


def heard(files: Sequence[Path], transcriber: Transcriber) -> Iterator[tuple[Path, str]]:
    """Each recording with what it says, one after the other; nothing where nobody speaks.

    Raises:
        AudioError: A file is missing or is no sound.
    """
    recordings = [(file, read_wav(file)) for file in files]  # all of them first: a bad one costs no waiting
    for file, samples in recordings:
        yield file, "" if voiced_span(samples) is None else _text(transcriber, samples)


def script_text(entries: Sequence[tuple[Path, str]], script: Path, transcriber_name: str) -> str:
    """The script as YAML, its paths relative to where it is going to be.

    Args:
        entries: From `heard`.
        script: The file it will be written to.
        transcriber_name: Who says so, for whoever mends it.
    """
    head = f"# Made from recordings. The transcripts are what {transcriber_name} heard: listen, and mend them.\n"
    turns = [_entry(os.path.relpath(file, script.parent), text) for file, text in entries]
    return head + yaml.safe_dump({"turns": turns}, sort_keys=False, allow_unicode=True, width=120)


def _entry(user: str, text: str) -> dict[str, Any]:
    return {"user": Path(user).as_posix(), "expect": {"transcript": text} if text else {"turns": 0}}


def _text(transcriber: Transcriber, samples: Samples) -> str:
    transcript = outcome(transcriber.transcribe(samples))
    return "" if transcript.refused else transcript.text
