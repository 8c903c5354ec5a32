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
        self._before = np.zeros(LATENCY_SAMPLES, np.float32)
        self._fed = np.zeros(FRAME_SAMPLES, np.float32)
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
        self._quiet_ms = 0 if far.any() else self._quiet_ms + FRAME_MS
        stream = np.concatenate([self._before, near])
        self._before = stream[FRAME_SAMPLES:]
        late = stream[:FRAME_SAMPLES]
        awake = self._quiet_ms < PAUSE_AFTER_MS
        cancelled = self._cancel(stream[OWN_LATENCY_SAMPLES:][:FRAME_SAMPLES], far) if awake or self._awake else late
        changed, self._awake = awake != self._awake, awake
        if not changed:
            return cancelled
        fade = np.linspace(0, 1, FRAME_SAMPLES, dtype=np.float32)
        faded: Samples = late + (cancelled - late) * (fade if awake else fade[::-1])
        return faded

    def _cancel(self, near: Samples, far: Samples) -> Samples:
        if not self._awake:  # push out the 8 ms it still holds from before it slept
            self._aec.process(self._fed, np.zeros_like(far))
        self._fed = near
        output: Samples = self._aec.process(np.ascontiguousarray(near), far)
        return output
