"""Configuration: config/default.toml, laid over by a profile, a file, a script and single settings.

`default.toml` is the one place where defaults stand; the classes in `sections` hold types and ranges only.
"""

from __future__ import annotations

import difflib
import platform
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from assistant.config.sections import (
    Acknowledge,
    Chat,
    Commands,
    Costs,
    Devices,
    Earcons,
    Echo,
    Endpoint,
    Interruption,
    Judge,
    Memory,
    Models,
    Phrases,
    Playback,
    PushToTalk,
    Runtime,
    Section,
    Simulation,
    Speech,
    Talk,
    Transcribe,
    Vad,
)
from assistant.errors import ConfigError


class Config(Section):
    """The whole configuration; see config/default.toml for what each key means."""

    models: Models
    runtime: Runtime
    memory: Memory
    vad: Vad
    endpoint: Endpoint
    push_to_talk: PushToTalk
    echo: Echo
    interruption: Interruption
    commands: Commands
    transcribe: Transcribe
    chat: Chat
    speech: Speech
    playback: Playback
    devices: Devices
    talk: Talk
    acknowledge: Acknowledge
    earcons: Earcons
    judge: Judge
    simulation: Simulation


__all__ = [
    "PROFILES",
    "Chat",
    "Commands",
    "Config",
    "Costs",
    "Devices",
    "Earcons",
    "Echo",
    "Endpoint",
    "Interruption",
    "Judge",
    "Memory",
    "Models",
    "Phrases",
    "Playback",
    "PushToTalk",
    "Runtime",
    "Simulation",
    "Speech",
    "Talk",
    "Transcribe",
    "Vad",
    "data_path",
    "default_profile",
    "load",
    "nearest",
]

PROFILES = ("small", "mac", "mac-8gb")


def data_path(name: str) -> Path:
    """Path of a file that comes with the program, as `config/default.toml` or `models.lock`."""
    installed = Path(str(resources.files("assistant"))) / "_data" / name
    return installed if installed.exists() else Path(__file__).parent.parent.parent / name


def default_profile(system: str = "", machine: str = "", memory_bytes: int = 0) -> str:
    """Profile for this machine: `small` without Metal, `mac` on Apple Silicon with 16 GB or more."""
    if (system or platform.system()) != "Darwin" or (machine or platform.machine()) != "arm64":
        return "small"
    return "mac" if (memory_bytes or _memory_bytes()) >= 15 * 2**30 else "mac-8gb"


def _memory_bytes() -> int:
    import os

    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def load(
    profile: str | None = None,
    file: Path | None = None,
    script: Mapping[str, Any] | None = None,
    settings: Iterable[str] = (),
) -> Config:
    """Read the configuration: default.toml < profile < file < a script's `config` < `section.key=value`.

    Raises:
        ConfigError: naming the file or setting, the key, and the nearest right one.
    """
    name = profile or default_profile()
    if name not in PROFILES:
        raise ConfigError(f"There is no profile {name!r}{nearest(name, PROFILES)}")
    default = _read(data_path("config/default.toml"))
    merged = default
    layers: list[tuple[str, Mapping[str, Any]]] = [(f"profile {name}", _read(data_path(f"config/{name}.toml")))]
    if file is not None:
        layers.append((str(file), _read(file)))
    if script:
        layers.append(("the script's config", script))
    layers += [(f"--set {setting}", _setting(setting, default)) for setting in settings]
    for source, layer in layers:
        merged = _lay_over(merged, layer, source, "")
        _validate(merged, source)  # layer by layer, so that the message names the right source
    return _validate(merged, "config/default.toml")


def _validate(values: Mapping[str, Any], source: str) -> Config:
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        shown = f" (it is {first['input']!r})" if not isinstance(first["input"], dict) else ""
        raise ConfigError(f"{source}: {key}: {reason[0].lower()}{reason[1:]}{shown}.") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"There is no configuration file {path}; check the path.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The configuration file {path} cannot be read: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from None


def _lay_over(base: dict[str, Any], layer: Mapping[str, Any], source: str, prefix: str) -> dict[str, Any]:
    merged = dict(base)
    for key, value in layer.items():
        by_language = bool(base) and all(isinstance(value, list) for value in base.values())
        if key not in base and not by_language:
            raise ConfigError(f"{source}: there is no key {prefix}{key}{nearest(key, base)}")
        if isinstance(base.get(key), dict):
            if not isinstance(value, Mapping):
                raise ConfigError(f"{source}: {prefix}{key} is a section; write its keys under it.")
            merged[key] = _lay_over(base[key], value, source, f"{prefix}{key}.")
        else:
            merged[key] = value
    return merged


def _setting(setting: str, default: Mapping[str, Any]) -> dict[str, Any]:
    """`section.key=value`, the value as in TOML; a bare word is taken as a string."""
    path, equals, text = setting.partition("=")
    if not equals:
        raise ConfigError(f"--set {setting}: write it as section.key=value.")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    layer: Any = value
    for part in reversed(path.strip().split(".")):
        layer = {part: layer}
    return dict(layer)


def nearest(word: str, choices: Iterable[str]) -> str:
    """How a message about an unknown word ends: the nearest right one, or all there are."""
    known = list(choices)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}."
