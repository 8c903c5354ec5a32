"""Double-talk detection: what the bands learn of the echo, and how evidence adds up."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from echo_scenes import silence

from assistant.audio.double_talk import KNOWS_ROOM_MS, WINDOW_SAMPLES, BandEcho, DoubleTalk, band_levels
from assistant.audio.echo import EchoWindow
from assistant.audio.echo_canceller import LATENCY_SAMPLES
from assistant.audio.onset import Began, Voice
from assistant.config import load
from assistant.messages import FRAME_SAMPLES, Frame, Samples

BANDS = 13
CHUNK = 512


def flat(level_db: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The same level in every band."""
    return np.full(BANDS, level_db)


def test_a_tone_is_loud_in_its_own_band() -> None:
    """1 kHz lies in the fifth, and 6 dB are 6 dB."""
    tone = np.sin(2 * np.pi * 1000 * np.arange(WINDOW_SAMPLES) / 16_000).astype(np.float32)
    loud, soft = band_levels(np.stack([tone, tone / 2]))
    assert loud.shape == (BANDS,) and int(np.argmax(loud)) == 4
    assert loud[4] - soft[4] == pytest.approx(6.02, abs=0.01)
    assert band_levels(np.zeros((1, WINDOW_SAMPLES), np.float32)).max() == pytest.approx(-90)


def test_the_gain_of_the_echo_is_learned_from_0_db_down() -> None:
    """A user stands out only of an echo that is known; at first it may be as loud as what is played."""
    bands = BandEcho()
    assert bands.excess_db(flat(-30), flat(-20), learn=True) == -5
    for _ in range(60):
        bands.excess_db(flat(-40), flat(-20), learn=True)
    assert bands.excess_db(flat(-40), flat(-20), learn=True) == pytest.approx(0, abs=1.5)
    assert bands.excess_db(flat(-30), flat(-20), learn=True) == pytest.approx(10, abs=1.5)


def test_the_echo_dies_away_slowly() -> None:
    """What is heard after the last word is its tail for a while, and the user after that."""
    bands = BandEcho()
    for _ in range(60):
        bands.excess_db(flat(-30), flat(-20), learn=True)
    tail = [bands.excess_db(flat(-35), flat(-90), learn=True) for _ in range(12)]
    assert tail[1] < 1 and tail[-1] == 20
    assert all(later >= earlier for earlier, later in pairwise(tail))


def test_the_rooms_noise_is_not_the_user() -> None:
    """Steady noise that is louder than the echo stands out of nothing."""
    bands = BandEcho()
    for _ in range(60):
        bands.learn_noise(flat(-40))
    assert bands.excess_db(flat(-39), flat(-70), learn=False) < 0
    assert bands.excess_db(flat(-30), flat(-70), learn=False) > 6


class Desk:
    """A window that is open, and chunks of 512 samples put to the decider."""

    def __init__(self, warm: bool) -> None:
        self.double_talk = DoubleTalk()
        self.window = EchoWindow(load().echo, 20)
        self._at = 0
        if warm:
            self.window._audible_ms = KNOWS_ROOM_MS + 1000

    def hear(self, probability: float, heard: Samples, agreed: float = 1.0, left: float = 1.0) -> Began | None:
        """One chunk, of which Silero says so much, with nothing played, and so much of it left by the canceller."""
        for start in range(0, 640, FRAME_SAMPLES):
            piece = heard[start : start + FRAME_SAMPLES]
            self.double_talk.take(Frame(self._at + start, piece, silence(0.01)), piece * np.float32(left))
        self._at += 640
        end = self._at - LATENCY_SAMPLES
        voice = Voice(end - CHUNK, end, probability, probability >= 0.5, agreed)
        return self.double_talk.judge(voice, self.window)


NOISE = np.random.default_rng(0).standard_normal(640).astype(np.float32)
LOUD, SOFT = NOISE * np.float32(0.1), NOISE * np.float32(1e-4)
VOWEL = (0.1 * 0.97 ** (np.arange(640) % 128)).astype(np.float32)
"""125 Hz, of which five periods fill the 40 ms that a chunk is given here."""


def needed(desk: Desk, probability: float, heard: Samples, agreed: float = 1.0) -> int | None:
    """How many such chunks until speech has begun; None if it has not after 30."""
    return next((n for n in range(1, 31) if desk.hear(probability, heard, agreed)), None)


def test_strong_evidence_needs_two_chunks_and_weak_evidence_more() -> None:
    """64 ms at least."""
    assert needed(Desk(warm=True), 0.95, LOUD) == 2
    assert needed(Desk(warm=True), 0.2, VOWEL) == 2
    assert needed(Desk(warm=False), 0.5, LOUD) == 3
    assert needed(Desk(warm=False), 0.2, VOWEL) in range(6, 20)


@pytest.mark.parametrize("warm", [False, True])
def test_what_does_not_stand_out_proves_nothing(warm: bool) -> None:
    """However sure Silero is, of syllables of the echo or of what AEC3 makes of typing."""
    assert needed(Desk(warm), 0.99, SOFT) is None
    assert needed(Desk(warm), 0.9, LOUD) == 2


def test_what_stands_out_of_the_echo_without_a_voice_is_typing() -> None:
    """Silero gives it little; and where it does not, webrtcvad does not agree."""
    assert needed(Desk(warm=True), 0.1, LOUD) is None
    assert needed(Desk(warm=True), 0.9, LOUD, agreed=0.3) is None


def test_a_pitch_is_a_voice_where_silero_is_late() -> None:
    """Under an echo as loud it took vowels for 0.01; but only once the canceller knows the room."""
    assert needed(Desk(warm=True), 0.01, VOWEL) in (2, 3)
    assert needed(Desk(warm=False), 0.01, VOWEL) is None
    assert needed(Desk(warm=True), 0.01, LOUD) is None
    assert needed(Desk(warm=True), 0.01, VOWEL * np.float32(1e-3)) is None


def test_a_whisper_is_heard() -> None:
    """It has no pitch, and Silero knows it."""
    assert needed(Desk(warm=True), 0.6, LOUD) == 2


def test_a_click_does_not_stand_out() -> None:
    """It is in one half of the chunk only."""
    click = silence(0.04)
    click[-LATENCY_SAMPLES - 100 : -LATENCY_SAMPLES - 20] = 0.5
    assert needed(Desk(warm=False), 0.9, click + SOFT) is None


def test_a_key_makes_no_voice_of_an_echo_that_passed() -> None:
    """Silero is sure of what AEC3 let pass, and the click stands out of it."""
    clicks = VOWEL * np.float32(0.03)
    clicks[[150, 450]] = 0.5
    assert needed(Desk(warm=True), 0.9, clicks) is None
    assert needed(Desk(warm=True), 0.9, VOWEL) == 2


def test_where_nothing_is_left_silero_is_not_believed() -> None:
    """It lets go of an echo that passed later than the canceller does; but what stands out of the echo still counts."""
    assert needed(Desk(warm=True), 0.9, VOWEL) == 2
    desk = Desk(warm=True)
    assert all(desk.hear(0.9, VOWEL, left=0.003) is None for _ in range(20))
    assert needed(desk, 0.2, VOWEL) == 1


def test_evidence_is_lost_again() -> None:
    """One syllable of echo is forgotten by the time of the next."""
    desk = Desk(warm=True)
    for _ in range(5):
        assert desk.hear(0.9, LOUD) is None
        assert all(desk.hear(0.001, SOFT) is None for _ in range(3))


def test_speech_began_where_the_evidence_began() -> None:
    """And of it only that is voice of which Silero is sure."""
    desk = Desk(warm=True)
    for _ in range(3):
        desk.hear(0.001, SOFT)
    assert desk.hear(0.2, VOWEL) is None
    end = 5 * 640 - LATENCY_SAMPLES
    assert desk.hear(0.9, LOUD) == Began(end - 640 - CHUNK, end, CHUNK)


def test_a_closed_window_forgets_the_evidence() -> None:
    """The next reply begins anew."""
    desk = Desk(warm=True)
    assert desk.hear(0.9, LOUD) is None
    desk.double_talk.rest(Voice(128, 640, 0.9, True, 1.0))
    assert desk.hear(0.9, LOUD) is None
