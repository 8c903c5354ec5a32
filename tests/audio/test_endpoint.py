"""Turns by silence and turns by key: pure state machines, fed with made-up speech."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.audio.endpoint import Endpointer, PushToTalk
from assistant.audio.onset import Began, Voice
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
FRAMES_PER_CHUNK = 3
CHUNK = FRAMES_PER_CHUNK * FRAME_SAMPLES  # 30 ms here: no test depends on 512


def frame_at(start: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Samples that tell where they come from."""
    return np.arange(start, start + FRAME_SAMPLES, dtype=np.float32)


def chunk_at(start: int, speech: bool) -> Voice:
    """The chunk that begins at a sample."""
    return Voice(start, start + CHUNK, float(speech), speech, 1.0)


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


def kinds(events: list[tuple[int, TurnEvent]]) -> list[str]:
    """Names of the events."""
    return [type(event).__name__ for _, event in events]


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


def hold(
    script: dict[int, str], seconds: float, speech: range = range(0), *settings: str
) -> list[tuple[int, TurnEvent]]:
    """Press and release before the frame that begins at a ms; speech in a range of ms."""
    keys = PushToTalk(load(settings=settings).push_to_talk)
    events: list[tuple[int, TurnEvent]] = []
    for ms in range(0, round(seconds * 1000), 10):
        for key in script.get(ms, "").split():
            getattr(keys, key)()
        start = ms * 16
        ends_chunk = ms % 30 == 20
        voice = chunk_at(start + FRAME_SAMPLES - CHUNK, ms in speech) if ends_chunk else None
        events += [(ms + 10, event) for event in keys.feed(start, frame_at(start), voice)]
        assert keys.open == (bool(events) and not isinstance(events[-1][1], UtteranceEnded))
    return events


def test_without_a_key_nothing_is_speech() -> None:
    """Whatever the detectors say."""
    assert hold({}, 3, range(500, 2000)) == []


def test_a_hold_is_one_utterance_with_its_rolls() -> None:
    """300 ms before the key and 120 ms after it, whatever pauses lie in it."""
    events = hold({1000: "press", 3000: "release"}, 4, range(1200, 1800))
    assert kinds(events) == ["SpeechStarted", "PauseReached", "UtteranceEnded"]
    assert [ms for ms, _ in events] == [1010, 3120, 3120]
    assert events[0][1] == SpeechStarted(16_000, by_key=True)
    end = events[-1][1]
    assert isinstance(end, UtteranceEnded)
    utterance = end.utterance
    np.testing.assert_array_equal(utterance.samples, np.arange(700 * 16, 3120 * 16))
    assert (utterance.speech_start, utterance.speech_end, utterance.voiced_ms) == (1200 * 16, 1800 * 16, 600)
    assert end.key_up == 3000 * 16


def test_a_hold_without_a_sound_ends_as_well() -> None:
    """The conversation decides what to make of it."""
    end = hold({500: "press", 900: "release"}, 2)[-1][1]
    assert isinstance(end, UtteranceEnded) and end.utterance.voiced_ms == 0


def test_repeats_and_bounces_are_one_hold() -> None:
    """Auto-repeat sends presses while the key is down, and a contact may open for a moment."""
    events = hold(
        {500: "press", 550: "press press", 900: "release press", 950: "release", 1000: "press", 1500: "release"}, 3
    )
    assert kinds(events) == ["SpeechStarted", "PauseReached", "UtteranceEnded"]
    assert events[-1][0] == 1620


def test_a_tap_within_one_frame_is_a_short_hold() -> None:
    """Terminals deliver keys in bursts: both edges may come at once."""
    assert kinds(hold({500: "press release"}, 2)) == ["SpeechStarted", "PauseReached", "UtteranceEnded"]


def test_the_longest_hold_is_cut_and_needs_a_new_press() -> None:
    """A key-up that got lost must not record for ever."""
    script = {500: "press", 3000: "press", 4000: "release", 4500: "press", 5000: "release"}
    events = hold(script, 6, range(0), "push_to_talk.max_hold_s=1")
    assert kinds(events) == ["SpeechStarted", "PauseReached", "UtteranceEnded"] * 2
    assert [ms for ms, event in events if isinstance(event, SpeechStarted)] == [510, 4510]


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
