"""`assistant transcribe`: recordings to text, without a conversation."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.cli.options import ConfigFile, Json, Profile, Settings
from assistant.errors import AudioError, InferenceError

if TYPE_CHECKING:
    from assistant.messages import Samples, Steps, Transcript
    from assistant.ports import Transcriber

_LONG_S = 30.0
"""Whisper hears this much at once; longer recordings show how far they are."""


def transcribe(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="WAV files of any rate.", show_default=False)],
    as_json: Json = False,
    profile: Profile = None,
    config: ConfigFile = None,
    settings: Settings = None,
) -> None:
    """Write down what recordings say.

    A file that cannot be read costs one sentence and exit status 2; the others are transcribed all the same.
    """
    from assistant.app import load_transcriber
    from assistant.config import load

    chosen = load(profile, config, settings=settings or ())
    load_once = functools.cache(lambda: load_transcriber(chosen))
    facts: list[dict[str, Any]] = []
    try:
        for file in files:
            facts.append({"file": str(file), **_facts(file, load_once)})
            if not as_json:
                _show(facts[-1], with_name=len(files) > 1)
    finally:  # Ctrl-C keeps what is done
        if as_json:
            typer.echo(json.dumps({"files": facts}, ensure_ascii=False, indent=2))
    if any("error" in fact for fact in facts):
        raise typer.Exit(2)


def _facts(file: Path, load_transcriber: Callable[[], Transcriber]) -> dict[str, Any]:
    from assistant.audio.wav import read_wav
    from assistant.messages import MIC_RATE_HZ

    try:
        samples = read_wav(file)
        transcriber = load_transcriber()
        began_s = time.perf_counter()
        transcript = _run(transcriber, samples, str(file))
    except (AudioError, InferenceError) as error:
        return {"error": str(error)}
    return {
        "text": transcript.text,
        "refused": transcript.refused,
        "seconds": round(len(samples) / MIC_RATE_HZ, 3),
        "compute_seconds": round(time.perf_counter() - began_s, 3),
    }


def _run(transcriber: Transcriber, samples: Samples, name: str) -> Transcript:
    from rich.console import Console
    from rich.progress import Progress

    from assistant.messages import MIC_RATE_HZ
    from assistant.schedule import outcome

    seconds = len(samples) / MIC_RATE_HZ
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=seconds < _LONG_S or not console.is_terminal) as progress:
        task = progress.add_task(name, total=seconds)

        def shown(steps: Steps[Transcript]) -> Steps[Transcript]:
            for step in steps:
                progress.advance(task, sum(work.amount for work in step.work if work.kind == "whisper_encoder"))
                yield step

        return outcome(shown(transcriber.transcribe(samples)))


def _show(fact: dict[str, Any], with_name: bool) -> None:
    if "error" in fact:
        typer.echo(fact["error"], err=True)
    elif fact["refused"]:
        typer.echo(f"{fact['file']}: no speech that can be believed ({fact['refused']}).", err=True)
    else:
        typer.echo(f"{fact['file']}: {fact['text']}" if with_name else fact["text"])
