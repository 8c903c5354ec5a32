"""Echo is still cancelled when both converters run at rates of their own, timestamps tremble, and samples are lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assistant.audio.alignment import Aligner
from assistant.audio.echo_canceller import LATENCY_SAMPLES, EchoCanceller
from assistant.audio.level import level_db
from assistant.audio.stream_ends import LoudspeakerEnd, MicrophoneEnd
from assistant.audio.wav import read_wav
from assistant.messages import FRAME_SAMPLES, MIC_RATE_HZ, DeskOpened, Frame, Samples

SPEECH = Path(__file__).parent.parent / "speech" / "jfk.wav"
SECONDS = 60
BLOCK_S = 0.02
OUT_LATENCY_S = 0.08
IN_LATENCY_S = 0.03
ECHO_S, ECHO_GAIN = 0.012, 0.3
LOSS_S, LOST_S = 40.0, 0.07


class World:
    """A loudspeaker and a microphone whose clocks differ; at 40 s the loudspeaker is 70 ms late for once."""

    def __init__(self, loudspeaker_ppm: float, microphone_ppm: float) -> None:
        self._out_s = BLOCK_S / (1 + loudspeaker_ppm * 1e-6)
        self._in_s = BLOCK_S / (1 + microphone_ppm * 1e-6)
        self._speech = np.tile(read_wav(SPEECH), 6)
        self._rng = np.random.default_rng(7)
        self._pulled = 0
        self._now_s = 0.0

    def frames(self) -> list[Frame]:
        """What the desk makes of a minute."""
        loudspeaker = LoudspeakerEnd(MIC_RATE_HZ, self._pull, MIC_RATE_HZ, lambda: self._now_s)
        microphone = MicrophoneEnd(MIC_RATE_HZ, lambda: self._now_s, lambda: None)
        aligner = Aligner(DeskOpened(True, 50))
        frames: list[Frame] = []
        late_s, played, heard = 0.0, 0, 0
        air_s, air = np.zeros(0), np.zeros(0)
        while heard * self._in_s < SECONDS:
            out_at, in_at = played * self._out_s + late_s, (heard + 1) * self._in_s + IN_LATENCY_S
            if out_at <= in_at:
                lost = not late_s and out_at >= LOSS_S
                late_s = LOST_S if lost else late_s
                self._now_s = out_at + late_s * lost + self._rng.exponential(1e-3)
                block = loudspeaker.fill(320, OUT_LATENCY_S + self._tremble(), lost)
                sounds_s = played * self._out_s + late_s + OUT_LATENCY_S
                air_s = np.concatenate([air_s, sounds_s + np.arange(320) * self._out_s / 320])[-MIC_RATE_HZ:]
                air = np.concatenate([air, block])[-MIC_RATE_HZ:]
                played += 1
            else:
                self._now_s = in_at + self._rng.exponential(1e-3)
                moments_s = heard * self._in_s + np.arange(320) * self._in_s / 320
                echo = ECHO_GAIN * np.interp(moments_s - ECHO_S, air_s, air, left=0.0, right=0.0)
                noise = self._rng.normal(0, 1e-4, 320)
                microphone.take((echo + noise).astype(np.float32), self._in_s + IN_LATENCY_S + self._tremble(), False)
                for start, samples in loudspeaker.blocks():
                    aligner.played(start, samples)
                for start, samples in microphone.blocks():
                    frames += aligner.heard(start, samples)
                heard += 1
        return frames

    def _tremble(self) -> float:
        return float(self._rng.normal(0, 2e-3))

    def _pull(self, count: int, at_s: float) -> Samples:
        start = self._pulled
        self._pulled += count
        return self._speech[start : start + count]


def test_echo_is_cancelled_over_drift_and_loss() -> None:
    """100 ppm apart, as cheap converters are; 70 ms lost cost a moment. Frames keep to the clock."""
    frames = World(loudspeaker_ppm=-60, microphone_ppm=40).frames()
    starts = np.array([frame.start for frame in frames])
    assert abs(starts[-1] - SECONDS * MIC_RATE_HZ) < 0.1 * MIC_RATE_HZ
    assert np.count_nonzero(np.diff(starts) != FRAME_SAMPLES) <= 2
    canceller = EchoCanceller()
    left = np.concatenate([canceller.process(frame.samples, frame.reference) for frame in frames])[LATENCY_SAMPLES:]
    heard = np.concatenate([frame.samples for frame in frames])
    for start_s in (5, 10, 15, 20, 25, 30, 35, 45, 50, 54):
        part = slice(start_s * MIC_RATE_HZ, (start_s + 5) * MIC_RATE_HZ)
        assert level_db(heard[part]) - level_db(left[part]) > 15, f"at {start_s} s"
