"""Deciding that speech has begun."""

from __future__ import annotations

from assistant.audio.onset import Began, Onset, Voice
from assistant.config import load

CHUNK = 512


def chunks(*probabilities: float, agreed: float = 1.0) -> list[Voice]:
    """Consecutive chunks from sample 0."""
    return [
        Voice(index * CHUNK, (index + 1) * CHUNK, probability, probability >= 0.5, agreed)
        for index, probability in enumerate(probabilities)
    ]


def first(heard: list[Voice], since: int = 0) -> tuple[int, Began] | None:
    """The chunk at which speech begins, and what is said of it."""
    onset = Onset(load().vad, gap_ms=200)
    for index, voice in enumerate(heard):
        onset.feed(voice)
        began = onset.began(since)
        if began is not None:
            return index, began
    return None


def test_three_chunks_make_a_beginning_two_do_not() -> None:
    """96 ms."""
    assert first(chunks(0.1, 0.9, 0.9, 0.1, 0.9, 0.9)) is None
    assert first(chunks(0.1, 0.9, 0.9, 0.9)) == (3, Began(CHUNK, 4 * CHUNK, 3 * CHUNK))


def test_webrtcvad_must_agree() -> None:
    """In most of the run."""
    assert first(chunks(0.9, 0.9, 0.9, 0.9, agreed=0.3)) is None


def test_a_beginning_reaches_back_over_short_gaps_only() -> None:
    """What is up to 200 ms before belongs to it, weaker than the bar though it be; what is further off does not."""
    near = chunks(0.4, *[0.1] * 6, 0.9, 0.9, 0.9)
    assert first(near) == (9, Began(0, 10 * CHUNK, 4 * CHUNK))
    far = chunks(0.4, *[0.1] * 7, 0.9, 0.9, 0.9)
    assert first(far) == (10, Began(8 * CHUNK, 11 * CHUNK, 3 * CHUNK))


def test_chunks_before_since_do_not_count() -> None:
    """Speech must go on for the whole time after the window's end, yet it began before."""
    assert first(chunks(*[0.9] * 6), since=3 * CHUNK) == (5, Began(0, 6 * CHUNK, 6 * CHUNK))


def test_it_is_under_way_while_the_newest_chunk_may_be_speech() -> None:
    """Before it has begun."""
    onset = Onset(load().vad, gap_ms=200)
    states = []
    for voice in chunks(0.1, 0.4, 0.3):
        onset.feed(voice)
        states.append(onset.under_way)
    assert states == [False, True, False]
