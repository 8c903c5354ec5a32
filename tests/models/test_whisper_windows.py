"""Where long audio is cut, and how each piece is heard."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.messages import MIC_RATE_HZ, Samples
from assistant.models.whisper_windows import Pass, broken_off_s, heard_samples, passes, window_end

S = MIC_RATE_HZ


def _noise(seconds: float) -> Samples:
    return np.random.default_rng(0).normal(0, 0.1, round(seconds * S)).astype(np.float32)


@pytest.mark.parametrize("seconds", [0, 0.05, 3, 28])
def test_what_fits_is_not_cut(seconds: float) -> None:
    """Up to 28 s are one window."""
    samples = _noise(seconds)
    assert window_end(samples) == len(samples)


def test_long_audio_is_cut_in_its_pause() -> None:
    """Half a second of silence near the window's end is where it is cut."""
    samples = _noise(60)
    samples[round(24.0 * S) : round(24.5 * S)] = 0
    assert 24.0 <= window_end(samples) / S <= 24.5


def test_a_pause_too_early_is_no_reason_to_cut() -> None:
    """A window shorter than 20 s would waste an encoder pass."""
    samples = _noise(60)
    samples[10 * S : 11 * S] = 0
    assert 20 <= window_end(samples) / S <= 28


def test_the_later_of_equal_pauses_is_taken() -> None:
    """Digital silence throughout: the window is as long as it may be."""
    assert window_end(np.zeros(60 * S, np.float32)) / S > 27.5


def test_where_it_is_cut_does_not_depend_on_what_comes_later() -> None:
    """An utterance that goes on is cut where it was cut before."""
    samples = _noise(60)
    assert window_end(samples[: 29 * S]) == window_end(samples)


@pytest.mark.parametrize(
    ("seconds", "context_s"),
    [(0.5, [10, 30]), (9, [10, 30]), (9.1, [15, 30]), (14, [15, 30]), (14.1, [30]), (28, [30])],
)
def test_context_is_chosen_by_length(seconds: float, context_s: list[int]) -> None:
    """Never less than 10 s, at least a second to spare, and the whole context as a last resort."""
    assert [attempt.context_s for attempt in passes(seconds, True, 7)] == context_s
    assert [attempt.context_s for attempt in passes(seconds, False, 7)] == [30]


def test_tokens_are_capped_by_length() -> None:
    """ceil(7 * 3) + 10 at first, twice that in the end, never more than Whisper was trained for."""
    assert passes(3, True, 7) == [Pass(10, 31), Pass(30, 62)]
    assert passes(28, True, 50) == [Pass(30, 224)]


@pytest.mark.parametrize(
    ("tokens", "seconds"),
    [
        ([1000, 7, 8, 1100], None),  # <|0.00|> two words <|2.00|>
        ([1000, 7, 8, 1100, 1100], 2.0),
        ([1000, 7, 1100, 1150, 8, 9], None),  # in the middle of a text
        ([1000], None),
        ([], None),
    ],
)
def test_two_time_marks_at_the_end_are_a_clause_left_out(tokens: list[int], seconds: float | None) -> None:
    """The first ends a segment, the second begins another without a word of it."""
    assert broken_off_s(tokens, 1000) == seconds


@pytest.mark.parametrize(
    ("begun_s", "rest_s", "heard_s"),
    [
        (None, 10, 28),  # all is written
        (17.5, 10, 17.5),  # a clause is missing: it goes into the next window
        (27.5, 10, 27.5),  # even a short one, while the audio goes on
        (17.5, 0, 17.5),
        (27.5, 0, 28),  # half a second at the very end is a pause
        (0.0, 10, 28),  # nothing would be gained by hearing the same again
        (30.0, 10, 28),  # beyond the window, in the silence after it
    ],
)
def test_a_clause_that_was_left_out_is_heard_again(begun_s: float | None, rest_s: int, heard_s: float) -> None:
    """With what follows the window, or alone where it is at the end and long enough to be a clause."""
    assert heard_samples(28 * S, rest_s * S, begun_s) == heard_s * S
