"""The last voiced sample: what Silero still hears when the voice is over is no part of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assistant.audio.onset import Voice
from assistant.audio.voice_end import LATEST_MS, VoiceEnd
from assistant.messages import FRAME_SAMPLES, MIC_RATE_HZ

MS = MIC_RATE_HZ // 1000
CHUNK = 2 * FRAME_SAMPLES


def ends(levels_db: Sequence[float], voice_end: VoiceEnd | None = None, since_chunk: int = 0) -> float:
    """Milliseconds at which a voice ends that has these levels, 20 ms each, and that Silero hears throughout."""
    voice_end = voice_end or VoiceEnd()
    end = 0
    for index, level_db in enumerate(levels_db, since_chunk):
        start = index * CHUNK
        for frame in (start, start + FRAME_SAMPLES):
            voice_end.add(frame, np.full(FRAME_SAMPLES, 10 ** (level_db / 20), np.float32))
        end = voice_end.after(Voice(start, start + CHUNK, 0.9, True, 1.0))
    return end / MS


def test_a_voice_ends_with_its_last_loud_frame() -> None:
    """What is 25 dB under the loudest is the room."""
    assert ends([-20, -20, -30, -44, -60, -60]) == 80


def test_a_loud_room_ends_nothing() -> None:
    """There Silero alone says where the voice ends."""
    assert ends([-20, -20, -40, -40, -40]) == 100


def test_who_goes_on_under_his_breath_is_heard() -> None:
    """Beyond a quarter of a second Silero is believed."""
    assert ends([-20] * 5 + [-60] * 30) == 35 * 20 - LATEST_MS


def test_every_utterance_has_its_own_loudest() -> None:
    """A whisper after a shout."""
    voice_end = VoiceEnd()
    assert ends([-10] * 5, voice_end) == 100
    voice_end.begin()
    assert ends([-50] * 3 + [-90], voice_end, since_chunk=5) == 160
