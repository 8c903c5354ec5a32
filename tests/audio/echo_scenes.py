"""Recordings, and the scenes made of them, for the tests of the microphone's side."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assistant.audio.level import AUDIBLE_DB
from assistant.audio.wav import read_wav
from assistant.config import load
from assistant.messages import FRAME_SAMPLES, MIC_RATE_HZ, Samples
from assistant.simulation import scene
from assistant.simulation.room import RoomConfig
from assistant.simulation.scene import Manners, Scene, Stall, gained, loudness_db, silence

__all__ = ["Scene", "Stall", "gained", "loudness_db", "silence"]

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


def reply(seconds: float, seed: int = 0) -> Samples:
    """The assistant talking, (n,) at 16 kHz: prompts of one voice, in an order that follows the seed."""
    order = np.random.default_rng(seed).permutation(REPLIES)
    prompts = [np.concatenate([clip(f"allison_{name}") * np.float32(0.7), silence(0.25)]) for name in order]
    return np.resize(np.concatenate(prompts), round(seconds * MIC_RATE_HZ))


def last_audible(samples: Samples) -> int:
    """Index after the last 10 ms frame of -50 dBFS or more."""
    power = np.square(samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)).mean(axis=1)
    return int(np.flatnonzero(power >= 10 ** (AUDIBLE_DB / 10))[-1] + 1) * FRAME_SAMPLES


def play(
    played: Samples,
    user: Samples,
    room: RoomConfig | None = None,
    settings: tuple[str, ...] = (),
    manners: Manners = "goes on",
    stall: Stall | None = None,
) -> Scene:
    """Run the two signals through the room into a fresh `Capture`."""
    return scene.play(played, user, room or RoomConfig(), load(settings=settings), manners, stall)


def said(name: str, at_s: float, gain_db: float = 0.0) -> tuple[Samples, int, int]:
    """A command with its first voiced sample at `at_s`, and the indices of its voiced span."""
    return scene.said(gained(clip(name), gain_db), at_s)
