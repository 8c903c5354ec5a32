"""`assistant say` and `assistant voices`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.cli.options import ConfigFile, Json, Profile, Settings
from assistant.errors import AssistantError, AudioError

if TYPE_CHECKING:
    from assistant.config import Config
    from assistant.messages import Fragment, Samples
    from assistant.ports import Synthesizer


def say(
    text: Annotated[str, typer.Argument(metavar="TEXT|-", help="What to say; - reads it from stdin.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE.wav", help="WAV to write.")] = None,
    voice: Annotated[str | None, typer.Option("--voice", help="A name from `assistant voices`.")] = None,
    speed: Annotated[float | None, typer.Option("--speed", help="0.5 to 2.")] = None,
    as_json: Json = False,
    profile: Profile = None,
    config: ConfigFile = None,
    settings: Settings = None,
) -> None:
    """Say a text as the assistant would, into a WAV file."""
    from assistant.app import load_voice
    from assistant.config import load

    if output is None:
        raise AudioError("Name the file to write: assistant say TEXT -o FILE.wav")
    if not output.parent.is_dir():
        raise AudioError(f"There is no folder {output.parent} to write {output.name} into; make it first.")
    chosen = load(profile, config, settings=[*(settings or ()), *_as_settings(voice, speed)])
    fragments = _fragments(_stdin() if text == "-" else text, chosen)
    synthesizer = load_voice(chosen)
    began_s = time.perf_counter()
    samples = _write(output, fragments, synthesizer, chosen)
    compute_s, audio_s = time.perf_counter() - began_s, samples / synthesizer.rate_hz
    if not samples:
        raise AssistantError(f"The voice {chosen.speech.voice} cannot say any of this text; give it in English.")
    facts = {
        "file": str(output),
        "voice": chosen.speech.voice,
        "fragments": len(fragments),
        "seconds": round(audio_s, 3),
        "compute_seconds": round(compute_s, 3),
        "real_time_factor": round(compute_s / audio_s, 3),
    }
    if as_json:
        typer.echo(json.dumps(facts, ensure_ascii=False, indent=2))
    else:
        typer.echo(f"{output}: {audio_s:.1f} s in {compute_s:.1f} s, real-time factor {compute_s / audio_s:.2f}")


def voices(
    as_json: Json = False, profile: Profile = None, config: ConfigFile = None, settings: Settings = None
) -> None:
    """List the voices of the configured model."""
    from assistant.config import load
    from assistant.models import lock
    from assistant.models.voices import installed

    chosen = load(profile, config, settings=settings or ())
    listed = [voice for voice in installed(lock.local_folder(chosen.models.voice)) if voice.is_english]
    if as_json:
        rows = [{"name": voice.name, "language": voice.language, "gender": voice.gender} for voice in listed]
        typer.echo(json.dumps({"default": chosen.speech.voice, "voices": rows}, indent=2))
        return
    for voice in listed:
        mark = "  (default)" if voice.name == chosen.speech.voice else ""
        typer.echo(f"{voice.name:<14}{voice.language}, {voice.gender}{mark}")


def _stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode()  # as text a C locale would let any byte through
    except UnicodeDecodeError:
        raise AssistantError("What came on stdin is not UTF-8 text; convert it first.") from None


def _as_settings(voice: str | None, speed: float | None) -> list[str]:
    given = {"speech.voice": voice, "speech.speed": speed}
    return [f"{key}={value}" for key, value in given.items() if value is not None]


def _fragments(text: str, config: Config) -> list[Fragment]:
    from assistant.text.fragments import fragments_of

    fragments = fragments_of(text, config.speech, config.transcribe.language)
    if not fragments:
        raise AssistantError("There is nothing to say in that text; give some words.")
    return fragments


def _write(output: Path, fragments: list[Fragment], synthesizer: Synthesizer, config: Config) -> int:
    """Speak into a WAV, with the gaps of a conversation; Ctrl-C keeps what is done. Returns samples written."""
    import numpy as np

    from assistant.audio.wav import write_wav

    pieces: list[Samples] = []
    gap_ms = 0
    try:
        for fragment in _with_progress(fragments):
            audio = _speak(fragment, synthesizer)
            pieces += [np.zeros(synthesizer.rate_hz * gap_ms // 1000, np.float32), audio] if audio.size else []
            gap_ms = config.speech.sentence_gap_ms if fragment.ends_sentence else config.speech.clause_gap_ms
    finally:
        if pieces:
            write_wav(output, np.concatenate(pieces[1:]), synthesizer.rate_hz)
    return sum(map(len, pieces[1:]))


def _speak(fragment: Fragment, synthesizer: Synthesizer) -> Samples:
    import numpy as np

    return np.concatenate([audio.samples for step in synthesizer.synthesize(fragment) for audio in step.values])


def _with_progress(fragments: list[Fragment]) -> Iterable[Fragment]:
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    quiet = len(fragments) == 1 or not console.is_terminal
    return track(fragments, "Speaking", console=console, transient=True, disable=quiet)
