"""What is refused of a transcript, and what must not be."""

from __future__ import annotations

import math

import numpy as np
import pytest

from assistant.messages import MIC_RATE_HZ, Samples, Transcript
from assistant.models.whisper_guard import Decoded, cut_loop, is_doubtful, is_silence, join, judge, loudest_db

THRESHOLD = 0.6
SENTENCE = "I want a triple shot ice coffee with lots of brown sugar."


def _decoded(text: str, logprob: float = -0.3, no_speech: float = 0.05, capped: bool = False) -> Decoded:
    return Decoded(text, logprob, no_speech, capped)


def _voice(level: float = 0.1) -> Samples:
    """A second that is loud in its middle third only, like a word with pauses around it."""
    samples = np.random.default_rng(0).normal(0, level, MIC_RATE_HZ).astype(np.float32)
    samples[: MIC_RATE_HZ // 3] *= 0.01
    samples[-MIC_RATE_HZ // 3 :] *= 0.01
    return samples


def _steady() -> Samples:
    return np.random.default_rng(0).normal(0, 0.1, MIC_RATE_HZ).astype(np.float32)


def _refused(decoded: Decoded, samples: Samples | None = None, language: str = "en") -> str:
    return judge(decoded, _voice() if samples is None else samples, THRESHOLD, language).refused


@pytest.mark.parametrize(("samples", "level_db"), [(np.zeros(0), -120), (np.zeros(16000), -120), (np.ones(100), -9)])
def test_level_of_any_length(samples: Samples, level_db: float) -> None:
    """Less than 50 ms counts as so much silence around it; digital silence has a level too."""
    assert loudest_db(samples.astype(np.float32)) == pytest.approx(level_db, abs=0.1)


def test_loudest_is_of_50_ms() -> None:
    """A second's click does not drown in its silence."""
    samples = np.zeros(16000, np.float32)
    samples[800:1600] = 0.1
    assert loudest_db(samples) == pytest.approx(-20, abs=0.01)


@pytest.mark.parametrize(
    "decoded",
    [
        # as tiny.en wrote them of white noise, a hum, keys, a beep and digital silence
        _decoded("you", -0.95, 0.92),
        _decoded("you", -0.74, 0.97),
        _decoded("Bye!", -1.40, 0.72),
        _decoded("Thank you.", -1.07, 0.80),
        _decoded("I'm going to go to the next video.", -1.73, 0.76),
        _decoded("you", -0.67, 0.99),
        _decoded("I'm going to go. " * 9, -0.2, 0.86, capped=True),
        # whatever the figures
        _decoded("."),
        _decoded(""),
        _decoded(" ... "),
    ],
)
def test_noise_is_silence(decoded: Decoded) -> None:
    """No words, or words that the model itself does not take for speech."""
    assert _refused(decoded) == "silence"


@pytest.mark.parametrize(
    "decoded",
    [
        # as tiny.en wrote them of recorded words
        _decoded("Stop.", -0.69, 0.06),
        _decoded("1.", -0.57, 0.16),
        _decoded("disabled.", -0.94, 0.03),
        _decoded("Thank you.", -0.64, 0.03),
        _decoded("Goodbye.", -0.86, 0.03),
        _decoded(SENTENCE, -0.2, 0.9),  # sure of its words, however it sounds
    ],
)
def test_words_are_believed(decoded: Decoded) -> None:
    """A single word has a low log-probability and is a word all the same; a user may say thanks."""
    assert _refused(decoded) == ""


def test_a_missing_no_speech_token_does_not_disable_the_guard() -> None:
    """NaN compares false with everything: the log-probability decides, and phrases of silence are refused."""
    assert is_silence(_decoded(SENTENCE, -1.2, math.nan), THRESHOLD)
    assert is_silence(_decoded(SENTENCE, math.nan, math.nan), THRESHOLD)
    assert _refused(_decoded("Thank you.", -0.6, math.nan)) == "invented"
    assert _refused(_decoded(SENTENCE, -0.6, math.nan)) == ""


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Thank you.", "en"),
        ("Thanks for watching!", "en"),
        ("you", "en"),
        ("Bye-bye.", "en"),
        ("Vielen Dank fürs Zuschauen!", "de"),
        ("Abonnez-vous !", "fr"),
        ("ご視聴ありがとうございました。", "ja"),
        ("Thank you.", "de"),
    ],
)
@pytest.mark.parametrize(
    ("no_speech", "logprob", "samples"),
    [(0.4, -0.6, _voice()), (0.0, -1.1, _voice()), (0.0, -0.3, _steady()), (0.0, -0.3, _voice(0.002))],
)
def test_phrases_of_silence_take_little_doubt(
    text: str, language: str, no_speech: float, logprob: float, samples: Samples
) -> None:
    """Doubtful, improbable, of a steady sound or hardly audible: any one is enough, and none means it was said."""
    assert _refused(_decoded(text, logprob, no_speech), samples, language) == "invented"
    assert _refused(_decoded(text), language=language) == ""


@pytest.mark.parametrize(
    "text",
    [
        "[Music]",
        "(upbeat music)",
        "*sighs*",
        "♪ la la la ♪",
        "Subtitles by the Amara.org community",
        "字幕由志愿者提供",
    ],
)
def test_what_nobody_says_is_invented(text: str) -> None:
    """Descriptions of sounds and subtitlers' credits are refused however sure the model is."""
    assert _refused(_decoded(text)) == "invented"


def test_brackets_in_a_sentence_are_none() -> None:
    """Only a text that is nothing else is the description of a sound."""
    assert _refused(_decoded("Play (What's the Story) Morning Glory.")) == ""


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        (f"{SENTENCE} {SENTENCE} {SENTENCE} I want a triple", SENTENCE),
        ("Set a timer for 5 5 5 5 5 5", "Set a timer for 5"),
        ("no no no", "no no no"),
        ("one two three four", "one two three four"),
        ("", ""),
    ],
)
def test_a_loop_is_cut_after_its_first_round(text: str, cut: str) -> None:
    """A phrase said again, or anything said four times; what people say three times stays."""
    assert cut_loop(text) == cut


def test_a_loop_is_cut_or_refused() -> None:
    """A whole phrase is what was said before the loop; a syllable alone is not worth believing."""
    loop = judge(_decoded(f"{SENTENCE} {SENTENCE} {SENTENCE} I want", -0.1, capped=True), _voice(), THRESHOLD, "en")
    assert (loop.text, loop.refused) == (SENTENCE, "")
    assert _refused(_decoded("5 5 5 5 5 5 5 5", -0.1, capped=True)) == "repetition"
    assert _refused(_decoded(" ".join(["ha"] * 60), -0.1)) == "repetition"


def test_repeating_oneself_is_no_loop() -> None:
    """Neither capped nor compressible: what was said twice was said twice."""
    assert judge(_decoded("Stop. Stop. Stop. Stop."), _voice(), THRESHOLD, "en").text == "Stop. Stop. Stop. Stop."


def test_a_fast_speaker_is_no_loop() -> None:
    """Out of tokens without repeating anything: the text stands."""
    assert judge(_decoded(SENTENCE, capped=True), _voice(), THRESHOLD, "en").text == SENTENCE


def test_another_pass_is_for_doubt_only() -> None:
    """Loops and guesses are heard again; silence and sense are not."""
    assert is_doubtful(_decoded(SENTENCE, capped=True), THRESHOLD)
    assert is_doubtful(_decoded(f"{SENTENCE} " * 5), THRESHOLD)
    assert is_doubtful(_decoded(SENTENCE, -1.1), THRESHOLD)
    assert not is_doubtful(_decoded("you", -1.1, 0.9, capped=True), THRESHOLD)
    assert not is_doubtful(_decoded(SENTENCE), THRESHOLD)


def test_windows_are_joined() -> None:
    """Windows without speech leave no trace; scores are weighted by length, doubt is the least of them."""
    one, two = Transcript("One two.", "", -0.2, 0.1), Transcript("Three.", "", -0.6, 0.05)
    joined = join([one, Transcript("you", "silence", -1, 0.9), two])
    assert joined.text == "One two. Three."
    assert (joined.refused, joined.no_speech_prob) == ("", 0.05)
    assert joined.avg_logprob == pytest.approx((-0.2 * 9 - 0.6 * 7) / 16)


def test_scripts_without_spaces_are_joined_without() -> None:
    """A space in the middle of a Japanese sentence would be spoken to the model as one."""
    parts = [Transcript("今日は", language="ja"), Transcript("晴れです。", language="ja")]
    assert join(parts).text == "今日は晴れです。"


def test_all_refused_is_refused() -> None:
    """With the first reason."""
    parts = [Transcript("you", "silence"), Transcript("Thank you.", "invented")]
    assert join(parts).refused == "silence"
