"""The simulated room: what a script asks for is what the microphone hears."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from assistant.audio.wav import read_wav
from assistant.messages import FRAME_SAMPLES, Samples
from assistant.simulation.room import NOISE_LOOP_S, Room, RoomConfig

SPEECH = Path(__file__).parent.parent / "speech"


def heard(room: Room, played: Samples, user: Samples | None = None) -> Samples:
    """Whole signals, 10 ms at a time."""
    user = np.zeros_like(played) if user is None else user
    steps = range(0, len(played), FRAME_SAMPLES)
    return np.concatenate([room.step(played[at : at + FRAME_SAMPLES], user[at : at + FRAME_SAMPLES]) for at in steps])


def white(seconds: float, seed: int = 0) -> Samples:
    """Gaussian noise at -20 dBFS."""
    return (np.random.default_rng(seed).standard_normal(round(seconds * 16_000)) * 0.1).astype(np.float32)


def rms_db(samples: Samples) -> float:
    """RMS in dBFS."""
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64))))


def test_without_a_room_the_user_is_all_there_is() -> None:
    """Headphones and silence, to the bit."""
    user = white(0.5)
    np.testing.assert_array_equal(heard(Room(), white(0.5, seed=1), user), user)


@pytest.mark.parametrize("delay_ms", [0, 1, 60, 150.5, 400, 1000])
def test_a_dry_echo_is_one_tap(delay_ms: float) -> None:
    """Delayed by time of flight and device latency, and softer."""
    played = white(1.5)
    out = heard(Room(RoomConfig(echo_gain_db=-20, echo_delay_ms=delay_ms)), played)
    delay = round(delay_ms * 16)
    np.testing.assert_allclose(out[delay:], played[: len(out) - delay] * 0.1, atol=1e-6)
    np.testing.assert_allclose(out[:delay], 0, atol=1e-6)


@pytest.mark.parametrize("rt60_s", [0.2, 0.5, 1.5])
@pytest.mark.parametrize("gain_db", [-20.0, -6.0])
def test_direct_and_reverberant_sound_together_have_the_gain(gain_db: float, rt60_s: float) -> None:
    """RMS to RMS, once the room is full."""
    played = white(6)
    out = heard(Room(RoomConfig(echo_gain_db=gain_db, reverb_rt60_s=rt60_s)), played)
    assert rms_db(out[32_000:]) - rms_db(played) == pytest.approx(gain_db, abs=0.7)


def test_the_tail_decays_by_60_db_in_rt60() -> None:
    """Measured on the energy left after each moment (Schroeder 1965)."""
    click = np.zeros(16_000, np.float32)
    click[0] = 1
    out = heard(Room(RoomConfig(echo_gain_db=0, echo_delay_ms=0, reverb_rt60_s=0.5)), click)[1:]
    left_db = 10 * np.log10(np.cumsum(np.square(out[::-1], dtype=np.float64))[::-1][: 16 * 300] + 1e-20)
    slope_db_per_s = np.polyfit(np.arange(len(left_db)) / 16_000, left_db, 1)[0]
    assert slope_db_per_s == pytest.approx(-60 / 0.5, rel=0.1)


def test_the_echo_is_the_convolution_whatever_pauses_lie_between() -> None:
    """Silence is skipped, not forgotten: two bursts, two tails."""
    config = RoomConfig(echo_gain_db=-6, echo_delay_ms=35, reverb_rt60_s=0.3)
    click = np.zeros(8000, np.float32)
    click[0] = 1
    response = heard(Room(config), click).astype(np.float64)
    played = np.concatenate([white(0.2), np.zeros(24_000, np.float32), white(0.2, seed=1), np.zeros(8000, np.float32)])
    expected = np.convolve(played, response)[: len(played)]
    np.testing.assert_allclose(heard(Room(config), played), expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["white", "pink", "hum", "clicks"])
def test_noise_has_its_level_and_its_colour(kind: str) -> None:
    """RMS as asked, and the spectrum that the name promises."""
    out = heard(Room(RoomConfig(noise=kind, noise_dbfs=-40)), np.zeros(NOISE_LOOP_S * 16_000, np.float32))
    assert rms_db(out) == pytest.approx(-40, abs=0.1)
    power = np.square(np.abs(np.fft.rfft(out)))

    def octave_db(low_hz: int) -> float:
        return float(10 * np.log10(power[low_hz * NOISE_LOOP_S : 2 * low_hz * NOISE_LOOP_S].sum()))

    match kind:
        case "white":
            assert octave_db(2000) - octave_db(500) == pytest.approx(6, abs=1)
        case "pink":
            assert octave_db(2000) - octave_db(500) == pytest.approx(0, abs=1)
        case "hum":
            assert np.argmax(power) == 50 * NOISE_LOOP_S
        case "clicks":
            assert 20 <= 20 * np.log10(np.abs(out).max()) + 40 <= 32, "peaks over the RMS"


def test_a_recording_is_a_noise_like_any_other() -> None:
    """Looped, at its level."""
    loop = white(0.5)
    room = Room(RoomConfig(noise="kitchen.wav", noise_dbfs=-30), loop)
    out = heard(room, np.zeros(16_000, np.float32))
    assert rms_db(out) == pytest.approx(-30, abs=0.1)
    np.testing.assert_allclose(out[: len(loop)], out[len(loop) : 2 * len(loop)], atol=1e-7)


def test_the_sum_clips() -> None:
    """A microphone has an end."""
    loud = np.full(1600, 0.9, np.float32)
    assert heard(Room(RoomConfig(echo_gain_db=0, echo_delay_ms=0)), loud, loud).max() == 1
    assert heard(Room(RoomConfig(echo_gain_db=0, echo_delay_ms=0)), -loud, -loud).min() == -1


def test_the_seed_is_all_the_chance_there_is() -> None:
    """Same seed, same room, to the bit; another seed, another."""

    def scene(seed: int) -> Samples:
        config = RoomConfig(echo_gain_db=-10, reverb_rt60_s=0.3, noise="pink", noise_dbfs=-40, seed=seed)
        return heard(Room(config), read_wav(SPEECH / "allison_hello-world.wav")[:20_800])

    np.testing.assert_array_equal(scene(1), scene(1))
    assert np.abs(scene(1) - scene(2)).max() > 0.01


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"echo_delay_ms": 1001}, "less than or equal to 1000"),
        ({"echo_delay_ms": -1}, "greater than or equal to 0"),
        ({"reverb_rt60_s": 1.6}, "less than or equal to 1.5"),
        ({"echo_gain_db": "loud"}, "valid number"),
        ({"noise": "pnik"}, "write one of white, pink, hum, clicks or the path of a WAV"),
        ({"noise_dbfs": 3}, "less than or equal to 0"),
        ({"seed": -1}, "greater than or equal to 0"),
        ({"colour": "red"}, "Extra inputs are not permitted"),
    ],
)
def test_bad_values_say_what_is_right(values: dict[str, object], says: str) -> None:
    """The loader of scripts adds file and line."""
    with pytest.raises(ValidationError, match=says):
        RoomConfig.model_validate(values)


def test_what_a_script_leaves_out() -> None:
    """The contract's defaults."""
    config = RoomConfig()
    assert (config.loudspeakers, config.reported_latency_ms, config.noise, config.noise_dbfs) == (False, 20, None, -60)
    assert RoomConfig(echo_gain_db=-20).loudspeakers
