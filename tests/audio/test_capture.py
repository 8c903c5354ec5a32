"""The microphone's side on recorded speech: users, echoes and noise in simulated rooms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from echo_scenes import COMMANDS, Scene, clip, gained, last_audible, play, reply, said, silence

from assistant.audio.capture import Capture
from assistant.audio.onset import Voice
from assistant.audio.vad import VoiceDetector
from assistant.config import load
from assistant.messages import (
    FRAME_SAMPLES,
    Frame,
    PauseReached,
    Samples,
)
from assistant.simulation.room import RoomConfig

WITHOUT_CANCELLER = ("echo.canceller=false",)


def desk(gain_db: float = -12, delay_ms: float = 60, rt60_s: float = 0.4, seed: int = 1) -> RoomConfig:
    """Loudspeakers in a quiet room."""
    return RoomConfig(
        echo_gain_db=gain_db, echo_delay_ms=delay_ms, reverb_rt60_s=rt60_s, noise="pink", noise_dbfs=-60, seed=seed
    )


def covers(scene: Scene, first: int, end: int) -> bool:
    """One utterance, and every voiced sample is in it."""
    if len(scene.ended) != 1:
        return False
    utterance = scene.ended[0].utterance
    return utterance.start <= first and utterance.start + len(utterance.samples) >= end


# a user alone


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_one_utterance_with_every_voiced_sample(name: str) -> None:
    """Found within 400 ms, whole at the last pause already, and over within 800 ms of Silero's last chunk."""
    track, first, end = said(name, 0.6)
    scene = play(silence(0), np.concatenate([track, silence(1.2)]))
    assert covers(scene, first, end)
    assert len(scene.started) == 1 and scene.started[0][0] - first < 400 * 16
    pauses = [event.utterance for _, event in scene.events if isinstance(event, PauseReached)]
    assert pauses[-1].start + len(pauses[-1].samples) >= end - 20 * 16
    assert scene.events[-1][0] - scene.ended[0].utterance.speech_end <= 840 * 16
    assert not scene.ended[0].utterance.in_echo_window


def test_long_pauses_part_a_speech_and_short_ones_do_not() -> None:
    """Kennedy rests for more than a second twice; who counts "one, two, three" does not."""
    assert len(play(silence(0), np.concatenate([clip("jfk"), silence(1)])).ended) == 3
    assert len(play(silence(0), np.concatenate([clip("sr_english"), silence(1)])).ended) == 1


@pytest.mark.parametrize("noise_dbfs", [-50, -40, -30])
@pytest.mark.parametrize("kind", ["clicks", "hum", "white", "pink"])
def test_noise_is_not_speech(kind: str, noise_dbfs: float) -> None:
    """15 s each."""
    assert play(silence(15), silence(15), RoomConfig(noise=kind, noise_dbfs=noise_dbfs)).started == []


# the assistant's own voice


def test_an_echo_too_late_for_the_canceller_closes_the_bar() -> None:
    """AEC3 cannot follow 700 ms: once that is learned, only a key interrupts."""
    played = np.concatenate([silence(0.3), reply(6, seed=2), silence(1.8)])
    user, _, _ = said("rhasspy3_set_timer", 4.0)
    assert play(played, gained(user, 10), desk(-12, 700)).events == []


def test_reported_headphones_are_believed_until_the_configuration_says_otherwise() -> None:
    """`echo.device` overrules the device's kind, both ways."""
    for device, audible in (("headphones", False), ("loudspeakers", True)):
        capture = Capture(load(settings=[f"echo.device={device}"]), not audible, False, 20)
        tone = np.full(FRAME_SAMPLES, 0.1, np.float32)
        capture.feed(Frame(0, tone, tone))
        assert capture.window.open is audible


# a user who interrupts


def test_without_a_canceller_nobody_interrupts_by_voice() -> None:
    """The bar is closed while the reply is audible; what goes on past the window is taken from there."""
    played = np.concatenate([silence(0.5), clip("allison_at-tone-time-exactly")])
    track, _, _ = said("rhasspy3_set_timer", 1.2)
    assert play(played, np.concatenate([track, silence(3)]), desk(), WITHOUT_CANCELLER).events == []
    long_speech = np.concatenate([silence(2.5), clip("pico_44eab143")[8000:70_000], silence(1)])
    (ended,) = play(played, long_speech, desk(), WITHOUT_CANCELLER).ended
    assert ended.utterance.start == last_audible(played)
    assert ended.utterance.in_echo_window


# a user who answers


@pytest.mark.parametrize("gap_ms", [0, 150, 300])
@pytest.mark.parametrize(
    ("room", "settings"),
    [
        (None, ()),
        (desk(-20), ()),
        (desk(-6, 60, 0.5), ()),
        (desk(-6, 400, 0.5), ()),
        (desk(-20), WITHOUT_CANCELLER),
        (desk(-6, 60, 0.5), WITHOUT_CANCELLER),
        (desk(-6, 400, 0.5), WITHOUT_CANCELLER),
    ],
    ids=["headphones", "aec-20", "aec-6", "aec-6-400ms", "window-20", "window-6", "window-6-400ms"],
)
def test_an_answer_right_after_the_reply_loses_no_word(
    room: RoomConfig | None, settings: tuple[str, ...], gap_ms: float
) -> None:
    """0, 150 and 300 ms after the last audible sample, under the last of the echo."""
    for index, name in enumerate(("rhasspy3_what_time_is_it", "pico_a234f42c", "rhasspy3_set_timer")):
        played = np.concatenate([silence(0.3), reply(2.2 + 0.1 * index, seed=index)])
        track, first, end = said(name, last_audible(played) / 16_000 + gap_ms / 1000)
        scene = play(played, np.concatenate([track, silence(1.2)]), room, settings)
        assert covers(scene, first, end), name


def test_a_cancelled_reply_leaves_no_window_behind() -> None:
    """Half a second after playback broke off, speech begins as if nothing had been played."""
    played = np.concatenate([silence(0.3), reply(2)[:24_000], silence(3)])
    track, first, end = said("rhasspy3_turn_on_the_lamp", 2.6)
    scene = play(played, np.concatenate([track, silence(1.2)]), desk())
    assert covers(scene, first, end)
    assert not scene.started[0][1].in_echo_window


class TakenIn:
    """Silero, sure of a voice from some sample on."""

    def __init__(self, detector: VoiceDetector, since: int) -> None:
        self._detector, self._since = detector, since

    def process(self, start: int, samples: Samples) -> Voice | None:
        """See VoiceDetector."""
        voice = self._detector.process(start, samples)
        sure = voice is not None and voice.start >= self._since
        return replace(voice, probability=0.9, speech=True, agreed=1.0) if voice and sure else voice


def test_the_end_of_a_reverberation_is_not_the_user_when_the_window_shuts(monkeypatch: pytest.MonkeyPatch) -> None:
    """AEC3 lets it pass where somebody types, and Silero takes it for a voice, for half a second and more."""
    played = np.concatenate([silence(0.5), reply(3), silence(1.5)])
    detector = VoiceDetector(load().vad)
    taken_in = TakenIn(detector, last_audible(played) + 8000)
    monkeypatch.setattr("assistant.audio.capture.VoiceDetector", lambda _: taken_in)
    scene = play(played, silence(0), desk(-3, 300, 0.6))
    assert scene.window_spans[-1][1] < len(played)
    assert scene.events == []
