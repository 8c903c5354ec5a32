"""WebRTC's AEC3, taking what is played out of what is heard."""

from __future__ import annotations

import numpy as np
import pywebrtc_audio

from assistant.messages import FRAME_MS, FRAME_SAMPLES, MIC_RATE_HZ, Samples

LEAD_SAMPLES = 64
"""4 ms by which the microphone is held back: with no lead at all the canceller loses its way (6 dB instead of 37)."""
OWN_LATENCY_SAMPLES = 128
"""AEC3 gives back what it was given this much later."""
LATENCY_SAMPLES = LEAD_SAMPLES + OWN_LATENCY_SAMPLES
"""12 ms: sample n of the output is sample n - 192 of the microphone."""

LONGEST_DELAY_MS = 500.0
"""An echo later than this is beyond AEC3: 37 dB at 500 ms, 5 dB at 550 ms (measured)."""

PAUSE_AFTER_MS = 2000
_FAINT = np.random.default_rng(0).normal(0, 1e-8, FRAME_SAMPLES).astype(np.float32)
"""Played for silence, at -160 dBFS: of exact zeros AEC3's filters decay into denormal numbers, and it took 15 times as
long (1.6 ms instead of 0.1 for each 10 ms)."""


class EchoCanceller:
    """Echo cancellation of a running stream, asleep while nothing is played.

    Asleep it only delays, so that the stream has no seam; the change is a fade of 10 ms, since
    AEC3 takes out what is below 100 Hz. What it learned of the room outlives the sleep.
    """

    def __init__(self) -> None:
        # no hint of the delay: a wrong one costs up to 20 dB in the first second, none costs nothing
        self._aec = pywebrtc_audio.EchoCanceller(sample_rate=MIC_RATE_HZ, stream_delay_ms=0)
        self.reset()

    def reset(self) -> None:
        """Forget the room, as after a change of device."""
        self._aec.reset()
        self._before = np.zeros(LATENCY_SAMPLES + FRAME_SAMPLES, np.float32)
        self._quiet_ms = PAUSE_AFTER_MS
        self._awake = False

    def process(self, near: Samples, far: Samples) -> Samples:
        """Cancel the next 10 ms.

        Args:
            near: (160,) float32 at 16 kHz, from the microphone.
            far: (160,) float32 at 16 kHz, handed to the loudspeaker in the same 10 ms.

        Returns:
            (160,) float32, `LATENCY_SAMPLES` later than `near`.
        """
        stream = np.concatenate([self._before, near])
        self._before = stream[FRAME_SAMPLES:]
        late = stream[FRAME_SAMPLES : 2 * FRAME_SAMPLES]
        self._quiet_ms = 0 if far.any() else self._quiet_ms + FRAME_MS
        was_awake, self._awake = self._awake, self._quiet_ms < PAUSE_AFTER_MS
        if not (was_awake or self._awake):
            return late
        led = stream[OWN_LATENCY_SAMPLES : OWN_LATENCY_SAMPLES + 2 * FRAME_SAMPLES]
        if not was_awake:  # its filters still ring with what it heard before it slept
            self._aec.process(led[:FRAME_SAMPLES], np.zeros_like(far))
        cancelled: Samples = self._aec.process(led[FRAME_SAMPLES:], _FAINT if self._quiet_ms else far)
        if was_awake and self._awake:
            return cancelled
        fade = np.linspace(0, 1, FRAME_SAMPLES, dtype=np.float32)
        faded: Samples = late + (cancelled - late) * (fade if self._awake else 1 - fade)
        return faded
