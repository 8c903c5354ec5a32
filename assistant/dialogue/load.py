"""From paths to scripts that are known to be right, before anything runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from assistant import config
from assistant.audio.vad import voiced_span
from assistant.audio.wav import read_wav
from assistant.config import Config
from assistant.dialogue.document import Document, KeyPath, dotted, read_document
from assistant.dialogue.script import (
    DialogueExpectation,
    Entry,
    EntryExpectation,
    MisplacedError,
    ReplyExpectation,
    Script,
)
from assistant.errors import AudioError, ConfigError, ModelError, ScriptError
from assistant.messages import MIC_RATE_HZ, Samples
from assistant.metrics import Span
from assistant.simulation.room import RoomConfig


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """What a user says."""

    samples: Samples
    """(n,) float32 at 16 kHz, gain applied."""
    voiced_s: Span | None
    """First and last voiced moment from the file's first sample; None: nothing in it is voiced."""

    @property
    def seconds(self) -> float:
        """Length of the file."""
        return len(self.samples) / MIC_RATE_HZ


@dataclass(frozen=True, slots=True, eq=False)
class Dialogue:
    """A script, checked, with all that it needs to run: on another machine too, without the files."""

    path: Path
    """As given, or as found under the folder given."""
    script: Script
    config: Config
    recordings: dict[int, Recording]
    """By index of the entry."""
    noise: Samples | None = None
    """(n,) float32 at 16 kHz, where the room's noise is a recording."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What a sweep set for it, by key."""

    @property
    def name(self) -> str:
        """Of the script, or the file's stem."""
        return self.script.name or self.path.stem


def find_scripts(paths: Iterable[Path]) -> list[Path]:
    """The scripts meant: files as given, and what lies in folders at any depth, by path.

    Raises:
        ScriptError: A path is missing, or a folder has no script.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.suffix in (".yaml", ".yml") and file.is_file())
            if not inside:
                raise ScriptError(f"The folder {path} has no script (*.yaml, *.yml) in it; give another.")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise ScriptError(f"There is no script or folder {path}; check the path.")
    return found


def load_dialogues(
    paths: Iterable[Path],
    profile: str | None = None,
    file: Path | None = None,
    settings: Sequence[str] = (),
    check: Callable[[Config], object] = lambda configuration: None,
) -> list[Dialogue]:
    """Read and check every script under the paths; one mistake and none is returned.

    Args:
        paths: Scripts and folders of scripts.
        profile: As for `assistant.config.load`, as are the two below.
        file: Configuration laid over the profile.
        settings: Single settings, laid over the script's `config`.
        check: Raises a ModelError if a configuration asks for a model or voice that is not there.

    Raises:
        ScriptError: The first mistake in any of the scripts.
        ConfigError: A mistake in the configuration that is not the scripts'.
        ModelError: From `check`, of the same.
    """

    def configure(own: Mapping[str, Any] | None) -> Config:
        configuration = config.load(profile, file, own, settings)
        check(configuration)
        return configuration

    configure(None)  # so that what fails later is a script's own `config`
    return [_load(path, configure) for path in find_scripts(paths)]


def _load(path: Path, configure: Callable[[Mapping[str, Any]], Config]) -> Dialogue:
    document = read_document(path)
    script = _validated(document)
    if "judge" in script.config:
        text = "a script does not choose its judge, nor where replies are sent; set it by --config or --set"
        raise document.fault(("config", "judge"), text)
    try:
        configuration = configure(script.config)
    except (ConfigError, ModelError) as error:
        raise _config_fault(document, str(error)) from None
    noise = None
    if script.room is not None and script.room.noise_file is not None:
        try:
            noise = read_wav(path.parent / script.room.noise_file)
        except AudioError as error:
            raise document.fault(("room", "noise"), str(error).rstrip(".")) from None
    recordings = {
        index: _recording(document, index, entry, script)
        for index, entry in enumerate(script.turns)
        if entry.user is not None
    }
    return Dialogue(path, script, configuration, recordings, noise)


def _recording(document: Document, index: int, entry: Entry, script: Script) -> Recording:
    try:
        samples = read_wav(document.path.parent / str(entry.user))
    except AudioError as error:
        raise document.fault(("turns", index, "user"), str(error).rstrip(".")) from None
    seconds = len(samples) / MIC_RATE_HZ
    voiced = voiced_span(samples)
    voiced_s = None if voiced is None else (voiced[0] / MIC_RATE_HZ, voiced[1] / MIC_RATE_HZ)
    if entry.voiced_ms is not None:
        if entry.voiced_ms[1] > seconds * 1000:
            text = f"it reaches past the recording's end ({seconds * 1000:.0f} ms); measure it again"
            raise document.fault(("turns", index, "voiced_ms"), text)
        voiced_s = (entry.voiced_ms[0] / 1000, entry.voiced_ms[1] / 1000)
    recording = Recording(samples * 10 ** ((entry.gain_db or 0) / 20), voiced_s)
    down_s, up_s = key_span_s(script, recording)
    if script.mode == "push-to-talk" and down_s >= up_s:
        text = "the key would come up before it goes down; raise ptt_lead_ms or ptt_tail_ms"
        raise document.fault(("turns", index), text)
    return recording


def key_span_s(script: Script, recording: Recording) -> Span:
    """When the key goes down and comes up, from the file's first sample; it may go down before that."""
    first_s, last_s = recording.voiced_s or (0.0, recording.seconds)
    return first_s - script.ptt_lead_ms / 1000, last_s + script.ptt_tail_ms / 1000


# from pydantic's errors, and the configuration's, to sentences

_PARTS: dict[KeyPath, type[BaseModel]] = {
    (): Script,
    ("turns",): Entry,
    ("turns", "expect"): EntryExpectation,
    ("turns", "expect", "reply"): ReplyExpectation,
    ("expect",): DialogueExpectation,
    ("room",): RoomConfig,
}

_TYPES = {
    "string_type": "it must be text; put it in quotes",
    "float_type": "it must be a number; write its digits, without quotes, unit or exponent",
    "int_type": "it must be a whole number; write it without quotes or unit",
    "int_from_float": "it must be a whole number; leave out the fraction",
    "bool_type": "it must be true or false; write one of them without quotes",
    "list_type": "it must be a list; write its items in [ ]",
    "dict_type": "it must be a section; write its keys under it",
    "model_type": "it must be a section; write its keys under it",
    "finite_number": "it must be a finite number; write digits",
    "missing": "it is missing; add it",
    "string_too_short": "it is empty; fill it in or leave the key out",
    "string_pattern_mismatch": "it is empty; fill it in or leave the key out",
}


def _validated(document: Document) -> Script:
    try:
        return Script.model_validate(document.values)
    except ValidationError as error:
        faults = [_fault(document, dict(one)) for one in error.errors(include_url=False)]
        raise min(faults, key=lambda fault: fault[0])[1] from None


def _fault(document: Document, error: dict[str, Any]) -> tuple[int, ScriptError]:
    """One of pydantic's errors: its line, and the sentence."""
    key: KeyPath = error["loc"]
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, MisplacedError):
        key = (*key, cause.key)
    return document.line(key), document.fault(key, _sentence(key, error, cause))


def _sentence(key: KeyPath, error: dict[str, Any], cause: ValueError | None) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if cause is not None:
        return str(cause)
    if kind == "extra_forbidden":
        part = tuple(name for name in key[:-1] if isinstance(name, str))
        return f"there is no such key{config.nearest(str(key[-1]), _PARTS[part].model_fields)}"
    if kind == "literal_error":
        return f"it is {error['input']!r}; write {context['expected']}"
    if kind in _TYPES:
        return _TYPES[kind]
    shown = f"it is {error['input']!r}; " if isinstance(error["input"], (int, float)) else ""
    reason = str(error["msg"]).replace("Input should be", "it must be").replace("after validation, ", "")
    return f"{shown}{reason[0].lower()}{reason[1:]}"


def _config_fault(document: Document, message: str) -> ScriptError:
    """The configuration's sentence, with the script's file, line and key before it."""
    text = re.sub(r"^the script's config: ", "", message, flags=re.IGNORECASE).rstrip(".")
    under = [key for key in document.lines if key[:1] == ("config",) and len(key) > 1]
    named = [key for key in under if re.search(rf"(?<![\w.]){re.escape(dotted(key[1:]))}(?![\w.])", text)]
    return document.fault(max(named, key=len, default=("config",)), text)
