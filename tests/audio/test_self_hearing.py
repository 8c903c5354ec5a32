"""What was played is known again by its sound, at whatever delay it comes, and nobody's words are taken for it."""

from __future__ import annotations

import numpy as np
import pytest
from echo_scenes import COMMANDS, Stall, clip, gained, loudness_db, play, reply, said, silence

from assistant.audio.self_hearing import SelfHearing
from assistant.config import load
from assistant.messages import FRAME_SAMPLES, MIC_RATE_HZ, Frame, PauseReached, Samples, Utterance
from assistant.simulation.room import RoomConfig
from assistant.simulation.scene import frames

NOISE_DB = np.full(13, -80.0)
STALL_S = 6.0


def heard_in(room: RoomConfig, played: Samples) -> list[Frame]:
    """The frames of a reply that nobody interrupts."""
    return list(frames(played, np.zeros_like(played), room))


def utterance(start_s: float, end_s: float) -> Utterance:
    """What was said between two moments; its samples are looked up by them."""
    start, end = round(start_s * MIC_RATE_HZ), round(end_s * MIC_RATE_HZ)
    return Utterance(start, np.zeros(0, np.float32), start, end, (end_s - start_s) * 1000, in_echo_window=True)


def remembered(scene: list[Frame]) -> SelfHearing:
    """One that has heard all of it."""
    memory = SelfHearing()
    for frame in scene:
        memory.take(frame)
    return memory


@pytest.mark.parametrize("later_ms", [-100, -60, 60, 100, 200, 350])
@pytest.mark.parametrize("rt60_s", [0.0, 0.45])
def test_an_echo_that_comes_at_another_time_is_nobody(later_ms: int, rt60_s: float) -> None:
    """The canceller lets it pass and speech begins, but it is known for an echo."""
    room = RoomConfig(echo_gain_db=-10, echo_delay_ms=150, reverb_rt60_s=rt60_s, noise="pink", noise_dbfs=-65)
    scene = play(reply(12), silence(0), room, manners="pauses", stall=Stall(STALL_S, later_ms))
    assert scene.ended and scene.ended[0].utterance.speech_start >= (STALL_S - 0.2) * MIC_RATE_HZ
    assert scene.turns(load()) == []


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("over_echo_db", [-5, 0, 5])
def test_a_user_is_no_echo(name: str, over_echo_db: float) -> None:
    """Who interrupts a reply, which then stops."""
    room = RoomConfig(echo_gain_db=-10, echo_delay_ms=60, reverb_rt60_s=0.3, noise="pink", noise_dbfs=-65)
    played = reply(8)
    words, _, _ = said(name, 4.3)
    user = gained(words, loudness_db(played) - 10 + over_echo_db - loudness_db(words))
    scene = play(played, np.concatenate([user, silence(1.5)]), room, manners="stops")
    pauses = [event.utterance for _, event in scene.events if isinstance(event, PauseReached)]
    assert pauses and pauses[0].in_echo_window
    assert not any(pause.is_echo for pause in pauses)


def test_what_was_said_too_long_ago_is_not_compared() -> None:
    """Only the latest seconds are remembered."""
    memory = remembered(heard_in(RoomConfig(echo_gain_db=-10), reply(9)))
    assert memory.is_echo(utterance(7, 8), NOISE_DB)
    assert not memory.is_echo(utterance(2, 3), NOISE_DB)


def test_only_the_end_of_a_long_speech_is_compared() -> None:
    """A user who took over from the echo is not taken for it; an echo that went on and on is."""
    room = RoomConfig(echo_gain_db=-10)
    echo = heard_in(room, reply(6))
    nothing = np.zeros(FRAME_SAMPLES, np.float32)
    blocks = clip("jfk")[MIC_RATE_HZ // 2 : 5 * MIC_RATE_HZ // 2].reshape(-1, FRAME_SAMPLES)
    user = [Frame((600 + at) * FRAME_SAMPLES, block, nothing) for at, block in enumerate(blocks)]
    assert remembered(echo).is_echo(utterance(2, 5.9), NOISE_DB)
    assert not remembered(echo + user).is_echo(utterance(4.5, 7.9), NOISE_DB)
