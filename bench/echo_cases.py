"""The scenes that echo.py plays: rooms, users, stalls, and what came of each.

The constants of the detection were chosen on other voices, on both sides, and other rooms.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

from assistant.audio.capture import Capture
from assistant.audio.wav import read_wav
from assistant.config import load
from assistant.messages import MIC_RATE_HZ, Samples
from assistant.simulation.room import RoomConfig
from assistant.simulation.scene import Stall, at_loudness, frames, play, said, silence, spoken, talk

SPEECH = Path(__file__).parent.parent / "tests" / "speech"
USERS = (
    "mycroft_weather_mycroft", "mycroft_stop", "mycroft_hey_mycroft", "sb_spk1_snt1", "sb_spk1_snt3",
    "lhotse_LJ002-0020", "pico_0075d273", "pico_a234f42c", "pico_e12e9e60",
)  # fmt: skip
REPLY_DBFS = -20.0
GAINS_DB = (-20, -12, -6, 0)
DELAYS_MS = (30, 60, 150, 250, 400)
RT60S_S = (0.2, 0.45, 0.7)
LEVELS_DB = (-10, -5, 0, 5, 10)
COLD_S = 1.75
TYPING_DBFS = -50.0  # RMS; a key's peak is 25 dB over it
NOISE_DBFS = -60.0

STALLS_MS = (-200, -100, -60, -30, 30, 60, 100, 150, 200, 350)

Kind = Literal["grid", "interruption", "hour", "typing", "stall"]


@dataclass(frozen=True)
class Case:
    """One scene."""

    kind: Kind
    gain_db: float
    delay_ms: float
    rt60_s: float
    seed: int
    canceller: bool = True
    over_echo_db: float = 0.0
    cold: bool = False
    later_ms: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    case: Case
    pauses: int
    """Beginnings inside an echo window; of an interruption: before the user spoke."""
    turns: int
    """Utterances emitted that are answered."""
    emitted: int
    seconds: float
    stopped_ms: float | None = None
    """From the first voiced sample of an interruption to the last sample of the reply; None: not noticed."""


@cache
def prompts() -> list[Samples]:
    """The assistant's voice."""
    return [at_loudness(read_wav(path), REPLY_DBFS) for path in sorted(SPEECH.glob("allison_*.wav"))]


@cache
def user(name: str) -> Samples:
    """Somebody else's."""
    return spoken(read_wav(SPEECH / f"{name}.wav"))


def room(case: Case) -> RoomConfig:
    """The case's room."""
    typing = case.kind == "typing"
    return RoomConfig(
        echo_gain_db=case.gain_db,
        echo_delay_ms=case.delay_ms,
        reverb_rt60_s=case.rt60_s,
        noise="clicks" if typing else "pink",
        noise_dbfs=TYPING_DBFS if typing else NOISE_DBFS,
        seed=case.seed,
    )


def run(case: Case) -> Outcome:
    """Play one scene."""
    rng = np.random.default_rng([case.seed, 1])
    return interruption(case, rng) if case.kind == "interruption" else echo_alone(case, rng)


def echo_alone(case: Case, rng: np.random.Generator) -> Outcome:
    """Two replies, or a minute of them, and nobody there; a reply that was paused goes on."""
    config = load(settings=[f"echo.canceller={str(case.canceller).lower()}"])
    lengths = {"grid": (5, 3), "stall": (12,)}.get(case.kind, (10, 4, 13, 7, 15))
    pieces = [[talk(prompts(), length, rng), silence(rng.uniform(1.5, 3))] for length in lengths]
    reply = np.concatenate([silence(0.5), *itertools.chain.from_iterable(pieces)])
    stall = Stall(rng.uniform(3, 9), case.later_ms) if case.kind == "stall" else None
    scene = play(reply, silence(0), room(case), config, "pauses", stall)
    return Outcome(case, len(scene.started), len(scene.turns(config)), len(scene.ended), len(reply) / MIC_RATE_HZ)


def interruption(case: Case, rng: np.random.Generator) -> Outcome:
    """A user who begins at a random moment of a reply, which then stops."""
    config = load()
    at_s = rng.uniform(0.1, COLD_S) if case.cold else rng.uniform(COLD_S + 0.25, 8)
    words = at_loudness(user(USERS[rng.integers(len(USERS))]), REPLY_DBFS + case.gain_db + case.over_echo_db)
    track, first, end = said(words, 0.5 + at_s)
    reply = np.concatenate([silence(0.5), talk(prompts(), at_s + 4, rng)])
    scene = play(reply, np.concatenate([track, silence(1.2)]), room(case), config, "stops")
    early = sum(at < first for at, _ in scene.started)
    noticed = bool(scene.started) and not early and scene.started[0][0] <= end + MIC_RATE_HZ // 5
    return Outcome(
        case,
        early,
        len(scene.turns(config)),
        len(scene.ended),
        len(track) / MIC_RATE_HZ,
        (scene.silenced[0] - first) * 1000 / MIC_RATE_HZ if noticed else None,
    )


def cases(quick: bool) -> list[Case]:
    """Every scene, or one in ten."""
    found = list(_all_cases())
    order = np.random.default_rng(0).permutation(len(found))  # so that the time left is a fair guess
    return [found[index] for index in order[: len(found) // 10 if quick else None]]


def _all_cases() -> Iterator[Case]:
    seeds = itertools.count(10_000)
    for gain_db, delay_ms, rt60_s in itertools.product(GAINS_DB, DELAYS_MS, RT60S_S):
        for canceller in (True, False):
            yield Case("grid", gain_db, delay_ms, rt60_s, next(seeds), canceller)
        for over_echo_db, cold in itertools.product(LEVELS_DB, (False, True)):
            yield Case("interruption", gain_db, delay_ms, rt60_s, next(seeds), over_echo_db=over_echo_db, cold=cold)
    rng = np.random.default_rng(10_000)
    kinds: tuple[Kind, Kind] = ("hour", "typing")
    for kind, _ in itertools.product(kinds, range(60)):
        gain, delay, rt60 = rng.uniform(-20, 0), rng.uniform(30, 400), rng.uniform(0.2, 0.7)
        yield Case(kind, round(gain, 1), round(delay), round(rt60, 2), next(seeds))
    for later_ms, gain_db, rt60_s in itertools.product(STALLS_MS, GAINS_DB, RT60S_S):
        yield Case("stall", gain_db, max(60 - later_ms, 60), rt60_s, next(seeds), later_ms=later_ms)


def work() -> dict[str, float]:
    """CPU seconds of `Capture` for each second of sound, nothing said."""
    quiet = silence(30)
    reply = talk(prompts(), 30, np.random.default_rng(0))
    heard = RoomConfig(echo_gain_db=-12, reverb_rt60_s=0.3, noise="pink", noise_dbfs=NOISE_DBFS)
    spent = {}
    for name, played in (("idle", quiet), ("while a reply plays", reply)):
        capture = Capture(load(), True, False, 20)
        scene = list(frames(played, quiet, heard))
        start_s = time.process_time()
        for frame in scene:
            capture.feed(frame)
        spent[name] = (time.process_time() - start_s) / 30
    return spent
