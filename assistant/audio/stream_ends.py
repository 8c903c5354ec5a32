"""What a device's callbacks touch: they copy and count, the event loop does the rest."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from assistant.audio.resample import StreamResampler
from assistant.audio.stream_clock import StreamClock
from assistant.messages import MIC_RATE_HZ, Samples
from assistant.ports import Pull

BLOCK_MS = 20
"""Measured on PulseAudio: blocks of 10 ms come every 13.3 ms, of 30 ms in pairs."""
UNHURRIED = 100 // BLOCK_MS
"""Blocks taken at once while nothing goes on: woken for each, the same work took twice the time, its caches cold."""
_BLOCKS = 2000 // BLOCK_MS
"""When the event loop is stuck for longer than 2 s, the oldest are dropped, and counted as an xrun."""


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    first: int
    """Samples before it, at 16 kHz."""
    at_s: float
    samples: Samples
    lost: bool


class MicrophoneEnd:
    """From the microphone's callback to blocks at 16 kHz on the talk's clock.

    Args:
        rate_hz: The device's, a multiple of 50 Hz.
        now_s: The talk's clock, readable from any thread.
        wake: Called from the device's thread when there is something to take.
    """

    def __init__(self, rate_hz: int, now_s: Callable[[], float], wake: Callable[[], object]) -> None:
        self._rate_hz = rate_hz
        self._now_s = now_s
        self._wake = wake
        self._clock = StreamClock()
        self._resampler = None if rate_hz == MIC_RATE_HZ else StreamResampler(rate_hz, MIC_RATE_HZ)
        self._blocks: deque[_Block] = deque(maxlen=_BLOCKS)
        self._count = 0
        self._xruns = 0
        self.called_s = now_s()
        """When the device called last."""
        self.zeros_s = 0.0
        """How long it has given nothing but exact zeros since it was opened."""
        self.alive = False
        """Anything but zeros has come."""
        self.together = 1
        """Blocks to be there before it wakes anybody."""

    @property
    def xruns(self) -> int:
        """Times that samples were lost or missing, as the device tells or its timestamps."""
        return self._xruns + self._clock.losses

    def take(self, samples: Samples, age_s: float, lost: bool) -> None:
        """On the device's thread: keep a copy of (n,) samples, the first of which is `age_s` old."""
        self.called_s = self._now_s()
        self._xruns += lost or len(self._blocks) == _BLOCKS
        self._blocks.append(_Block(self._count, self.called_s - age_s, samples.copy(), lost))
        self._count += len(samples) * MIC_RATE_HZ // self._rate_hz
        if len(self._blocks) >= self.together:
            self._wake()

    def blocks(self) -> Iterator[tuple[int, Samples]]:
        """What has come: index of the first sample on the talk's clock, and (n,) samples at 16 kHz."""
        while self._blocks:
            block = self._blocks.popleft()
            samples = block.samples
            if not self.alive:
                self.alive = bool(samples.any())
                self.zeros_s += len(samples) / self._rate_hz
            if self._resampler is not None:
                samples = self._resampler.process(samples, len(samples) * MIC_RATE_HZ // self._rate_hz)
            yield self._clock.place(block.first, block.at_s, block.lost), samples


class LoudspeakerEnd:
    """From the voice to the loudspeaker's callback, remembering what was handed over.

    Args:
        rate_hz: The device's, a multiple of 50 Hz.
        pull: Where the sound comes from.
        voice_rate_hz: Its rate, a multiple of 50 Hz.
        now_s: The talk's clock, readable from any thread.
    """

    def __init__(self, rate_hz: int, pull: Pull, voice_rate_hz: int, now_s: Callable[[], float]) -> None:
        self._rate_hz = rate_hz
        self._pull = pull
        self._voice_rate_hz = voice_rate_hz
        self._now_s = now_s
        self._clock = StreamClock()
        self._to_device = None if rate_hz == voice_rate_hz else StreamResampler(voice_rate_hz, rate_hz)
        self._to_reference = StreamResampler(voice_rate_hz, MIC_RATE_HZ)
        self._blocks: deque[tuple[int, Samples]] = deque(maxlen=_BLOCKS)
        self._count = 0
        self._xruns = 0
        self.called_s = now_s()
        """When the device called last."""

    @property
    def xruns(self) -> int:
        """Times that samples were lost or missing, as the device tells or its timestamps."""
        return self._xruns + self._clock.losses

    def fill(self, count: int, ahead_s: float, lost: bool) -> Samples:
        """On the device's thread: (count,) samples, the first of which will sound in `ahead_s`."""
        self.called_s = self._now_s()
        self._xruns += lost
        start = self._clock.place(self._count, self.called_s + ahead_s, lost)
        samples = self._pull(count * self._voice_rate_hz // self._rate_hz, start / MIC_RATE_HZ)
        self._blocks.append((start, samples))
        self._count += count * MIC_RATE_HZ // self._rate_hz
        return samples if self._to_device is None else self._to_device.process(samples, count)

    def blocks(self) -> Iterator[tuple[int, Samples]]:
        """What was handed over since: index of the first sample on the talk's clock, and (n,) samples at 16 kHz."""
        while self._blocks:
            start, samples = self._blocks.popleft()
            yield start, self._to_reference.process(samples, len(samples) * MIC_RATE_HZ // self._voice_rate_hz)
