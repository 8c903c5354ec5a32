"""WebRTC's canceller as it is wrapped: what it takes out, and when it sleeps."""

from __future__ import annotations

import numpy as np
from echo_scenes import clip, loudness_db, reply, silence

from assistant.audio.echo_canceller import LATENCY_SAMPLES, PAUSE_AFTER_MS, EchoCanceller
from assistant.audio.level import level_db
from assistant.messages import FRAME_SAMPLES, Samples
from assistant.simulation.room import Room, RoomConfig


def cancel(canceller: EchoCanceller, near: Samples, far: Samples) -> Samples:
    """Whole signals, frame by frame."""
    steps = range(0, len(near) - FRAME_SAMPLES + 1, FRAME_SAMPLES)
    return np.concatenate(
        [canceller.process(near[at : at + FRAME_SAMPLES], far[at : at + FRAME_SAMPLES]) for at in steps]
    )


def echo_of(played: Samples, delay_ms: float) -> Samples:
    """At -6 dB, RT60 0.2 s."""
    room = Room(RoomConfig(echo_gain_db=-6, echo_delay_ms=delay_ms, reverb_rt60_s=0.2))
    steps = range(0, len(played) - FRAME_SAMPLES + 1, FRAME_SAMPLES)
    return np.concatenate([room.step(played[at : at + FRAME_SAMPLES], silence(0.01)) for at in steps])


def test_asleep_it_only_delays() -> None:
    """To the bit."""
    speech = clip("mycroft_stop")
    out = cancel(EchoCanceller(), speech, np.zeros_like(speech))
    np.testing.assert_array_equal(out[:LATENCY_SAMPLES], 0)
    np.testing.assert_array_equal(out[LATENCY_SAMPLES:], speech[: len(out) - LATENCY_SAMPLES])


def test_it_takes_out_the_echo_at_any_delay_a_device_may_have() -> None:
    """20 dB and more once it knows the room; no delay at all included, where AEC3 alone fails."""
    for delay_ms in (0, 60, 400):
        far = reply(5)
        near = echo_of(far, delay_ms)
        out = cancel(EchoCanceller(), near, far)
        late = slice(40_000, 76_000)
        assert loudness_db(near[late]) - loudness_db(out[late]) > 20, delay_ms


def test_falling_asleep_and_waking_leave_no_seam() -> None:
    """A tone runs on through both changes: same place, same loudness."""
    tone = (np.sin(2 * np.pi * 3000 * np.arange(5 * 16_000) / 16_000) * 0.1).astype(np.float32)
    far = np.zeros_like(tone)
    far[16_000:16_160] = 1e-4  # awake from 1.00 to 3.01 s
    canceller = EchoCanceller()
    out = cancel(canceller, tone, far)
    expected = np.concatenate([np.zeros(LATENCY_SAMPLES, np.float32), tone])[: len(out)]
    for seam_ms in (1000, 1000 + PAUSE_AFTER_MS):
        around = slice((seam_ms - 20) * 16, (seam_ms + 60) * 16)
        assert level_db(out[around] - expected[around]) < level_db(tone) - 18
    np.testing.assert_array_equal(out[4 * 16_000 :], expected[4 * 16_000 :])


def test_waking_brings_back_nothing_old() -> None:
    """What it held when it fell asleep must not sound when it wakes."""
    near, far = silence(6), silence(6)
    far[1600:3200] = 0.01
    near[: 3200 + 16 * PAUSE_AFTER_MS] = 0.5 * np.sin(np.arange(3200 + 16 * PAUSE_AFTER_MS) / 5)  # until it sleeps
    far[80_000:81_600] = 0.01
    out = cancel(EchoCanceller(), near, far)
    assert np.abs(out[48_000:]).max() < 0.01  # without a flush: 0.38


def test_what_it_learned_outlives_the_sleep_and_not_a_reset() -> None:
    """The first half second of the second reply."""
    canceller = EchoCanceller()
    first = np.concatenate([reply(4), silence(PAUSE_AFTER_MS / 1000 + 1)])
    cancel(canceller, echo_of(first, 60), first)
    second = np.concatenate([silence(0.01), reply(0.5, seed=3)])
    left_db = level_db(cancel(canceller, echo_of(second, 60), second))
    assert level_db(echo_of(second, 60)) - left_db > 20
    canceller.reset()
    tone = np.full(1600, 0.1, np.float32)
    out = cancel(canceller, tone, np.zeros_like(tone))
    np.testing.assert_array_equal(out[:LATENCY_SAMPLES], 0)
