"""The detectors, and the contract's rule for what is voiced."""

from __future__ import annotations

import csv
from itertools import pairwise

import numpy as np
import pytest
from echo_scenes import SPEECH, clip, gained, silence

from assistant.audio import vad
from assistant.audio.onset import CHUNK_SAMPLES, Voice
from assistant.audio.vad import VoiceDetector, voiced_span
from assistant.config import load
from assistant.messages import FRAME_SAMPLES, Samples


def voices(samples: Samples, start: int = 0) -> list[Voice]:
    """What a fresh detector makes of a stream."""
    detector = VoiceDetector(load().vad)
    frames = range(0, len(samples) - FRAME_SAMPLES + 1, FRAME_SAMPLES)
    heard = [detector.process(start + at, samples[at : at + FRAME_SAMPLES]) for at in frames]
    return [voice for voice in heard if voice is not None]


def test_every_sample_is_in_one_chunk_and_in_order() -> None:
    """512 does not divide by 160: nothing may be lost or heard twice."""
    heard = voices(clip("rhasspy3_set_timer"), start=1600)
    assert [voice.start for voice in heard] == [1600 + CHUNK_SAMPLES * index for index in range(len(heard))]
    assert all(voice.end - voice.start == CHUNK_SAMPLES for voice in heard)


def test_speech_is_speech_and_silence_is_not() -> None:
    """Both opinions, inside and outside a command."""
    heard = voices(np.concatenate([silence(1), clip("rhasspy3_turn_on_the_lamp"), silence(1)]))
    inside = [voice for voice in heard if 32_500 <= voice.start <= 46_000]
    outside = [voice for voice in heard if voice.end <= 30_000 or voice.start >= 55_000]
    assert np.mean([voice.speech for voice in inside]) > 0.9
    assert np.mean([voice.agreed for voice in inside]) > 0.9
    assert not any(voice.speech for voice in outside)


def test_hysteresis_keeps_speech_going() -> None:
    """A chunk between the two probabilities is speech after speech, and none after silence."""
    settings = load().vad
    heard = voices(np.concatenate([clip(path.stem) for path in sorted(SPEECH.glob("*.wav"))[:8]]))
    between = [
        (before.speech, voice.speech)
        for before, voice in pairwise(heard)
        if settings.continue_probability <= voice.probability < settings.start_probability
    ]
    assert {True, False} == {before for before, _ in between}
    assert all(before == after for before, after in between)


def test_voiced_span_of_our_recordings() -> None:
    """Checked by eye on the waveforms; energy alone would end play_the_beatles at 1920 ms and set_timer at 3000."""
    expected_ms = {
        "rhasspy3_set_timer": (470, 1910),
        "rhasspy3_play_the_beatles": (740, 1630),
        "mycroft_stop": (0, 520),
    }
    for name, (first, end) in expected_ms.items():
        assert voiced_span(clip(name)) == (first * 16, end * 16), name


def test_voiced_span_does_not_depend_on_the_gain() -> None:
    """All its levels are relative, and Silero hears a whisper."""
    samples = clip("rhasspy3_what_time_is_it")
    span, quiet = voiced_span(samples), voiced_span(gained(samples, -12))
    assert span is not None and quiet is not None
    np.testing.assert_allclose(quiet, span, atol=3 * CHUNK_SAMPLES)


def test_every_recording_has_a_voiced_span_inside_it() -> None:
    """All clips with a transcript."""
    with (SPEECH / "transcripts.tsv").open(encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE) if row["transcript"]]
    names = [row["file"].removesuffix(".wav") for row in rows]
    assert len(names) >= 29
    for name in names:
        span = voiced_span(clip(name))
        assert span is not None and 0 <= span[0] < span[1] <= len(clip(name)), name


def test_silence_and_noise_have_no_voiced_span() -> None:
    """Also the shortest recordings."""
    noise = np.random.default_rng(0).standard_normal(32_000).astype(np.float32) * np.float32(0.05)
    for samples in (silence(1), noise, np.zeros(1, np.float32)):
        assert voiced_span(samples) is None


@pytest.mark.parametrize("name", ["rhasspy3_turn_on_the_lamp", "mycroft_stop", "pico_6440344c"])
def test_silero_dozes_in_silence_and_hears_the_words_that_end_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked of it while webrtcvad hears nothing; of what is said then it says what it would have said."""
    room = np.random.default_rng(0).normal(0, 1e-3, 16_000 * 10).astype(np.float32)
    said = np.concatenate([room, clip(name) + room[: len(clip(name))]])
    dozing = voices(said)
    monkeypatch.setattr(vad, "DOZES_AFTER_CHUNKS", 10**9)
    awake = voices(said)
    quiet = [voice.probability for voice in dozing if 16_000 * 2 < voice.end < 16_000 * 10]
    assert quiet.count(0.0) > len(quiet) / 2
    spoken = [(a.speech, b.speech) for a, b in zip(dozing, awake, strict=True) if a.start >= 16_000 * 10]
    assert sum(b for _, b in spoken) > 10
    assert sum(a != b for a, b in spoken) <= 2
