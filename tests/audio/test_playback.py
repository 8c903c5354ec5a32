"""The playback timeline: pausing, resuming, cutting and what was heard."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant import config
from assistant.audio.playback import Playback
from assistant.messages import Fragment, SpeechAudio, SpokenWord, WordTime

RATE_HZ = 1000
WRITTEN = "One two, three four."
WORDS = (SpokenWord("one", 0, 3), SpokenWord("two", 4, 8, ","), SpokenWord("three", 9, 14), SpokenWord("four", 15, 20))


def piece(first: int, last: int) -> SpeechAudio:
    """Words first..last-1 of the reply, 100 ms each, with sample values that name their place."""
    words = WORDS[first:last]
    samples = (np.arange(first * 100, last * 100) / 1000 + 0.001).astype(np.float32)
    times = tuple(WordTime(index * 100, index * 100 + 100, word.end) for index, word in enumerate(words))
    return SpeechAudio(samples, times, Fragment(words, words[0].start, words[-1].end))


@pytest.fixture
def playback() -> Playback:
    """Two pieces of two words, without fades so that samples can be told apart."""
    made = Playback(RATE_HZ, config.load("small", settings=["playback.fade_ms=0"]).playback)
    made.begin()
    made.push(piece(0, 2))
    made.push(piece(2, 4))
    return made


def test_pieces_follow_each_other_without_a_gap(playback: Playback) -> None:
    """One pull may span two pieces."""
    assert np.allclose(playback.pull(400, 0.0), np.arange(400) / 1000 + 0.001)
    assert np.allclose(playback.spans(), [(0.0, 0.4)])


@given(blocks=st.lists(st.integers(1, 60), min_size=1, max_size=40), pause_at=st.integers(0, 39))
def test_a_pause_loses_no_sample(blocks: list[int], pause_at: int) -> None:
    """Whatever the device's block sizes, a paused and resumed reply is heard whole, once."""
    playback = Playback(RATE_HZ, config.load("small", settings=["playback.fade_ms=0"]).playback)
    playback.begin()
    playback.push(piece(0, 4))
    heard: list[float] = []
    now = 0
    for index, count in enumerate([*blocks, *[50] * 10]):
        if index == pause_at:
            playback.pause()
            assert not playback.pull(30, now / RATE_HZ).any()
            now += 30
            playback.resume()
        out = playback.pull(count, now / RATE_HZ)
        now += count
        heard += [float(value) for value in out if value]
    assert np.allclose(heard, np.arange(400) / 1000 + 0.001)


@pytest.mark.parametrize(
    ("played", "heard"),
    [(0, ""), (49, ""), (50, "One"), (149, "One"), (150, "One two,"), (399, WRITTEN), (400, WRITTEN)],
)
def test_a_word_is_heard_when_half_of_it_was_played(playback: Playback, played: int, heard: str) -> None:
    """The cut falls at a word of the written reply."""
    playback.pull(played, 0.0)
    assert WRITTEN[: playback.cut()] == heard
    assert playback.queued_s == 0


def test_a_gap_moves_the_words(playback: Playback) -> None:
    """Silence before a piece belongs to no word."""
    playback.push(piece(0, 1), gap_ms=100)
    playback.pull(400, 0.0)
    assert not playback.pull(100, 0.4).any()
    assert playback.words_between(0.41, 0.49) == ""
    playback.pull(100, 0.5)
    assert playback.words_between(0.55, 0.56) == "one"


def test_words_between_two_moments(playback: Playback) -> None:
    """Only what really sounded then, pauses counted in."""
    playback.pull(100, 1.0)
    playback.pause()
    playback.pull(500, 1.1)
    playback.resume()
    playback.pull(200, 1.6)
    assert playback.words_between(1.0, 1.1) == "one"
    assert playback.words_between(1.15, 1.55) == ""
    assert playback.words_between(1.0, 1.75) == "one two three"
    assert np.allclose(playback.spans(), [(1.0, 1.1), (1.6, 1.8)])


def test_stopping_and_going_on_fade() -> None:
    """A click is a step in the signal: no step is larger than the ramp's."""
    playback = Playback(RATE_HZ, config.load("small", settings=["playback.fade_ms=20"]).playback)
    playback.begin()
    playback.push(SpeechAudio(np.full(400, 0.5, np.float32), (), Fragment((), 0, 0)))
    before = playback.pull(100, 0.0)
    playback.pause()
    silent = playback.pull(100, 0.1)
    playback.resume()
    after = playback.pull(300, 0.2)
    steps = np.abs(np.diff(np.concatenate([before, silent, after])))
    assert steps.max() < 0.5 / 19 + 1e-6
    assert silent[20:].max() == 0


def test_a_new_reply_forgets_the_one_before(playback: Playback) -> None:
    """Nothing of it counts as heard."""
    playback.pull(400, 0.0)
    playback.begin()
    assert not playback.started
    assert playback.cut() == 0
    assert playback.spans() == []


def test_gain_changes_what_is_played_and_nothing_of_what_was_heard(playback: Playback) -> None:
    """Beyond full scale it is clipped."""
    playback.gain = 4.0
    assert np.allclose(playback.pull(400, 0.0), np.minimum(4 * (np.arange(400) / 1000 + 0.001), 1))
    assert playback.spans() == [(0.0, 0.4)]


def test_a_chime_sounds_over_the_reply_and_is_no_part_of_it(playback: Playback) -> None:
    """Whether a reply is paused, over, or going on."""
    playback.chime(np.full(50, 0.25, np.float32))
    assert np.allclose(playback.pull(30, 0.0), np.arange(30) / 1000 + 0.251)
    playback.pause()
    assert np.allclose(playback.pull(40, 0.03), [0.25] * 20 + [0.0] * 20)
    assert playback.spans() == [(0.0, 0.03)]


def test_a_gap_runs_from_the_last_sound_on(playback: Playback) -> None:
    """Silence that was waited through is part of it: what comes late is not made later still."""
    playback.pull(470, 0.0)  # 70 ms of it were silent
    playback.push(piece(0, 1), gap_ms=100)
    assert np.flatnonzero(playback.pull(100, 0.47))[0] == 30
    playback.pull(200, 0.57)
    playback.push(piece(1, 2), gap_ms=100)
    assert playback.pull(10, 0.77).all()


def test_a_delayed_reply_has_not_begun(playback: Playback) -> None:
    """The delay is silence of nobody; who speaks meanwhile goes on with the question."""
    playback.cut()
    playback.begin()
    playback.push(piece(0, 1), delay_ms=50)
    assert not playback.pull(40, 1.0).any()
    assert not playback.started and playback.spans() == []
    playback.pull(40, 1.04)
    assert playback.started
    assert np.allclose(playback.spans(), [(1.05, 1.08)])
