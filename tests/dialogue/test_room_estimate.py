"""A room measured from speech that was played in it, against the room that made the echo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from assistant.audio.wav import read_wav
from assistant.dialogue.room_estimate import SampleSpan, estimate_echo, estimate_noise, without_echo
from assistant.messages import FRAME_SAMPLES, MIC_RATE_HZ, Samples
from assistant.simulation.room import Room, RoomConfig

SPEECH = Path(__file__).parent.parent / "speech"
REPLIES = "jfk.wav", "rhasspy3_set_timer.wav"
SHORT_REPLIES = "rhasspy3_this_is_a_test.wav", "pico_6440344c.wav", "rhasspy3_play_the_beatles.wav"


def played(names: Sequence[str] = REPLIES) -> Samples:
    """Replies with three seconds of silence before, between and after them."""
    pause = np.zeros(3 * MIC_RATE_HZ, np.float32)
    signal = np.concatenate([pause, *(part for name in names for part in (read_wav(SPEECH / name) * 0.5, pause))])
    return signal[: len(signal) // FRAME_SAMPLES * FRAME_SAMPLES]


def heard(reference: Samples, room: RoomConfig, user: Samples | None = None) -> Samples:
    """By the microphone."""
    sound, user = Room(room), np.zeros_like(reference) if user is None else user
    starts = range(0, len(reference), FRAME_SAMPLES)
    return np.concatenate(
        [sound.step(reference[at : at + FRAME_SAMPLES], user[at : at + FRAME_SAMPLES]) for at in starts]
    )


@pytest.mark.parametrize("names", [REPLIES, SHORT_REPLIES], ids=["long", "short"])
@pytest.mark.parametrize("rt60_s", [0.0, 0.2, 0.5, 1.0])
@pytest.mark.parametrize(
    ("gain_db", "delay_ms", "noise_dbfs"), [(-6.0, 40.0, -60.0), (-6.0, 400.0, -50.0), (-20.0, 200.0, -60.0)]
)
def test_a_known_room_is_found(
    names: Sequence[str], gain_db: float, delay_ms: float, noise_dbfs: float, rt60_s: float
) -> None:
    """Its gain within 2 dB, its delay within 10 ms, its reverberation time within 30 %, its noise within 1 dB."""
    room = RoomConfig(
        echo_gain_db=gain_db,
        echo_delay_ms=delay_ms,
        reverb_rt60_s=rt60_s,
        noise="pink",
        noise_dbfs=noise_dbfs,
        seed=3,
    )
    reference = played(names)
    microphone = heard(reference, room)
    echo = estimate_echo(microphone, reference, [])
    assert echo is not None
    assert echo.gain_db == pytest.approx(gain_db, abs=2)
    assert echo.delay_ms == pytest.approx(delay_ms, abs=10)
    assert echo.rt60_s == pytest.approx(rt60_s, rel=0.3)
    noise = estimate_noise(microphone, reference, [])
    assert 10 * np.log10(np.mean(np.square(noise))) == pytest.approx(noise_dbfs, abs=1)


def test_what_a_user_says_is_no_echo() -> None:
    """Neither what is said over a reply nor what is said between two counts for the room."""
    reference = played()
    speech = read_wav(SPEECH / "sb_spk1_snt1.wav")
    spoken: list[SampleSpan] = [(at, at + len(speech)) for at in (8 * MIC_RATE_HZ, 13 * MIC_RATE_HZ)]
    user = np.zeros_like(reference)
    for start, end in spoken:
        user[start:end] = speech[: len(user[start:end])]
    room = RoomConfig(echo_gain_db=-12, echo_delay_ms=80, reverb_rt60_s=0.3, noise="pink", seed=1)
    echo = estimate_echo(heard(reference, room, user), reference, spoken)
    assert echo is not None
    assert echo.gain_db == pytest.approx(-12, abs=2)
    assert echo.delay_ms == pytest.approx(80, abs=10)
    assert echo.rt60_s == pytest.approx(0.3, rel=0.3)


def test_what_is_said_over_a_reply_is_heard_without_it() -> None:
    """The echo is 20 dB softer at least, and the voice is as it was."""
    reference = played()
    room = RoomConfig(echo_gain_db=-6, echo_delay_ms=80, reverb_rt60_s=0.3, noise="pink", noise_dbfs=-70, seed=1)
    alone = heard(reference, room)
    echo = estimate_echo(alone, reference, [])
    assert echo is not None
    user = np.zeros_like(reference)
    user[5 * MIC_RATE_HZ : 7 * MIC_RATE_HZ] = np.random.default_rng(0).standard_normal(2 * MIC_RATE_HZ) * 0.05
    left = without_echo(alone + user, reference, echo)
    assert np.sum(np.square(left - user)) < np.sum(np.square(alone)) / 100


@pytest.mark.parametrize("room", [RoomConfig(), RoomConfig(noise="pink", noise_dbfs=-50)], ids=["silence", "noise"])
def test_headphones_have_no_echo(room: RoomConfig) -> None:
    """Whatever else is heard."""
    reference = played()
    assert estimate_echo(heard(reference, room), reference, []) is None


def test_nothing_is_made_up_where_nothing_was_played_or_heard() -> None:
    """No echo without a reply, no noise out of exact zeros."""
    silence = np.zeros(5 * MIC_RATE_HZ, np.float32)
    assert estimate_echo(silence, silence, []) is None
    assert len(estimate_noise(silence, silence, [])) == 0
