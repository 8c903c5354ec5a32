"""Replies on recorded step durations: the loudspeaker does not wait where it must not."""

from __future__ import annotations

import pytest
from playback_gaps import waits
from recorded_steps import recorded, replies

SOME = replies()[::4]


@pytest.mark.parametrize("factor", [0.1, 0.25, 0.5])
def test_models_twice_as_fast_as_speech_leave_no_gap(factor: float) -> None:
    """And no reply is held back."""
    found = waits(SOME, recorded(), factor)
    assert (found.inside, found.between, found.delayed) == (0, 0, 0)


@pytest.mark.parametrize("factor", [0.75, 1.0, 1.25, 1.5])
def test_slower_models_leave_gaps_between_sentences_only(factor: float) -> None:
    """There a pause is a breath."""
    assert waits(SOME, recorded(), factor).inside == 0


def test_without_the_plan_there_are_gaps_inside_sentences() -> None:
    """So the bench can see one."""
    assert waits(SOME, recorded(), 1.25, planned=False).inside > 3
