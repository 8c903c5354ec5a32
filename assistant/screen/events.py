"""The talk as JSON, one object a line, for programs. docs/talk.md names every event and field."""

from __future__ import annotations

import dataclasses
import io
import json
from typing import Any

from assistant.metrics import DeskStatus, TalkState, TurnRecord
from assistant.screen.display import Now
from assistant.screen.latency import latency


@dataclasses.dataclass(slots=True, eq=False)
class _Told:
    """A turn and what was last written of it."""

    record: TurnRecord
    number: int
    facts: dict[str, Any] = dataclasses.field(default_factory=dict)


class JsonEvents:
    """A Display that writes what changed, when it changed."""

    def __init__(self, out: io.TextIOBase) -> None:
        self._out = out
        self._state: TalkState | None = None
        self._desk: DeskStatus | None = None
        self._live: list[_Told] = []
        self._turns = 0
        self._closed = False

    def progress(self, doing: str) -> None:
        """See Display."""
        self._write("progress", doing=doing)

    def note(self, text: str) -> None:
        """See Display."""
        self._write("note", text=text)

    def desk(self, status: DeskStatus) -> None:
        """See Display."""
        if status != self._desk:
            self._desk = dataclasses.replace(status)
            self._write("desk", **dataclasses.asdict(status))

    def turn(self, record: TurnRecord) -> None:
        """See Display."""
        told = next((one for one in self._live if one.record is record), None)
        if told is None:
            told = _Told(record, self._turns)
            self._turns += 1
            self._live.append(told)
        self._tell(told, None)
        if record.state not in ("held", "open"):
            self._live.remove(told)

    def now(self, now: Now) -> None:
        """See Display."""
        if now.state != self._state:
            self._state = now.state
            self._write("state", state=now.state)
        for told in self._live:
            if told.record.state == "open":
                self._tell(told, now.first_sound_s)

    def close(self) -> None:
        """See Display."""
        if not self._closed:
            self._closed = True
            self._write("ended")

    def _tell(self, told: _Told, first_sound_s: float | None) -> None:
        facts = _facts(told.record, first_sound_s)
        facts["latency_ms"] = facts["latency_ms"] or told.facts.get("latency_ms")
        if facts != told.facts:
            told.facts = facts
            self._write("turn", number=told.number, **facts)

    def _write(self, event: str, **facts: Any) -> None:
        self._out.write(json.dumps({"event": event, **facts}, ensure_ascii=False) + "\n")
        self._out.flush()


def _facts(record: TurnRecord, first_sound_s: float | None) -> dict[str, Any]:
    taken = latency(record, first_sound_s)
    over = record.state not in ("held", "open")
    return {
        "kind": record.kind,
        "state": record.state,
        "reason": record.reason,
        "command": record.command,
        "transcript": record.transcript,
        "reply": record.reply if over else "",  # a token at a time it would be a flood
        "reply_heard": record.reply_heard,
        "speech_start_s": record.speech_start_s,
        "speech_end_s": record.speech_end_s,
        "ended_s": record.ended_s,
        "cut_by": record.cut_by,
        "pauses": len(record.pauses),
        "spoken_s": round(sum(end - start for start, end in record.sounded), 3),
        "latency_ms": None if taken is None else dataclasses.asdict(taken),
    }
