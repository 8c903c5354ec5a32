"""A sweep: the same dialogues under every combination of the values of some settings, and what comes of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import product
from statistics import fmean, median
from typing import Any, TypeAlias

from assistant.config import Config
from assistant.dialogue.load import Dialogue
from assistant.dialogue.result import DialogueResult
from assistant.errors import ConfigError

Load: TypeAlias = Callable[[Sequence[str]], list[Dialogue]]
"""From settings, as `section.key=value`, to checked dialogues."""

_VALUE = re.compile(r'(?:"[^"]*"|\[[^\]]*\]|[^,"\[])+')
"""Up to a comma that is in no string and in no list."""


@dataclass(frozen=True, slots=True)
class Swept:
    """A setting, and the values that it is to have, as they were written."""

    key: str
    values: tuple[str, ...]


def parse(sweeps: Iterable[str]) -> list[Swept]:
    """`section.key=value,value,...`, each value as for `--set`; a leading `config.`, as in a script, may be there.

    Raises:
        ConfigError: One is not of this form, a key is swept twice, or a value stands twice.
    """
    found: list[Swept] = []
    for sweep in sweeps:
        key, equals, text = sweep.partition("=")
        key = key.strip().removeprefix("config.")
        found_values = _VALUE.findall(text)
        values = tuple(value.strip() for value in found_values)
        if not equals or not key or "" in values or not text or ",".join(found_values) != text:
            raise ConfigError(f"--sweep {sweep}: write it as section.key=value,value.")
        if len(set(values)) < len(values):
            raise ConfigError(f"--sweep {sweep}: a value stands twice; keep one.")
        if any(key == other.key for other in found):
            raise ConfigError(f"--sweep {sweep}: {key} is swept already; give all its values at once.")
        found.append(Swept(key, values))
    return found


def sweep_dialogues(load: Load, swept: Sequence[Swept]) -> list[Dialogue]:
    """The dialogues of every combination: those of the first, then those of the second, the last key changing fastest.

    Args:
        load: Loads them under given settings.
        swept: Nothing to sweep is the one combination of nothing.

    Raises:
        ConfigError: There is no such key, or it cannot have such a value.
        ScriptError: As `load`.
        ModelError: As `load`.
    """
    dialogues: list[Dialogue] = []
    for values in product(*(one.values for one in swept)):
        settings = [f"{one.key}={value}" for one, value in zip(swept, values, strict=True)]
        try:
            loaded = load(settings)
        except ConfigError as error:
            said = str(error).removeprefix("--set ")
            raise ConfigError(f"--sweep {said}" if said.startswith(tuple(settings)) else str(error)) from None
        dialogues += [replace(one, settings={own.key: _value(one.config, own.key) for own in swept}) for one in loaded]
    return dialogues


def _value(config: Config, key: str) -> Any:
    values: Any = config.model_dump()
    return reduce(lambda section, name: section[name], key.split("."), values)


@dataclass(frozen=True, slots=True)
class Point:
    """What came of all dialogues under one combination of values."""

    settings: Mapping[str, Any]
    dialogues: int
    passed: int
    self_heard: int
    noise_heard: int
    rejected: int
    voice_to_voice_ms: float | None
    """The median over the entries that were answered; None where none was."""
    wer: float | None
    """The mean over the entries with an expected transcript; None where there are none."""


def points(results: Iterable[DialogueResult]) -> list[Point]:
    """The combinations in the order in which they came; none where nothing was swept."""
    groups: dict[str, list[DialogueResult]] = {}
    for result in results:
        if result.settings:
            groups.setdefault(repr(result.settings), []).append(result)
    return [_point(group) for group in groups.values()]


def _point(results: Sequence[DialogueResult]) -> Point:
    entries = [entry for result in results for entry in result.turns]
    latencies = [entry.voice_to_voice_ms for entry in entries if entry.voice_to_voice_ms is not None]
    rates = [entry.wer for entry in entries if entry.wer is not None]
    return Point(
        settings=results[0].settings,
        dialogues=len(results),
        passed=sum(result.passed for result in results),
        self_heard=sum(result.self_heard for result in results),
        noise_heard=sum(result.noise_heard for result in results),
        rejected=sum(result.rejected for result in results),
        voice_to_voice_ms=round(median(latencies), 1) if latencies else None,
        wer=round(fmean(rates), 4) if rates else None,
    )
