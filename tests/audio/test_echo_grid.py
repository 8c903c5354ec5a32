"""A few cells of the grid of rooms that `bench/echo.py` goes through whole."""

from __future__ import annotations

import numpy as np
import pytest
from echo_scenes import Scene, clip, loudness_db, play, reply, silence

from assistant.config import load
from assistant.messages import MIC_RATE_HZ
from assistant.simulation import scene as scenes
from assistant.simulation.room import RoomConfig

CELLS = ((-20, 60, 0.45), (-12, 400, 0.2), (-6, 30, 0.7), (0, 150, 0.2))
"""Echo gain (dB), delay (ms), RT60 (s)."""


def room(cell: tuple[float, float, float], seed: int, noise: str = "pink", noise_dbfs: float = -60) -> RoomConfig:
    """One cell's."""
    gain_db, delay_ms, rt60_s = cell
    return RoomConfig(
        echo_gain_db=gain_db,
        echo_delay_ms=delay_ms,
        reverb_rt60_s=rt60_s,
        noise=noise,
        noise_dbfs=noise_dbfs,
        seed=seed,
    )


@pytest.mark.parametrize("settings", [(), ("echo.canceller=false",)], ids=["canceller", "window"])
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_the_assistant_does_not_hear_itself(cell: tuple[float, float, float], settings: tuple[str, ...]) -> None:
    """Two replies, the first in a room it does not know yet: nothing begins, nothing is emitted."""
    played = np.concatenate([silence(0.3), reply(3, seed=2), silence(1.3), reply(2, seed=5), silence(1.5)])
    scene = play(played, silence(0), room(cell, seed=2), settings, "pauses")
    assert scene.events == []
    assert scene.window_spans[-1][1] < len(played), "the window closed by itself"


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_typing_does_not_pause_a_reply(cell: tuple[float, float, float]) -> None:
    """Six keys a second, as loud as the echo itself."""
    played = np.concatenate([silence(0.3), reply(8, seed=3), silence(1)])
    assert play(played, silence(0), room(cell, 3, "clicks", -50), manners="pauses").started == []


def interrupt(cell: tuple[float, float, float], over_echo_db: float, name: str, at_s: float) -> tuple[Scene, int]:
    """A user so much louder than the echo; the reply stops when speech is found."""
    played = np.concatenate([silence(0.5), reply(7, seed=1)])
    words = scenes.at_loudness(scenes.spoken(clip(name)), loudness_db(played) + cell[0] + over_echo_db)
    track, first, _ = scenes.said(words, at_s)
    return play(played, np.concatenate([track, silence(1.2)]), room(cell, 1), manners="stops"), first


@pytest.mark.parametrize(("over_echo_db", "least"), [(-10, 3), (0, 4), (10, 4)])
def test_an_interruption_stops_the_reply(over_echo_db: float, least: int) -> None:
    """Median 300 ms from the first voiced sample to the last of the reply, as loud as the echo or louder."""
    names = ("rhasspy3_set_timer", "sb_spk1_snt1", "pico_a234f42c", "rhasspy3_turn_on_the_lamp")
    stops = []
    for index, (cell, name) in enumerate(zip(CELLS, names, strict=True)):
        scene, first = interrupt(cell, over_echo_db, name, 4 + 0.35 * index)
        assert all(event.in_echo_window for _, event in scene.started)
        assert all(event.speech_start > first - 3200 for _, event in scene.started)
        if scene.silenced and scene.turns(load()):
            stops.append((scene.silenced[0] - first) * 1000 / MIC_RATE_HZ)
    assert len(stops) >= least and min(stops) > 0
    if over_echo_db >= 0:
        assert np.median(stops) <= 300 and max(stops) <= 500


@pytest.mark.parametrize(("over_echo_db", "least"), [(0, 3), (10, 4)])
def test_the_first_words_of_the_first_reply_can_be_interrupted(over_echo_db: float, least: int) -> None:
    """A second in, before the canceller knows the room."""
    found = [interrupt(cell, over_echo_db, "pico_0075d273", 1.5) for cell in CELLS]
    assert sum(bool(scene.silenced) and scene.silenced[0] > first for scene, first in found) >= least
