"""A sound file that is read while it grows."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest
import soundfile

from assistant.audio.wav_stream import WavStream

RATE_HZ = 16_000


def block(left: float, right: float, frames: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Two constants."""
    return np.full((frames, 2), (left, right), np.float32)


def test_it_can_be_read_at_any_moment(tmp_path: Path) -> None:
    """The header tells of all that is there but for the second in hand, as if the program crashed now."""
    path = tmp_path / "talk.wav"
    stream = WavStream(path, 2, RATE_HZ)
    for written in range(0, 250):
        recorded, rate_hz = soundfile.read(path)
        assert rate_hz == RATE_HZ
        assert written * 160 - RATE_HZ < len(recorded) <= written * 160
        stream.write(block(0.5, -0.25, 160))
    stream.close()
    recorded, _ = soundfile.read(path)
    assert recorded.shape == (250 * 160, 2)
    np.testing.assert_allclose(recorded, block(0.5, -0.25, 250 * 160), atol=1e-4)


def test_silence_skipped_takes_no_room(tmp_path: Path) -> None:
    """An hour without a microphone is a hole in the file."""
    path = tmp_path / "talk.wav"
    stream = WavStream(path, 2, RATE_HZ)
    stream.write(block(0.5, 0.5, 100))
    stream.skip(3600 * RATE_HZ)
    stream.write(block(2.0, -2.0, 100))
    assert stream.frames == 3600 * RATE_HZ + 200
    stream.close()
    with soundfile.SoundFile(path) as sound:
        assert sound.frames == 3600 * RATE_HZ + 200
        sound.seek(99)
        np.testing.assert_allclose(sound.read(2), np.array([[0.5, 0.5], [0, 0]]), atol=1e-4)
        sound.seek(sound.frames - 1)
        np.testing.assert_allclose(sound.read(1), np.array([[1, -1]]), atol=1e-4)
    assert path.stat().st_blocks * 512 < 1_000_000


def test_only_its_owner_may_read_it_and_nothing_is_overwritten(tmp_path: Path) -> None:
    """A recording is private; a second one of the same name is a mistake."""
    path = tmp_path / "talk.wav"
    WavStream(path, 2, RATE_HZ).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        WavStream(path, 2, RATE_HZ)
