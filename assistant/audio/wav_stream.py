"""A sound file that grows while it is recorded, and can be read at any moment of it."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np

from assistant.messages import Samples

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_SAMPLE_BYTES = 2


class WavStream:
    """A 16-bit WAV, written a second at a time: first the sound, then the header that tells of it.

    So after a crash the file is whole but for its last second. Only its owner may read it.

    Args:
        path: A file that is not there yet.
        channels: Channels of every block.
        rate_hz: Sample rate, Hz.

    Raises:
        OSError: The file is there, or cannot be written; so may every method but `frames`.
    """

    def __init__(self, path: Path, channels: int, rate_hz: int) -> None:
        self._channels, self._rate_hz = channels, rate_hz
        self._waiting: list[Samples] = []  # bounded: written when there is a second of it
        self._waiting_frames = 0
        self._written_frames = 0
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._tell()

    @property
    def frames(self) -> int:
        """Length so far, in samples of each channel."""
        return self._written_frames + self._waiting_frames

    def write(self, samples: Samples) -> None:
        """Append (n, channels) float32; beyond [-1, 1] they clip."""
        self._waiting.append(samples)
        self._waiting_frames += len(samples)
        if self._waiting_frames >= self._rate_hz:
            self.flush()

    def skip(self, frames: int) -> None:
        """Append silence, as a hole that takes no room on the disk."""
        self.flush()
        self._written_frames += frames

    def flush(self) -> None:
        """Bring everything to the file."""
        if self._waiting:
            pcm = np.rint(np.clip(np.concatenate(self._waiting), -1, 1) * 32767).astype("<i2")
            self._waiting.clear()
            self._put(pcm.tobytes(), _HEADER.size + self._written_frames * self._frame_bytes)
            self._written_frames += self._waiting_frames
            self._waiting_frames = 0
            self._tell()

    def close(self) -> None:
        """Write the rest and close the file."""
        try:
            self.flush()
        finally:
            os.close(self._descriptor)

    @property
    def _frame_bytes(self) -> int:
        return _SAMPLE_BYTES * self._channels

    def _tell(self) -> None:
        size = self._written_frames * self._frame_bytes
        layout = (self._channels, self._rate_hz, self._rate_hz * self._frame_bytes, self._frame_bytes)
        riff = (b"RIFF", _HEADER.size - 8 + size, b"WAVE")
        self._put(_HEADER.pack(*riff, b"fmt ", 16, 1, *layout, 8 * _SAMPLE_BYTES, b"data", size), 0)

    def _put(self, data: bytes, offset: int) -> None:
        while data:
            count = os.pwrite(self._descriptor, data, offset)
            data, offset = data[count:], offset + count
