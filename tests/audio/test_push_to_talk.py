"""Turns by key: a pure state machine, fed with made-up speech."""

from __future__ import annotations

import numpy as np
from made_up_speech import CHUNK, chunk_at, frame_at, kinds

from assistant.audio.endpoint import PushToTalk
from assistant.config import load
from assistant.messages import FRAME_SAMPLES, SpeechStarted, TurnEvent, UtteranceEnded


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
