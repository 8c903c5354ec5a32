"""A stream's samples on the talk's clock: whole where timestamps tremble, moved where samples were lost."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from assistant.audio.stream_clock import StreamClock
from assistant.messages import FRAME_SAMPLES, MIC_RATE_HZ

BLOCK = 320
BLOCK_S = BLOCK / MIC_RATE_HZ


def seams(starts: list[int]) -> list[int]:
    """By how many samples each block misses the end of the one before."""
    return [after - before - BLOCK for before, after in itertools.pairwise(starts) if after - before != BLOCK]


def test_blocks_join_though_timestamps_tremble() -> None:
    """By 5 ms each, and one block in ten comes 80 ms late, as when another thread holds the interpreter."""
    clock = StreamClock()
    rng = np.random.default_rng(1)
    starts = []
    for index in range(500):
        late_s = 0.08 if index % 10 == 9 else 0.0
        starts.append(clock.place(index * BLOCK, 1 + index * BLOCK_S + rng.uniform(-0.005, 0.005) + late_s))
    assert seams(starts) == []
    assert abs(starts[0] - MIC_RATE_HZ) <= 0.005 * MIC_RATE_HZ


def test_lost_samples_are_noticed_within_a_third_of_a_second() -> None:
    """Nobody says so, but from one block on all timestamps are 60 ms later."""
    clock = StreamClock()
    starts = [clock.place(index * BLOCK, index * BLOCK_S + (0.06 if index >= 50 else 0)) for index in range(100)]
    assert seams(starts) == [6 * FRAME_SAMPLES]
    moved = next(index for index in range(99) if starts[index + 1] - starts[index] != BLOCK) + 1
    assert 50 < moved <= 50 + 0.3 / BLOCK_S
    assert starts[-1] == 99 * BLOCK + 6 * FRAME_SAMPLES
    assert clock.losses == 1


def test_losses_that_are_told_are_noticed_sooner() -> None:
    """Timestamps from before the loss no longer count."""
    clock = StreamClock()
    starts = [
        clock.place(index * BLOCK, index * BLOCK_S + (0.06 if index >= 50 else 0), lost=index == 50)
        for index in range(100)
    ]
    assert seams(starts) == [6 * FRAME_SAMPLES]
    assert starts[55] == 55 * BLOCK + 6 * FRAME_SAMPLES
    assert clock.losses == 0  # it was counted by who told


@pytest.mark.parametrize("ppm", [-150.0, -20.0, 0.0, 3.0, 100.0])
def test_drift_is_followed_by_whole_frames(ppm: float) -> None:
    """For ten minutes no sample is further from its timestamp than 11 ms, and every seam is of one frame."""
    clock = StreamClock()
    count = round(600 / BLOCK_S)
    at_s = [1 + index * BLOCK_S * (1 + ppm * 1e-6) for index in range(count)]
    starts = [clock.place(index * BLOCK, moment) for index, moment in enumerate(at_s)]
    assert max(abs(start - moment * MIC_RATE_HZ) for start, moment in zip(starts, at_s, strict=True)) <= 176
    assert {abs(seam) for seam in seams(starts)} <= {FRAME_SAMPLES}
    assert len(seams(starts)) <= 600 * abs(ppm) * 1e-6 / 0.01 + 1
