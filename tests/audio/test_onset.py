"""Deciding that speech has begun."""

from __future__ import annotations

from assistant.audio.onset import Bar, Began, Onset, Voice

CHUNK = 512
ORDINARY = Bar(0.5, 96)


def chunks(*probabilities: float, agreed: float = 1.0, level_db: float = -30.0) -> list[Voice]:
    """Consecutive chunks from sample 0."""
    return [
        Voice(index * CHUNK, (index + 1) * CHUNK, probability, probability >= 0.5, agreed, level_db)
        for index, probability in enumerate(probabilities)
    ]


def first(heard: list[Voice], *bars: Bar) -> tuple[int, Began] | None:
    """The chunk at which speech begins, and what is said of it."""
    onset = Onset(possible_probability=0.35, gap_ms=200)
    for index, voice in enumerate(heard):
        began = onset.feed(voice, bars)
        if began is not None:
            return index, began
    return None


def test_three_chunks_make_a_beginning_two_do_not() -> None:
    """96 ms."""
    assert first(chunks(0.1, 0.9, 0.9, 0.1, 0.9, 0.9), ORDINARY) is None
    assert first(chunks(0.1, 0.9, 0.9, 0.9), ORDINARY) == (3, Began(CHUNK, 4 * CHUNK, 3 * CHUNK))


def test_webrtcvad_must_agree() -> None:
    """In most of the run."""
    assert first(chunks(0.9, 0.9, 0.9, 0.9, agreed=0.3), ORDINARY) is None


def test_a_beginning_reaches_back_over_short_gaps_only() -> None:
    """What is up to 200 ms before belongs to it, weaker than the bar though it be; what is further off does not."""
    near = chunks(0.4, *[0.1] * 6, 0.9, 0.9, 0.9)
    assert first(near, ORDINARY) == (9, Began(0, 10 * CHUNK, 4 * CHUNK))
    far = chunks(0.4, *[0.1] * 7, 0.9, 0.9, 0.9)
    assert first(far, ORDINARY) == (10, Began(8 * CHUNK, 11 * CHUNK, 3 * CHUNK))


def test_any_one_bar_is_enough() -> None:
    """Sure for long, or unsure but loud."""
    bars = (Bar(0.7, 160), Bar(0.4, 64, level_db=-20))
    heard = chunks(0.45, 0.45, 0.45, 0.45, 0.45, 0.45, level_db=-25)
    assert first(heard, *bars) is None
    assert first(chunks(0.45, 0.45, level_db=-15), *bars) is not None
    assert first(chunks(*[0.8] * 5), *bars) is not None
    assert first(chunks(0.9, 0.9, 0.9)) is None, "without a bar nothing begins"


def test_the_loud_chunk_may_come_just_before_the_run() -> None:
    """Silero often recognises a loud syllable when it is over."""
    heard = [*chunks(0.1, level_db=-10), *(chunks(0.1, 0.6, 0.6, level_db=-40)[1:])]
    assert first(heard, Bar(0.5, 64, level_db=-20)) is not None


def test_chunks_before_since_do_not_count() -> None:
    """Speech must go on for the whole time after the window's end, yet it began before."""
    assert first(chunks(*[0.9] * 6), Bar(0.5, 96, since=3 * CHUNK)) == (5, Began(0, 6 * CHUNK, 6 * CHUNK))
