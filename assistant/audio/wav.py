"""Sound files: WAV in at any rate and width, 16-bit WAV out."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import soundfile
import soxr

from assistant.errors import AudioError
from assistant.files import write_whole
from assistant.messages import MIC_RATE_HZ, Samples

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 8_000, 192_000
_WAV_FORMATS = ("WAV", "WAVEX", "RF64")


def read_wav(path: str | Path, rate_hz: int = MIC_RATE_HZ) -> Samples:
    """Read a WAV file as mono at the rate asked for.

    Channels are averaged. Samples that are not finite become silence. A file shorter than its
    header promises is read as far as it goes.

    Args:
        path: WAV of 8 to 192 kHz, any channel count, 8, 16, 24 or 32 bits or float.
        rate_hz: Rate of the result, Hz.

    Returns:
        (n,) float32 in [-1, 1], n >= 1.

    Raises:
        AudioError: The file is missing, is not a WAV, or holds no sound.
    """
    path = Path(path)
    recorded, recorded_rate_hz = _decode(path)
    finite = np.isfinite(recorded)
    mono = np.where(finite, recorded, np.float32(0)).mean(axis=1, dtype=np.float32)
    if recorded_rate_hz != rate_hz:
        mono = soxr.resample(mono, recorded_rate_hz, rate_hz)
    if not mono.size or not finite.any():
        reason = "none of its samples is a number" if mono.size else "it has no samples"
        raise AudioError(f"{path} holds no sound: {reason}; record it again.")
    samples: Samples = np.clip(mono, -1, 1).astype(np.float32, copy=False)
    return samples


def _decode(path: Path) -> tuple[Samples, int]:
    """Samples (n, channels) and rate as recorded."""
    if not path.exists():
        raise AudioError(f"There is no sound file {path}; check the path.")
    try:
        with path.open("rb") as opened, soundfile.SoundFile(opened) as sound:
            if sound.format not in _WAV_FORMATS:
                raise AudioError(f"{path} is {sound.format}, not WAV; convert it: ffmpeg -i {path} {path.stem}.16k.wav")
            if not LOWEST_RATE_HZ <= sound.samplerate <= HIGHEST_RATE_HZ:
                raise AudioError(f"{path} has a rate of {sound.samplerate} Hz; 8 to 192 kHz can be used.")
            return sound.read(dtype="float32", always_2d=True), sound.samplerate
    except OSError as error:
        raise AudioError(f"The sound file {path} cannot be read: {error.strerror}.") from None
    except soundfile.LibsndfileError:
        raise AudioError(f"{path} is not a sound file, whatever its name says; give a WAV file.") from None


def write_wav(path: str | Path, samples: Samples, rate_hz: int) -> None:
    """Write a 16-bit WAV; an interrupted write leaves what was at `path` as it was.

    Args:
        path: Where to; its folder must exist.
        samples: (n,) mono or (n, 2) stereo float32; beyond [-1, 1] they clip.
        rate_hz: Sample rate, Hz.

    Raises:
        AudioError: The file cannot be written.
    """
    pcm = np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2")
    written = io.BytesIO()
    with wave.open(written, "wb") as sound:
        sound.setnchannels(1 if pcm.ndim == 1 else pcm.shape[1])
        sound.setsampwidth(2)
        sound.setframerate(rate_hz)
        sound.writeframes(pcm.tobytes())
    try:
        write_whole(Path(path), written.getvalue())
    except OSError as error:
        raise AudioError(f"The sound file {path} cannot be written: {error.strerror}.") from None
