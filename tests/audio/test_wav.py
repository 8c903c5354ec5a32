"""Sound files: what can be read is read, what cannot is named in one sentence."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest
import soundfile
from echo_scenes import clip

from assistant.audio.wav import read_wav, write_wav
from assistant.errors import AudioError


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000])
def test_any_rate_becomes_16_khz(tmp_path: Path, rate_hz: int) -> None:
    """A second stays a second, and a 440 Hz tone a 440 Hz tone."""
    tone = np.sin(2 * np.pi * 440 * np.arange(rate_hz) / rate_hz) * 0.5
    soundfile.write(tmp_path / "tone.wav", tone, rate_hz)
    samples = read_wav(tmp_path / "tone.wav")
    assert samples.dtype == np.float32
    assert abs(len(samples) - 16_000) <= 1
    assert np.argmax(np.abs(np.fft.rfft(samples, 16_000))) == 440


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_any_width_and_channel_count_become_mono(tmp_path: Path, subtype: str) -> None:
    """Channels are averaged, here 0.5 and 0.1 to 0.3."""
    soundfile.write(tmp_path / "wide.wav", np.tile([0.5, 0.1], (1600, 1)), 16_000, subtype=subtype)
    samples = read_wav(tmp_path / "wide.wav")
    assert samples.shape == (1600,)
    np.testing.assert_allclose(samples, 0.3, atol=0.005)


def test_what_is_not_finite_becomes_silence(tmp_path: Path) -> None:
    """NaN and infinities do not spread, and nothing leaves [-1, 1]."""
    recorded = np.array([0.5, np.nan, np.inf, -np.inf, 3.0, -0.5], np.float32)
    soundfile.write(tmp_path / "odd.wav", recorded, 16_000, subtype="FLOAT")
    np.testing.assert_array_equal(read_wav(tmp_path / "odd.wav"), [0.5, 0, 0, 0, 1, -0.5])


def test_a_file_shorter_than_its_header_says_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    """A recording cut off by a full disk is still a recording."""
    soundfile.write(tmp_path / "whole.wav", np.full(16_000, 0.25), 16_000)
    (tmp_path / "cut.wav").write_bytes((tmp_path / "whole.wav").read_bytes()[: 44 + 2 * 1000 + 1])
    assert len(read_wav(tmp_path / "cut.wav")) == 1000


def _unreadable(folder: Path, kind: str) -> None:
    path = folder / "bad.wav"
    match kind:
        case "header only":
            soundfile.write(path, np.zeros(0), 16_000)
        case "only nan":
            soundfile.write(path, np.full(100, np.nan), 16_000, subtype="FLOAT")
        case "empty":
            path.write_bytes(b"")
        case "text":
            path.write_text("RIFF is what I am not\n" * 50)
        case "mp3" | "flac":
            soundfile.write(folder / f"sound.{kind}", np.zeros(16_000), 16_000)
            (folder / f"sound.{kind}").rename(path)
        case "rate":
            soundfile.write(path, np.zeros(100), 1_000)
        case "folder":
            path.mkdir()


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("missing", "There is no sound file"),
        ("header only", "no samples"),
        ("only nan", "none of its samples is a number"),
        ("empty", "not a sound file"),
        ("text", "not a sound file"),
        ("mp3", "is MP3, not WAV; convert it: ffmpeg -i"),
        ("flac", "is FLAC, not WAV"),
        ("rate", "a rate of 1000 Hz"),
        ("folder", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_named_in_one_sentence(tmp_path: Path, kind: str, says: str) -> None:
    """The path, what is wrong with it, and no line break."""
    _unreadable(tmp_path, kind)
    with pytest.raises(AudioError) as caught:
        read_wav(tmp_path / "bad.wav")
    message = str(caught.value)
    assert says in message
    assert str(tmp_path / "bad.wav") in message
    assert "\n" not in message


def test_mono_and_stereo_are_written_in_16_bits(tmp_path: Path) -> None:
    """What is written is read back to half a step, and what is too loud clips instead of wrapping."""
    speech = clip("mycroft_stop")
    write_wav(tmp_path / "mono.wav", speech, 16_000)
    np.testing.assert_allclose(read_wav(tmp_path / "mono.wav"), speech, atol=1 / 32767)
    write_wav(tmp_path / "stereo.wav", np.array([[2.0, -2.0]] * 10, np.float32), 24_000)
    stereo, rate_hz = soundfile.read(tmp_path / "stereo.wav")
    assert rate_hz == 24_000
    np.testing.assert_allclose(stereo, [[1.0, -1.0]] * 10, atol=1e-4)


def test_writing_is_atomic(tmp_path: Path) -> None:
    """A write that fails leaves the file before it, and nothing beside it."""
    path = tmp_path / "talk.wav"
    write_wav(path, np.zeros(10, np.float32), 16_000)
    before = path.read_bytes()
    with pytest.raises(AudioError, match="cannot be written"):
        write_wav(tmp_path / "missing" / "talk.wav", np.zeros(10, np.float32), 16_000)
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(AudioError, match=r"folder\.wav cannot be written"):
        write_wav(tmp_path / "folder.wav", np.zeros(10, np.float32), 16_000)
    assert path.read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["folder.wav", "talk.wav"]
    assert path.stat().st_mode & stat.S_IRUSR
