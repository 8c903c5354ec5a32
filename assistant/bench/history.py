"""A file of JSON lines, one for each bench, so that two commits can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from assistant.bench.figures import Figures, FirstTokens, Memory
from assistant.bench.ratios import Summary
from assistant.dialogue.output import write_whole
from assistant.errors import AssistantError


class HistoryEntry(BaseModel):
    """One line."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    date: str
    """ISO 8601, in UTC."""
    commit: str | None
    machine: str
    clock: str
    models: dict[str, str]
    """By role."""
    recordings: list[str]
    repeat: int
    medians: dict[str, float]
    """By name and unit."""

    def is_like(self, other: HistoryEntry) -> bool:
        """Whether their medians tell something about the code: all else is the same."""
        mine, theirs = (
            (entry.machine, entry.clock, entry.models, entry.recordings, entry.repeat) for entry in (self, other)
        )
        return mine == theirs


@dataclass(frozen=True, slots=True)
class Change:
    """A median, before and now."""

    name: str
    before: float
    now: float

    @property
    def percent(self) -> float | None:
        """None where it was 0 before."""
        return 100 * (self.now - self.before) / self.before if self.before else None


def medians(found: Figures, talk: FirstTokens, memory: Memory, peer: Summary | None) -> dict[str, float]:
    """What an entry of the history keeps."""
    kept: dict[str, float] = {"voice to voice, ms": found.voice_to_voice_ms.median}
    kept |= {f"{part}, ms": spread.median for part, spread in found.parts_ms.items()}
    kept |= {
        "inference, ms": found.inference_ms.median,
        "overhead, ms": found.overhead_ms.median,
        "hidden of transcription and prefill, %": round(100 * found.hidden_share.median, 1),
        "transcription, s per s": found.transcription_factor.median,
        "voice, s per s": found.voice_factor.median,
        "tokens per s": found.tokens_per_s.median,
        "longest step, ms": found.longest_step.ms,
        "peak memory, MiB": round(memory.process / 2**20),
    }
    if talk.turns:
        kept[f"first token at turn {talk.turns[-1].index}, ms"] = talk.turns[-1].first_token_ms
    if peer is not None:
        kept["times sooner than the peer"] = peer.ratio
    return kept


def read_history(path: Path) -> list[HistoryEntry]:
    """What was kept so far, oldest first; nothing where there is no file.

    Raises:
        AssistantError: The file cannot be read, or a line is no entry.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    except (OSError, UnicodeDecodeError):
        raise AssistantError(f"{path} cannot be read as a history of benches; give another path.") from None
    entries = []
    for number, line in enumerate(lines, 1):
        try:
            entries.append(HistoryEntry.model_validate_json(line))
        except ValidationError:
            text = f"{path}, line {number}: this is no entry of a bench; take the line out, or give another file."
            raise AssistantError(text) from None
    return entries


def write_history(path: Path, entries: Sequence[HistoryEntry]) -> None:
    """Write the history anew, whole.

    Raises:
        AssistantError: It cannot be written.
    """
    write_whole(path, "".join(f"{entry.model_dump_json()}\n" for entry in entries))


def last_like(entry: HistoryEntry, before: Sequence[HistoryEntry]) -> HistoryEntry | None:
    """The latest of those before that can be compared with this one."""
    return next((one for one in reversed(before) if one.is_like(entry)), None)


def changes(before: HistoryEntry, now: HistoryEntry) -> list[Change]:
    """Of all that both have."""
    return [Change(name, before.medians[name], value) for name, value in now.medians.items() if name in before.medians]
