"""Records a talk as a dialogue script with its recordings, and measures the room it was held in.

Nothing is written before the talk is over. A recording holds what the echo canceller left of the microphone,
pre-roll included: with the echo in it, a replay in a room with echo would have it twice. What was said over a
reply is taken out of the microphone anew, once the echo's path is known, for the canceller damps the voice too.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from assistant import config as configuration
from assistant.audio.wav import write_wav
from assistant.config import Config
from assistant.dialogue.room_estimate import (
    MOST_ECHO_SAMPLES,
    Echo,
    SampleSpan,
    estimate_echo,
    estimate_noise,
    without_echo,
)
from assistant.dialogue.talk_script import RecordedEntry, Said, entries, key_margins_ms, lost_interruptions
from assistant.errors import AudioError, KeepingError
from assistant.files import write_whole
from assistant.kept import new_folder
from assistant.messages import FRAME_SAMPLES, MIC_RATE_HZ, Frame, Samples, SpeechStarted, TurnEvent, UtteranceEnded
from assistant.metrics import TurnRecord

_MEASURED_FRAMES = 300 * MIC_RATE_HZ // FRAME_SAMPLES
"""The first five minutes tell of the room; they are kept in memory, 40 MB."""
_AFTER_SPEECH = MIC_RATE_HZ // 5
_REMEMBERED_FRAMES = 60 * MIC_RATE_HZ // FRAME_SAMPLES
"""What is said over a reply for longer is recorded as the canceller left it."""
_UNNOTICED = 3 * MIC_RATE_HZ // 2
"""How long somebody may have talked over a reply before it was noticed."""
_NOTICED_S = 0.5
"""How late what paused a reply may have been noticed, and gone."""
_LEAST_NOISE_DBFS = -95.0
"""Below this it is a desk without noise; 16 bits end there."""
_NOT_IN_A_SCRIPT = {
    "devices": ...,
    "talk": ...,
    "earcons": ...,
    "simulation": ...,
    "judge": ...,
    "echo": {"device": ...},
}
"""Settings that mean nothing to a simulated desk, or are its own."""


class Recorder:
    """Listens to a talk, and writes it down as a script when it is over.

    Args:
        base: Folder that gets the script, and a folder for its recordings, both named by date and time.
        config: Of the talk.
        profile: Its profile; what differs from that goes into the script.
        push_to_talk: Whether a key says when the user speaks.
        latency_ms: What the desk reports.
        began: When the talk began.

    Raises:
        KeepingError: The folder cannot be made.
    """

    def __init__(
        self, base: Path, config: Config, profile: str, push_to_talk: bool, latency_ms: float, began: datetime
    ) -> None:
        self.deaf: Callable[[], bool] = lambda: False
        """While it says so (muted, asleep), nothing of the microphone is used."""
        self._folder = new_folder(base, began)
        self.script = self._folder.with_suffix(".yaml")
        self._config, self._profile, self._began = config, profile, began
        self._push_to_talk, self._latency_ms = push_to_talk, latency_ms
        self._frames: list[Frame] = []
        self._recent: deque[Frame] = deque(maxlen=_REMEMBERED_FRAMES)
        self._opened = 0
        self._excluded: list[SampleSpan] = []
        self._said: list[Said] = []
        self._over_reply: dict[int, list[Frame]] = {}
        """By index of the utterance, the frames of it and of the echo in it."""
        self._key_down: int | None = None
        self._turns: list[TurnRecord] = []

    def frame(self, frame: Frame) -> None:
        """Take a frame's sound, for the room; another device is another room."""
        self._opened += frame.opened is not None
        if self.deaf():
            self._recent.clear()
            self._excluded.append((frame.start, frame.start + FRAME_SAMPLES))
            return
        self._recent.append(frame)
        if self._opened <= 1 and len(self._frames) < _MEASURED_FRAMES:
            self._frames.append(frame)

    def heard(self, event: TurnEvent) -> None:
        """Take an event of speech."""
        if isinstance(event, SpeechStarted):
            self._key_down = event.speech_start if event.by_key else None
        elif isinstance(event, UtteranceEnded):
            utterance = event.utterance
            first = utterance.start - _UNNOTICED - MOST_ECHO_SAMPLES
            recent = [frame for frame in self._recent if frame.start >= first]
            if utterance.in_echo_window and self._opened <= 1 and recent and recent[0].start < first + FRAME_SAMPLES:
                self._over_reply[len(self._said)] = recent
            self._said.append(Said(utterance, self._key_down))
            self._excluded.append((utterance.start, utterance.speech_end + _AFTER_SPEECH))

    def changed(self, record: TurnRecord) -> None:
        """Take note of a turn; it is read when the talk is over."""
        if not any(record is one for one in reversed(self._turns)):
            self._turns.append(record)

    def close(self) -> str:
        """Write the script and its recordings; a sentence that says where, or that there is nothing.

        Raises:
            KeepingError: They cannot be written.
        """
        sound = _joined(self._frames)
        causes = [pause.cause for turn in self._turns for pause in turn.pauses]
        self._excluded += [
            (round((start_s - _NOTICED_S) * MIC_RATE_HZ), round((end_s + _NOTICED_S) * MIC_RATE_HZ))
            for start_s, end_s in causes
        ]
        echo = estimate_echo(*sound, self._excluded)
        recorded = entries(self._without(echo), self._turns)
        try:
            if not recorded:
                self._folder.rmdir()
                return "Nothing was said, so nothing is recorded."
            values = self._values(recorded, self._room(echo, estimate_noise(*sound, self._excluded)))
            text = self._head(lost_interruptions(self._turns, recorded)) + yaml.safe_dump(
                values, sort_keys=False, allow_unicode=True, width=120
            )
            write_whole(self.script, text)
            self.script.chmod(0o600)
        except (OSError, AudioError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise KeepingError(f"The recorded talk cannot be written to {self.script}: {reason}.") from None
        count = "1 entry" if len(recorded) == 1 else f"{len(recorded)} entries"
        return f"Recorded: {self.script}, {count}. Replay it: {self._command()}"

    def _head(self, lost: int) -> str:
        lines = [
            f"Recorded on {self._began.day} {self._began:%B %Y}. Replay it: {self._command()}",
            f"The transcripts are what {self._config.models.transcriber} heard: listen, and mend them.",
        ]
        if lost:
            lines.append(f"Left out: interruptions by a key, or by the end of the talk: {lost}.")
        return "".join(f"# {line}\n" for line in lines)

    def _command(self) -> str:
        profile = "" if self._profile == configuration.default_profile() else f"--profile {self._profile} "
        return f"assistant dialogue run {profile}{self.script}"

    def _without(self, echo: Echo | None) -> list[Said]:
        """What was said, without the echo of the reply that it was said over."""
        said = list(self._said)
        for index, frames in self._over_reply.items() if echo is not None else ():
            assert echo is not None
            left = without_echo(*_joined(frames, frames[0].start), echo)[MOST_ECHO_SAMPLES:]
            said[index] = replace(said[index], start=frames[0].start + MOST_ECHO_SAMPLES, samples=left)
        return said

    def _values(self, recorded: Sequence[RecordedEntry], room: Mapping[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {"config": self._settings(), "room": room}
        if self._push_to_talk:
            lead_ms, tail_ms = key_margins_ms(self._said, self._config.push_to_talk.post_roll_ms)
            values |= {"mode": "push-to-talk", "ptt_lead_ms": round(lead_ms), "ptt_tail_ms": round(tail_ms)}
        values["turns"] = [self._write(index, entry) for index, entry in enumerate(recorded, 1)]
        return values

    def _settings(self) -> dict[str, Any]:
        """What differs from the profile; and the date, for the language model is told it."""
        own = self._config.model_dump()
        changed = _difference(own, configuration.load(self._profile).model_dump(), _NOT_IN_A_SCRIPT)
        return {**changed, "simulation": {"start": self._began.replace(tzinfo=None).isoformat(timespec="seconds")}}

    def _room(self, echo: Echo | None, noise: Samples) -> dict[str, Any]:
        room: dict[str, Any] = {"reported_latency_ms": round(self._latency_ms)}
        if echo is not None:
            room["echo_gain_db"] = round(echo.gain_db, 1)
            room["echo_delay_ms"] = round(min(echo.delay_ms, 1000))
            room["reverb_rt60_s"] = round(min(echo.rt60_s, 1.5), 2)
        noise_dbfs = float(10 * np.log10(np.mean(np.square(noise)))) if len(noise) else -np.inf
        if noise_dbfs > _LEAST_NOISE_DBFS:
            room |= {"noise": self._write_sound("room", noise), "noise_dbfs": round(noise_dbfs, 1)}
        return room

    def _write(self, number: int, entry: RecordedEntry) -> dict[str, Any]:
        if entry.samples is None:
            return entry.values
        words = re.sub(r"[^\w]+", "-", entry.words.lower()).strip("-")[:40].strip("-") or "no-turn"
        return {"user": self._write_sound(f"{number:02}-{words}", entry.samples), **entry.values}

    def _write_sound(self, name: str, samples: Samples) -> str:
        """Its path, relative to the script."""
        write_wav(self._folder / f"{name}.wav", samples, MIC_RATE_HZ)
        return f"{self._folder.name}/{name}.wav"


def _joined(frames: Sequence[Frame], first: int = 0) -> tuple[Samples, Samples]:
    """What was heard and what was played, (n,) each from sample `first` on; silence where there is no frame."""
    length = frames[-1].start + FRAME_SAMPLES - first if frames else 0
    heard, played = np.zeros(length, np.float32), np.zeros(length, np.float32)
    for frame in frames:
        at = frame.start - first
        heard[at : at + FRAME_SAMPLES], played[at : at + FRAME_SAMPLES] = frame.samples, frame.reference
    return heard, played


def _difference(own: Mapping[str, Any], other: Mapping[str, Any], leave_out: Mapping[str, Any]) -> dict[str, Any]:
    """What of nested settings differs."""
    changed: dict[str, Any] = {}
    for key, value in own.items():
        left_out = leave_out.get(key, {})
        if left_out is ... or value == other.get(key):
            continue
        changed[key] = _difference(value, other[key], left_out) if isinstance(value, dict) and key in other else value
    return {key: value for key, value in changed.items() if value != {}}
