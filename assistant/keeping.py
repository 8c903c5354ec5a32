"""A talk kept in a folder of its own, when that is asked for: a page to read, its turns as JSON lines, its sound.

Nothing here is used otherwise, and nothing else writes down what was said. A line of talk.jsonl is a
`TurnRecord` with the date and time at which its speech began, where that is in which sound file, and
what passed between the last voiced sample and each stage of the answer. A talk is taken up again from it.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from assistant.audio.wav_stream import WavStream
from assistant.errors import KeepingError
from assistant.kept import PAGE, TURNS, after_ms, as_markdown
from assistant.messages import MIC_RATE_HZ, Frame
from assistant.metrics import TurnRecord
from assistant.ports import Desk, Hear, Pull

_PART_S = 8 * 3600
"""A sound file longer than this, 1.8 GB, is more than some players read; another one goes on."""


def _local_now() -> datetime:
    return datetime.now().astimezone()


class Keeper:
    """Writes a talk down as it goes. When that fails it says so once and leaves the talk alone.

    Args:
        folder: From `kept.new_folder` or `kept.find`; a talk that is there goes on.
        told: Given the one sentence when keeping has to stop.
        now: Date and time.

    Raises:
        KeepingError: The folder cannot be written to.
    """

    def __init__(self, folder: Path, told: Callable[[str], None], now: Callable[[], datetime] = _local_now) -> None:
        self.deaf: Callable[[], bool] = lambda: False
        """While it says so (muted, asleep), silence is kept in place of the microphone."""
        self._folder, self._told, self._now = folder, told, now
        self._stopped = False
        self._sound: WavStream | None = None
        self._parts: list[tuple[int, str]] = []
        """First sample and name of each sound file."""
        try:
            self._drop_unfinished_line()
            begun = f"{now():%A}, {now().day} {now():%B %Y, %H:%M}"
            again = (folder / PAGE).exists()
            self._append(PAGE, f"\n## Taken up again on {begun}\n" if again else f"# Talk of {begun}\n")
            self._append(TURNS, "")
        except OSError as error:
            raise KeepingError(f"The talk cannot be kept in {folder}: {error.strerror}.") from None

    def desk(self, desk: Desk) -> Desk:
        """The same desk, whose sound is kept: microphone left, loudspeaker right."""
        return TappedDesk(desk, self.frame)

    def frame(self, frame: Frame) -> None:
        """Keep a frame's sound; frames lost before it become silence."""
        self._unless_stopped(lambda: self._keep_sound(frame))

    def changed(self, record: TurnRecord) -> None:
        """Write a turn down once it is over.

        One whose words went into another is no turn of its own, and what is said to the sleeping is not for it.
        """
        if record.state in ("done", "cut", "rejected") and record.reason != "asleep":
            self._unless_stopped(lambda: self._keep_turn(record))

    def close(self) -> None:
        """Write what is left of the sound; nothing is kept any more."""
        if self._sound is not None:
            self._unless_stopped(self._sound.close)
        self._stopped = True

    def _unless_stopped(self, write: Callable[[], None]) -> None:
        if self._stopped:
            return
        try:
            write()
        except OSError as error:
            self._stopped = True
            self._told(
                f"From here on the talk is not kept: {self._folder} cannot be written to ({error.strerror}); "
                "what was said before is there."
            )
            if self._sound is not None:
                with contextlib.suppress(OSError):  # it may be what failed
                    self._sound.close()

    def _keep_sound(self, frame: Frame) -> None:
        sound = self._sound
        if sound is None or frame.start - self._parts[-1][0] >= _PART_S * MIC_RATE_HZ:
            sound = self._next_part(frame.start)
        lost = frame.start - self._parts[-1][0] - sound.frames
        if lost > 0:
            sound.skip(lost)
        heard = np.zeros_like(frame.samples) if self.deaf() else frame.samples
        sound.write(np.column_stack([heard, frame.reference]))

    def _next_part(self, start: int) -> WavStream:
        if self._sound is not None:
            self._sound.close()
        names = (f"talk-{number}.wav" if number > 1 else "talk.wav" for number in itertools.count(1))
        name = next(name for name in names if not (self._folder / name).exists())
        self._parts.append((start, name))
        self._sound = WavStream(self._folder / name, 2, MIC_RATE_HZ)
        return self._sound

    def _keep_turn(self, record: TurnRecord) -> None:
        began_s = record.speech_start_s
        at = self._now() - timedelta(seconds=(record.ended_s or began_s) - began_s)
        part = max((part for part in self._parts if part[0] <= began_s * MIC_RATE_HZ), default=None)
        sound = {} if part is None else {"audio": part[1], "audio_s": began_s - part[0] / MIC_RATE_HZ}
        facts = {"at": at.isoformat(timespec="milliseconds"), **sound, **asdict(record), "after_ms": after_ms(record)}
        self._append(TURNS, json.dumps(facts, ensure_ascii=False) + "\n")
        self._append(PAGE, as_markdown(record, at))

    def _append(self, name: str, text: str) -> None:
        descriptor = os.open(self._folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode("utf-8", "replace"))  # a typed line may hold what is no text

    def _drop_unfinished_line(self) -> None:
        turns = self._folder / TURNS
        if turns.exists():
            os.truncate(turns, turns.read_bytes().rfind(b"\n") + 1)


class TappedDesk:
    """A desk of which every frame is shown to a listener (ports.Desk)."""

    def __init__(self, desk: Desk, listener: Callable[[Frame], None]) -> None:
        self._desk, self._listener = desk, listener

    @property
    def loudspeakers(self) -> bool:
        """See ports.Desk."""
        return self._desk.loudspeakers

    @property
    def latency_ms(self) -> float:
        """See ports.Desk."""
        return self._desk.latency_ms

    async def run(self, hear: Hear, pull: Pull, rate_hz: int) -> None:
        """See ports.Desk."""

        async def tapped(frame: Frame) -> bool:
            self._listener(frame)
            return await hear(frame)

        await self._desk.run(tapped, pull, rate_hz)
