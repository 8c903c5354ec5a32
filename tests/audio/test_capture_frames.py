"""The microphone's side, frame by frame: devices that change, a mute, keys, lost frames."""

from __future__ import annotations

import numpy as np
import pytest
from echo_scenes import clip, reply, silence

from assistant.audio.capture import Capture
from assistant.audio.vad import voiced_span
from assistant.config import load
from assistant.messages import (
    FRAME_SAMPLES,
    DeskOpened,
    Frame,
    Samples,
    SpeechStarted,
    TurnEvent,
    UtteranceEnded,
)

# the desk changes, the microphone is muted


def feed(capture: Capture, samples: Samples, at: int, opened: DeskOpened | None = None) -> list[TurnEvent]:
    """The microphone hears (n,) samples from index `at` on, with nothing played."""
    events: list[TurnEvent] = []
    for start in range(0, len(samples) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        piece = samples[start : start + FRAME_SAMPLES]
        events += capture.feed(Frame(at + start, piece, silence(0.01), opened if start == 0 else None))
    return events


def test_another_desk_is_another_room() -> None:
    """What was learned of the echo is forgotten; headphones have none; speech that goes on is one utterance."""
    capture = Capture(load(), True, False, 20)
    played = reply(3)
    for start in range(0, len(played), FRAME_SAMPLES):
        late = played[start - 1600 : start - 1600 + FRAME_SAMPLES] if start >= 1600 else silence(0.01)
        capture.feed(Frame(start, late, played[start : start + FRAME_SAMPLES]))
    assert capture.window.open and capture.window.delay_ms == pytest.approx(100, abs=20)
    words = clip("rhasspy3_set_timer")
    events = feed(capture, words[:16_000], len(played), DeskOpened(loudspeakers=True, latency_ms=150))
    assert capture.window.delay_ms is None
    events += feed(capture, words[16_000:], len(played) + 16_000, DeskOpened(loudspeakers=False, latency_ms=10))
    tone = np.full(FRAME_SAMPLES, 0.1, np.float32)
    capture.feed(Frame(len(played) + len(words), tone, tone))
    assert not capture.window.open
    events += feed(capture, silence(1), len(played) + len(words) + FRAME_SAMPLES)
    assert [type(event).__name__ for event in events].count("UtteranceEnded") == 1


def test_what_the_devices_before_still_play_is_not_the_user() -> None:
    """Its reference went with them; a reply was cut by it. Somebody who goes on is heard then."""
    capture = Capture(load(), True, False, 20)
    rest = reply(3)[:6400]
    assert feed(capture, rest, 0, DeskOpened(loudspeakers=True, latency_ms=300)) == []
    assert feed(capture, silence(1), len(rest)) == []
    words = np.concatenate([clip("rhasspy3_set_timer"), silence(1)])
    events = feed(capture, words, len(rest) + 16_000, DeskOpened(loudspeakers=True, latency_ms=20))
    assert [type(event).__name__ for event in events][-1] == "UtteranceEnded"


def test_a_muted_microphone_hears_nothing_and_ends_what_is_being_said() -> None:
    """And hears again when it is not muted."""
    capture = Capture(load(), False, False, 20)
    words = clip("jfk")[:32_000]
    assert any(isinstance(event, SpeechStarted) for event in feed(capture, words, 0))
    capture.muted = True
    during = feed(capture, words, 32_000)
    assert any(isinstance(event, UtteranceEnded) for event in during)
    assert not any(isinstance(event, SpeechStarted) for event in during)
    assert capture.level_db == -120 and not capture.open
    capture.muted = False
    assert any(isinstance(event, SpeechStarted) for event in feed(capture, words, 64_000))


# push-to-talk, the stream, the stage


def test_without_a_key_nothing_is_taken_for_speech() -> None:
    """And with one, whatever is said while it is down is one utterance, echo cancelled or not."""
    samples = np.concatenate([clip("rhasspy3_set_timer"), silence(0.5)])
    for keys in ((), (500, 2000)):
        capture = Capture(load(), True, True, 20)
        events: list[TurnEvent] = []
        for start in range(0, len(samples), FRAME_SAMPLES):
            if start // 16 in keys[:1]:
                capture.press()
            if start // 16 in keys[1:]:
                capture.release()
            events += capture.feed(Frame(start, samples[start : start + FRAME_SAMPLES], silence(0.01)))
        assert [type(event).__name__ for event in events] == (
            ["SpeechStarted", "PauseReached", "UtteranceEnded"] if keys else []
        )
        if keys:
            (ended,) = (event for event in events if isinstance(event, UtteranceEnded))
            assert ended.utterance.voiced_ms > 1000
            assert len(ended.utterance.samples) == pytest.approx((300 + 1500 + 120) * 16, abs=FRAME_SAMPLES)


def test_hands_free_has_no_key() -> None:
    """A stray key changes nothing."""
    capture = Capture(load(), False, False, 20)
    capture.press()
    capture.release()
    assert capture.feed(Frame(0, silence(0.01), silence(0.01))) == []
    assert not capture.open


def test_open_from_the_first_doubt_to_the_end() -> None:
    """What a dialogue waits for, and a meter shows."""
    samples = np.concatenate([silence(1), clip("rhasspy3_what_time_is_it"), silence(1.5)])
    capture = Capture(load(), False, False, 20)
    opened_before_started, levels = False, []
    for start in range(0, len(samples) - FRAME_SAMPLES, FRAME_SAMPLES):
        events = capture.feed(Frame(start, samples[start : start + FRAME_SAMPLES], silence(0.01)))
        levels.append(capture.level_db)
        if any(isinstance(event, SpeechStarted) for event in events):
            break
        opened_before_started = capture.open
    assert opened_before_started
    assert min(levels) == -120 and max(levels) > -40
    for later in range(start + FRAME_SAMPLES, len(samples) - FRAME_SAMPLES, FRAME_SAMPLES):
        capture.feed(Frame(later, samples[later : later + FRAME_SAMPLES], silence(0.01)))
    assert not capture.open


@pytest.mark.parametrize("lost_ms", [50, 500, 3_600_000])
def test_lost_frames_are_silence(lost_ms: int) -> None:
    """Indices stay true, and an hour of sleep costs two seconds of silence, not an hour."""
    capture = Capture(load(), True, False, 20)
    events: list[TurnEvent] = []
    for number, samples in enumerate(
        (clip("rhasspy3_set_timer")[:24_000], np.concatenate([clip("sr_english"), silence(1)]))
    ):
        offset = number * (24_000 + lost_ms * 16)
        for at in range(0, len(samples) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
            events += capture.feed(Frame(offset + at, samples[at : at + FRAME_SAMPLES], silence(0.01)))
    ended = [event.utterance for event in events if isinstance(event, UtteranceEnded)]
    assert len(ended) == (1 if lost_ms < 700 else 2)
    voiced = voiced_span(clip("sr_english"))
    assert voiced is not None
    last = 24_000 + lost_ms * 16 + voiced[1]
    assert ended[-1].speech_end == pytest.approx(last, abs=100 * 16)
    if lost_ms < 700:
        assert ended[0].start + len(ended[0].samples) == pytest.approx(last + 800 * 16, abs=100 * 16)


def test_a_word_is_an_utterance_with_its_pauses_in_order() -> None:
    """What one recording gives, from its first frame on."""
    events = feed(Capture(load(), False, False, 20), np.concatenate([clip("mycroft_stop"), silence(1)]), 0)
    kinds = [type(event).__name__ for event in events]
    assert kinds == ["SpeechStarted", "PauseBegan", "PauseReached", "UtteranceEnded"]
