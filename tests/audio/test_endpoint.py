"""Turns by silence: a pure state machine, fed with made-up speech."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_speech import CHUNK, FRAMES_PER_CHUNK, chunk_at, frame_at, kinds

from assistant.audio.endpoint import Endpointer
from assistant.audio.onset import Began
from assistant.config import load
from assistant.messages import (
    FRAME_SAMPLES,
    PauseBegan,
    PauseReached,
    SpeechResumed,
    SpeechStarted,
    TurnEvent,
    UtteranceEnded,
)

SETTINGS = (
    "endpoint.work_ms=200",
    "endpoint.pause_ms=200",
    "endpoint.end_ms=700",
    "endpoint.pre_roll_ms=300",
    "endpoint.max_utterance_s=5",
)
"""A pause begins and is reached at once, unless a test says otherwise."""


def talk(pattern: str, *settings: str) -> list[tuple[int, TurnEvent]]:
    """Feed chunks, `x` speech and `.` silence; two of speech are a beginning. Events with the ms they came at."""
    endpointer = Endpointer(load(settings=[*SETTINGS, *settings]).endpoint)
    events: list[tuple[int, TurnEvent]] = []
    for index, mark in enumerate(pattern):
        start = index * CHUNK
        for frame in range(FRAMES_PER_CHUNK):
            at = start + frame * FRAME_SAMPLES
            voice = chunk_at(start, mark == "x") if frame == FRAMES_PER_CHUNK - 1 else None
            got = endpointer.feed(at, frame_at(at), voice)
            if voice and not endpointer.open and pattern[max(index - 1, 0) : index + 1] == "xx":
                got += endpointer.begin(Began(start - CHUNK, start + CHUNK, 2 * CHUNK))
            events += [((at + FRAME_SAMPLES) // 16, event) for event in got]
    return events


def test_a_turn_with_a_pause_in_it() -> None:
    """Started, paused after 200 ms, resumed, paused, ended after 700 ms of silence."""
    events = talk("." * 20 + "x" * 10 + "." * 10 + "x" * 5 + "." * 30)
    assert kinds(events) == ["SpeechStarted", "PauseReached", "SpeechResumed", "PauseReached", "UtteranceEnded"]
    at = [ms for ms, _ in events]
    assert at == [660, 900 + 200, 1230, 1350 + 200, 1350 + 700]


def test_work_may_begin_before_the_pause_means_anything() -> None:
    """After 100 ms, each time; a pause that ends before 200 ms is never reached."""
    events = talk("." * 20 + "x" * 10 + "." * 5 + "x" * 5 + "." * 30, "endpoint.work_ms=100")
    assert kinds(events) == [
        "SpeechStarted", "PauseBegan", "SpeechResumed", "PauseBegan", "PauseReached", "UtteranceEnded",
    ]  # fmt: skip
    at = [ms for ms, _ in events]
    assert at == [660, 900 + 100, 1080, 1200 + 100, 1200 + 200, 1200 + 700]
    began = events[3][1]
    assert isinstance(began, PauseBegan) and began.utterance.speech_end == 1200 * 16


def test_words_known_early_can_end_it_early() -> None:
    """What is decided after the pause began holds for it, and the end still follows a pause that was reached."""
    endpointer = Endpointer(load(settings=[*SETTINGS, "endpoint.work_ms=100"]).endpoint)
    events: list[tuple[int, TurnEvent]] = []
    for at in range(0, 16_000, FRAME_SAMPLES):
        got = endpointer.feed(at, frame_at(at), None)
        if at == 4000:
            got += endpointer.begin(Began(2400, 4000, 1600))
        if any(isinstance(event, PauseBegan) for event in got):
            endpointer.end_after(4000, 150)
        events += [((at + FRAME_SAMPLES) // 16, event) for event in got]
    assert kinds(events) == ["SpeechStarted", "PauseBegan", "PauseReached", "UtteranceEnded"]
    assert [ms for ms, _ in events] == [260, 350, 400, 400]


def test_each_pause_carries_the_whole_utterance_from_its_pre_roll() -> None:
    """And the end carries the same, with more silence."""
    events = talk("." * 20 + "x" * 10 + "." * 10 + "x" * 5 + "." * 30)
    first, second, end = (event.utterance for _, event in events if isinstance(event, PauseReached | UtteranceEnded))
    for utterance in (first, second, end):
        assert utterance.start == (600 - 300) * 16
        assert utterance.speech_start == 600 * 16
        np.testing.assert_array_equal(
            utterance.samples, np.arange(utterance.start, utterance.start + len(utterance.samples))
        )
    assert (first.speech_end, second.speech_end, end.speech_end) == (900 * 16, 1350 * 16, 1350 * 16)
    assert (first.voiced_ms, second.voiced_ms) == (300, 450)
    assert len(end.samples) > len(second.samples) > len(first.samples)


def test_a_cough_ends_too() -> None:
    """A paused reply must learn that it may go on: little speech, and the end as always."""
    events = talk("." * 20 + "xx" + "." * 30)
    assert kinds(events) == ["SpeechStarted", "PauseReached", "UtteranceEnded"]
    end = events[-1][1]
    assert isinstance(end, UtteranceEnded) and end.utterance.voiced_ms == 60


def test_one_chunk_is_no_speech() -> None:
    """Nothing is sent for it."""
    assert talk("." * 10 + "x" + "." * 40) == []


@pytest.mark.parametrize("longest_s", [5, 6])
def test_the_longest_utterance_is_cut_and_what_follows_begins_another(longest_s: int) -> None:
    """Without a sample in both, or in neither; 5 s end within a chunk, 6 s with one."""
    events = talk("x" * 500, f"endpoint.max_utterance_s={longest_s}")
    assert kinds(events)[:4] == ["SpeechStarted", "PauseReached", "UtteranceEnded", "SpeechStarted"]
    first, second = [event.utterance for _, event in events if isinstance(event, UtteranceEnded)][:2]
    assert len(first.samples) == longest_s * 16_000
    assert second.start == first.start + len(first.samples)


def test_the_pre_roll_reaches_into_silence_but_not_into_earlier_speech() -> None:
    """Speech 30 ms after an end: its pre-roll takes what was silence of the utterance before."""
    events = talk("x" * 10 + "." * 24 + "x" * 10 + "." * 30, "endpoint.pre_roll_ms=2000")
    first, second = (event.utterance for _, event in events if isinstance(event, UtteranceEnded))
    assert first.speech_end == 300 * 16
    assert second.start == first.speech_end


def test_nothing_is_taken_before_what_can_be_the_users() -> None:
    """`not_before` bounds the pre-roll and the speech; `by` widens it."""
    for not_before, by, start in ((0, None, 100), (4800, None, 300), (0, 800, 50), (1600, 800, 100)):
        endpointer = Endpointer(load(settings=SETTINGS).endpoint)
        for at in range(0, 9600, FRAME_SAMPLES):
            endpointer.feed(at, frame_at(at), None)
        began = Began(400 * 16, 560 * 16, 2000)
        (started,) = endpointer.begin(began, not_before, by, echo_after_ms=400)
        assert isinstance(started, SpeechStarted) and started.in_echo_window
        assert started.speech_start == max(400 * 16, not_before)
        for at in range(9600, 20000, FRAME_SAMPLES):
            for event in endpointer.feed(at, frame_at(at), None):
                assert isinstance(event, PauseReached | UtteranceEnded)
                assert event.utterance.start == start * 16
                assert event.utterance.in_echo_window


@given(st.text(alphabet="x.", min_size=1, max_size=200))
def test_the_grammar_of_events(pattern: str) -> None:
    """Started (Began Paused? Resumed)* Began? Paused Ended, over and over; no two utterances share speech."""
    events = talk(pattern + "." * 30, "endpoint.work_ms=100")
    state = "idle"
    allowed = {
        ("idle", SpeechStarted): "speaking",
        ("speaking", PauseBegan): "silent",
        ("silent", SpeechResumed): "speaking",
        ("silent", PauseReached): "paused",
        ("paused", SpeechResumed): "speaking",
        ("paused", UtteranceEnded): "idle",
    }
    speech_end = 0
    for _, event in events:
        state = allowed[(state, type(event))]
        if isinstance(event, UtteranceEnded):
            utterance = event.utterance
            assert speech_end <= utterance.start <= utterance.speech_start < utterance.speech_end
            speech_end = utterance.speech_end
    assert state == "idle"


def ended_after_ms(wait_ms: float, decided_ms: int = 250, of_other_speech: bool = False) -> int:
    """When an utterance of 300 ms ends, the wait for its end being set so long after its last voiced sample."""
    endpointer = Endpointer(load(settings=SETTINGS).endpoint)
    speech_end = 10 * CHUNK
    for start in range(0, 2 * 16_000, FRAME_SAMPLES):
        at = start + FRAME_SAMPLES
        voice = chunk_at(at - CHUNK, at <= speech_end) if at % CHUNK == 0 else None
        events = endpointer.feed(start, frame_at(start), voice)
        if at == 2 * CHUNK:
            endpointer.begin(Began(0, 2 * CHUNK, 2 * CHUNK))
        if at == speech_end + decided_ms * 16:
            endpointer.end_after(speech_end - of_other_speech, wait_ms)
        if any(isinstance(event, UtteranceEnded) for event in events):
            return (at - speech_end) // 16
    return 0


def test_the_wait_may_be_shortened_or_lengthened_while_it_runs() -> None:
    """What is shorter than the silence so far ends it with the next frame."""
    assert ended_after_ms(500) == 500
    assert ended_after_ms(1500) == 1500
    assert ended_after_ms(300, decided_ms=400) == 410


def test_advice_that_comes_too_late_changes_nothing() -> None:
    """Speech has gone on since, or the pause has not been reached."""
    assert ended_after_ms(500, of_other_speech=True) == 700
    assert ended_after_ms(500, decided_ms=100) == 700


def test_a_wait_holds_for_one_pause() -> None:
    """The next one has the ordinary length."""
    endpointer = Endpointer(load(settings=SETTINGS).endpoint)
    ends = []
    for start in range(0, 3 * 16_000, FRAME_SAMPLES):
        at = start + FRAME_SAMPLES
        speaking = at <= 10 * CHUNK or 25 * CHUNK < at <= 30 * CHUNK
        events = endpointer.feed(start, frame_at(start), chunk_at(at - CHUNK, speaking) if at % CHUNK == 0 else None)
        if at == 2 * CHUNK:
            endpointer.begin(Began(0, 2 * CHUNK, 2 * CHUNK))
        if at == 20 * CHUNK:
            endpointer.end_after(10 * CHUNK, 1500)
        ends += [(at - 30 * CHUNK) // 16 for event in events if isinstance(event, UtteranceEnded)]
    assert ends == [700]


def test_speech_that_is_given_up_is_not_told_again() -> None:
    """What follows begins anew, and takes up none of it."""
    endpointer = Endpointer(load(settings=SETTINGS).endpoint)
    for start in range(0, 10 * CHUNK, FRAME_SAMPLES):
        at = start + FRAME_SAMPLES
        endpointer.feed(start, frame_at(start), chunk_at(at - CHUNK, True) if at % CHUNK == 0 else None)
        if at == 2 * CHUNK:
            endpointer.begin(Began(0, 2 * CHUNK, 2 * CHUNK))
    endpointer.drop()
    assert not endpointer.open
    events: list[TurnEvent] = endpointer.begin(Began(9 * CHUNK, 11 * CHUNK, 2 * CHUNK))
    for start in range(10 * CHUNK, 10 * CHUNK + 16_000, FRAME_SAMPLES):
        events += endpointer.feed(start, frame_at(start), None)
    ended = events[-1]
    assert isinstance(ended, UtteranceEnded)
    assert ended.utterance.start == 10 * CHUNK
