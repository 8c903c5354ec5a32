"""A user, an assistant's voice and a room, put to `Capture` frame by frame: no models, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from assistant.audio.capture import Capture
from assistant.audio.vad import voiced_span
from assistant.audio.wav import read_wav
from assistant.config import load
from assistant.messages import FRAME_SAMPLES, MIC_RATE_HZ, Frame, Samples, SpeechStarted, TurnEvent, UtteranceEnded
from assistant.simulation.room import Room, RoomConfig

SPEECH = Path(__file__).parent.parent / "speech"
REPLIES = ("at-tone-time-exactly", "something-terribly-wrong", "vm-enter-num-to-call", "one-moment-please")
COMMANDS = (
    "rhasspy3_play_the_beatles", "rhasspy3_set_timer", "rhasspy3_this_is_a_test", "rhasspy3_turn_on_the_lamp",
    "rhasspy3_what_time_is_it", "rhasspy3_whats_the_date_today", "mycroft_weather_mycroft", "mycroft_stop",
    "pico_6440344c", "pico_82d50911", "pico_a234f42c", "lhotse_LJ002-0020",
)  # fmt: skip


def clip(name: str) -> Samples:
    """One recording, (n,) at 16 kHz."""
    return read_wav(SPEECH / f"{name}.wav")


def silence(seconds: float) -> Samples:
    """(n,) zeros."""
    return np.zeros(round(seconds * MIC_RATE_HZ), np.float32)


def reply(seconds: float, seed: int = 0) -> Samples:
    """The assistant talking, (n,) at 16 kHz: prompts of one voice, in an order that follows the seed."""
    order = np.random.default_rng(seed).permutation(REPLIES)
    prompts = [np.concatenate([clip(f"allison_{name}") * np.float32(0.7), silence(0.25)]) for name in order]
    return np.resize(np.concatenate(prompts), round(seconds * MIC_RATE_HZ))


def loudness_db(samples: Samples) -> float:
    """RMS of the frames within 25 dB of the loudest, dBFS."""
    power = np.square(samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)).mean(axis=1)
    return float(10 * np.log10(power[power > power.max() * 10**-2.5].mean()))


def last_audible(samples: Samples) -> int:
    """Index after the last 10 ms frame of -50 dBFS or more."""
    power = np.square(samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)).mean(axis=1)
    return int(np.flatnonzero(power >= 10**-5)[-1] + 1) * FRAME_SAMPLES


def gained(samples: Samples, gain_db: float) -> Samples:
    """The same, louder by so much."""
    return samples * np.float32(10 ** (gain_db / 20))


@dataclass
class Scene:
    """What came of it."""

    events: list[tuple[int, TurnEvent]] = field(default_factory=list)
    """With the sample index after the frame that brought each."""
    window_spans: list[tuple[int, int]] = field(default_factory=list)

    @property
    def started(self) -> list[tuple[int, SpeechStarted]]:
        """Beginnings."""
        return [(at, event) for at, event in self.events if isinstance(event, SpeechStarted)]

    @property
    def ended(self) -> list[UtteranceEnded]:
        """Utterances."""
        return [event for _, event in self.events if isinstance(event, UtteranceEnded)]


def play(
    played: Samples,
    user: Samples,
    room: RoomConfig | None = None,
    settings: tuple[str, ...] = (),
    stop_when_interrupted: bool = False,
) -> Scene:
    """Run the two signals, padded to the same length, through the room into a fresh `Capture`."""
    room = room or RoomConfig()
    frames = -(-max(len(played), len(user)) // FRAME_SAMPLES)
    played = np.pad(played, (0, frames * FRAME_SAMPLES - len(played)))
    user = np.pad(user, (0, frames * FRAME_SAMPLES - len(user)))
    sound = Room(room)
    capture = Capture(load(settings=settings), room.loudspeakers, False, room.reported_latency_ms)
    scene = Scene()
    for start in range(0, frames * FRAME_SAMPLES, FRAME_SAMPLES):
        now = slice(start, start + FRAME_SAMPLES)
        if stop_when_interrupted and scene.started:
            played[now] = 0
        microphone = sound.step(played[now], user[now])
        for event in capture.feed(Frame(start, microphone, played[now])):
            scene.events.append((start + FRAME_SAMPLES, event))
    scene.window_spans = list(capture.window.spans)
    return scene


def said(name: str, at_s: float, gain_db: float = 0.0) -> tuple[Samples, int, int]:
    """A command with its first voiced sample at `at_s`, and the indices of its voiced span."""
    samples = gained(clip(name), gain_db)
    span = voiced_span(samples)
    assert span is not None
    at = round(at_s * MIC_RATE_HZ) - span[0]
    track = np.concatenate([np.zeros(max(at, 0), np.float32), samples[max(-at, 0) :]])
    return track, at + span[0], at + span[1]
