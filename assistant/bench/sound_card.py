"""A simulated desk in the place of `sounddevice`, as far as a peer asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import anyio
import numpy as np
import numpy.typing as npt

from assistant.audio.level import AUDIBLE_DB, level_db
from assistant.messages import Frame, Samples
from assistant.simulation.desk import SimulatedDesk

Callback: TypeAlias = Callable[[npt.NDArray[Any], int, Any, Any], None]


class CallbackStop(Exception):
    """An output callback has nothing more to play."""


class _Stream:
    """A stream of PortAudio that calls back for blocks of samples."""

    def __init__(self, callback: Callback, blocksize: int) -> None:
        self.callback, self.blocksize = callback, blocksize
        self.running = False
        self.waiting: Samples = np.zeros(0, np.float32)

    def start(self) -> None:
        """Begin to call back."""
        self.running = True

    def stop(self) -> None:
        """End it, and drop what is left of a block."""
        self.running, self.waiting = False, self.waiting[:0]

    def close(self) -> None:
        """The same."""
        self.stop()


class SoundCard:
    """One microphone and one loudspeaker. Its methods are named as those of the module it stands in for.

    Args:
        desk: What is heard and played, 10 ms at a time.
    """

    CallbackStop = CallbackStop

    def __init__(self, desk: SimulatedDesk) -> None:
        self._desk = desk
        self._input: _Stream | None = None
        self._output: _Stream | None = None
        self.sounded_s: float | None = None
        """When the first audible 10 ms left the loudspeaker."""
        self.sounded = anyio.Event()
        """That it did."""

    def InputStream(self, samplerate: int, blocksize: int, channels: int, dtype: str, callback: Callback) -> _Stream:
        """Of blocks of (blocksize, 1) int16 at 16 kHz."""
        self._input = _Stream(callback, blocksize)
        return self._input

    def OutputStream(self, samplerate: int, channels: int, callback: Callback, blocksize: int) -> _Stream:
        """Of blocks of (blocksize, 1) float32, at the rate that `run` is given."""
        self._output = _Stream(callback, blocksize)
        return self._output

    async def run(self, rate_hz: int) -> None:
        """Hear and play until cancelled.

        Args:
            rate_hz: Of the loudspeaker.
        """
        await self._desk.run(self._hear, self._pull, rate_hz)

    async def _hear(self, frame: Frame) -> bool:
        stream = self._input
        if stream is None or not stream.running:
            return False
        stream.waiting = np.concatenate([stream.waiting, frame.samples])
        while len(stream.waiting) >= stream.blocksize:
            block, stream.waiting = stream.waiting[: stream.blocksize], stream.waiting[stream.blocksize :]
            pcm = (np.clip(block, -1, 1) * 32767).astype(np.int16)
            stream.callback(pcm[:, None], stream.blocksize, None, None)
        return False

    def _pull(self, count: int, at_s: float) -> Samples:
        stream = self._output
        while stream is not None and stream.running and len(stream.waiting) < count:
            block = np.zeros((stream.blocksize, 1), np.float32)
            try:
                stream.callback(block, stream.blocksize, None, None)
            except CallbackStop:
                stream.running = False
            stream.waiting = np.concatenate([stream.waiting, block[:, 0]])
        out = np.zeros(count, np.float32)
        if stream is not None:
            piece, stream.waiting = stream.waiting[:count], stream.waiting[count:]
            out[: len(piece)] = piece
        if self.sounded_s is None and level_db(out) >= AUDIBLE_DB:
            self.sounded_s = at_s
            self.sounded.set()
        return out
