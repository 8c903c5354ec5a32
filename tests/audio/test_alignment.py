"""Frames with the sound that was then about to be heard."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from assistant.audio.alignment import LEAD_MS, Aligner
from assistant.messages import FRAME_SAMPLES, MIC_RATE_HZ, DeskOpened, Frame, Samples

LEAD = LEAD_MS * MIC_RATE_HZ // 1000
BLOCK = 320
OPENED = DeskOpened(True, 50)


def ramp(start: int, count: int = BLOCK) -> Samples:
    """Samples that tell their own index."""
    return np.arange(start, start + count, dtype=np.float32)


def run(aligner: Aligner, heard: list[int], ahead: int = 3200) -> list[Frame]:
    """Blocks of 20 ms at these indices, with everything played known far ahead."""
    frames = []
    for start in heard:
        aligner.played(start + ahead, ramp(start + ahead))
        frames += aligner.heard(start, ramp(start))
    return frames


def test_the_reference_leads_by_50_ms() -> None:
    """What a frame is paired with sounds 50 ms after it was heard: so it leads its echo, whatever the latencies."""
    frames = run(Aligner(OPENED), [index * BLOCK for index in range(50)], ahead=1600)
    for frame in frames[10:]:
        assert np.array_equal(frame.samples, ramp(frame.start, FRAME_SAMPLES))
        assert np.array_equal(frame.reference, ramp(frame.start + LEAD, FRAME_SAMPLES))
    assert [frame.start for frame in frames] == [index * FRAME_SAMPLES for index in range(100)]
    assert frames[0].opened == OPENED
    assert {frame.opened for frame in frames[1:]} == {None}


def test_frames_begin_at_whole_frames_of_the_talks_clock() -> None:
    """Wherever the device began; nothing from before the talk is given."""
    frames = run(Aligner(OPENED), [-100 + index * BLOCK for index in range(3)])
    assert [frame.start for frame in frames] == [0, 160, 320, 480, 640]
    frames = run(Aligner(OPENED), [16_001, 16_321])
    assert [frame.start for frame in frames] == [16_160, 16_320, 16_480]
    assert frames[0].samples[0] == 16_160


def test_frames_that_were_lost_are_left_out() -> None:
    """The next one says where it begins."""
    frames = run(Aligner(OPENED), [0, 320, 1300, 1620])
    assert [frame.start for frame in frames] == [0, 160, 320, 480, 1440, 1600, 1760]
    assert all(np.array_equal(frame.samples, ramp(frame.start, FRAME_SAMPLES)) for frame in frames)


def test_samples_that_come_twice_are_dropped() -> None:
    """As when the clock of a fast device is set back by a frame."""
    frames = run(Aligner(OPENED), [0, 320, 480, 800])
    assert [frame.start for frame in frames] == [0, 160, 320, 480, 640, 800, 960]
    assert all(np.array_equal(frame.samples, ramp(frame.start, FRAME_SAMPLES)) for frame in frames)


def test_a_frame_waits_for_what_is_played_but_not_for_long() -> None:
    """The loudspeaker calls 20 ms later than the microphone; then it calls no more."""
    aligner = Aligner(OPENED)
    aligner.played(0, ramp(0, LEAD))
    assert aligner.heard(0, ramp(0)) == []
    aligner.played(LEAD, ramp(LEAD))
    first = aligner.heard(320, ramp(320))
    assert [frame.start for frame in first] == [0, 160]
    assert np.array_equal(first[1].reference, ramp(LEAD + 160, FRAME_SAMPLES))
    late = [frame for start in range(640, 6400, BLOCK) for frame in aligner.heard(start, ramp(start))]
    assert [frame.start for frame in late] == list(range(320, 6400 - 60 * 16, FRAME_SAMPLES))
    assert not late[-1].reference.any()


@given(st.lists(st.sampled_from([0, 0, 0, 0, 7, 160, 480, -160, -500]), max_size=60))
def test_whatever_the_clocks_do_no_sample_is_given_twice(slips: list[int]) -> None:
    """Frames are whole, in order, and hold what was heard at their moment."""
    starts, at = [], 0
    for slip in slips:
        at = max(at + BLOCK + slip, 0)
        starts.append(at)
    frames = run(Aligner(OPENED), starts)
    assert all(after.start >= before.start + FRAME_SAMPLES for before, after in itertools.pairwise(frames))
    assert all(frame.start % FRAME_SAMPLES == 0 for frame in frames)
    assert all(np.array_equal(frame.samples, ramp(frame.start, FRAME_SAMPLES)) for frame in frames)
