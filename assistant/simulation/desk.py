"""The simulated desk: recorded people, a room, and a sound card that is never late.

One task moves both ends by 10 ms at a time, so what is played and what is heard share one clock.
Under the `real` clock the same task keeps pace with the wall.
"""

from __future__ import annotations

import asyncio

import numpy as np

from assistant.audio.resample import StreamResampler
from assistant.messages import FRAME_MS, FRAME_SAMPLES, MIC_RATE_HZ, Frame, Samples
from assistant.ports import Hear, Pull
from assistant.simulation.room import Room, RoomConfig


class SimulatedDesk:
    """A microphone and a loudspeaker in a room (ports.Desk).

    Args:
        config: The room; None is headphones and silence. The loudspeaker sounds `reported_latency_ms`
            after taking a sample.
        noise: (n,) at 16 kHz, where the room's noise is a recording.
        recording: Whether to keep what was heard and played.
    """

    def __init__(self, config: RoomConfig | None = None, noise: Samples | None = None, recording: bool = True) -> None:
        config = config or RoomConfig()
        self.latency_ms = config.reported_latency_ms
        self.loudspeakers = config.loudspeakers
        self._room = Room(config, noise)
        self.rate_hz = MIC_RATE_HZ
        self._recording = recording
        self._frames = 0
        self._said: list[tuple[int, Samples]] = []
        self._heard: list[Samples] = []
        self._played: list[Samples] = []

    def say(self, samples: Samples, start_s: float) -> None:
        """Have the user say (n,) samples at 16 kHz, the first at microphone time `start_s`."""
        start = max(round(start_s * MIC_RATE_HZ), self._frames * FRAME_SAMPLES)
        self._said.append((start, samples))

    @property
    def microphone(self) -> Samples:
        """Everything the microphone heard, (n,) at 16 kHz."""
        return np.concatenate([*self._heard, np.zeros(0, np.float32)])

    @property
    def loudspeaker(self) -> Samples:
        """Everything that left the loudspeaker, (n,) at `rate_hz`; index / rate is the moment it did."""
        silence = np.zeros(round(self.latency_ms / 1000 * self.rate_hz), np.float32)
        return np.concatenate([silence, *self._played])

    def played_between(self, start_s: float, end_s: float) -> Samples:
        """The part of `loudspeaker` between two moments, without copying all of it."""
        start, end = round(start_s * self.rate_hz), round(end_s * self.rate_hz)
        out = np.zeros(max(end - start, 0), np.float32)
        block = round(FRAME_MS / 1000 * self.rate_hz)
        offset = round(self.latency_ms / 1000 * self.rate_hz)
        for index in range(max((start - offset) // block, 0), min((end - offset) // block + 1, len(self._played))):
            at = index * block + offset - start
            piece = self._played[index][max(-at, 0) : max(len(out) - at, 0)]
            out[max(at, 0) : max(at, 0) + len(piece)] = piece
        return out

    async def run(self, hear: Hear, pull: Pull, rate_hz: int) -> None:
        """See ports.Desk."""
        self.rate_hz = rate_hz
        resampler = StreamResampler(rate_hz, MIC_RATE_HZ)
        loop = asyncio.get_running_loop()
        origin_s = loop.time()
        while True:
            now_s = self._frames * FRAME_MS / 1000
            count = round((now_s + FRAME_MS / 1000) * rate_hz) - round(now_s * rate_hz)
            played = pull(count, now_s + self.latency_ms / 1000)
            reference = resampler.process(played, FRAME_SAMPLES)
            start = self._frames * FRAME_SAMPLES
            heard = self._room.step(reference, self._user(start))
            if self._recording:
                self._played.append(played)
                self._heard.append(heard)
            self._frames += 1
            # a real clock may be late: then several frames follow at once, as a sound card's would
            wait_s = origin_s + self._frames * FRAME_MS / 1000 - loop.time()
            await asyncio.sleep(max(wait_s, 0))
            await hear(Frame(start, heard, reference))

    def _user(self, start: int) -> Samples:
        out = np.zeros(FRAME_SAMPLES, np.float32)
        for begin, samples in self._said:
            if begin < start + FRAME_SAMPLES and begin + len(samples) > start:
                low = max(start - begin, 0)
                piece = samples[low : start + FRAME_SAMPLES - begin]
                at = max(begin - start, 0)
                out[at : at + len(piece)] += piece
        self._said = [(begin, samples) for begin, samples in self._said if begin + len(samples) > start]
        return out
