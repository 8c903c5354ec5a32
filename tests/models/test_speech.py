"""Kokoro: word times, trimmed silence, the same sound every time."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
from mlx_audio.tts import load

from assistant.config import Config, Speech
from assistant.errors import ModelError
from assistant.messages import Fragment, SpeechAudio, SpokenWord
from assistant.models import kokoro_cpu, lock
from assistant.models.speech import KokoroSynthesizer, plan

SENTENCE = "Good morning, it is half past nine."


def fragment(text: str) -> Fragment:
    """A text cut at spaces, with its spans."""
    words, position = [], 0
    for word in text.split():
        bare = word.rstrip(",.?!")
        words.append(SpokenWord(bare, position, position + len(bare), word[len(bare) :]))
        position += len(word) + 1
    return Fragment(tuple(words), 0, len(text), True)


def synthesizer(speech_config: Speech, **changes: object) -> KokoroSynthesizer:
    """The small voice, with changed settings."""
    return KokoroSynthesizer(lock.local_folder("kokoro-82m"), speech_config.model_copy(update=changes), seed=0)


def spoken(voice: KokoroSynthesizer, text: str) -> SpeechAudio:
    """The one sound of a text."""
    (audio,) = [audio for step in voice.synthesize(fragment(text)) for audio in step.values]
    return audio


@pytest.fixture(scope="module")
def voice() -> KokoroSynthesizer:
    """The default voice."""
    from assistant import config

    return synthesizer(config.load("small").speech)


@pytest.mark.models
def test_word_times_are_in_order_and_inside(voice: KokoroSynthesizer) -> None:
    """Every word has its time and the end of its written form, none overlaps the next."""
    audio = spoken(voice, SENTENCE)
    times = [time for word in audio.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert times[0] >= 0 and times[-1] <= len(audio.samples)
    assert all(word.end - word.start >= 0.02 * voice.rate_hz for word in audio.words)
    assert [word.written_end for word in audio.words] == [word.end for word in audio.fragment.words]


@pytest.mark.models
def test_word_times_follow_the_sound(voice: KokoroSynthesizer) -> None:
    """After a pause a word begins with its first sound, to within 50 ms."""
    audio = spoken(voice, "Go, go.")
    second = audio.words[1]
    loud = np.flatnonzero(np.abs(audio.samples) > 0.03)
    pause = int(np.argmax(np.diff(loud)))
    assert loud[pause + 1] - loud[pause] > 0.02 * voice.rate_hz
    assert abs(int(loud[pause + 1]) - second.start) < 0.05 * voice.rate_hz


@pytest.mark.models
def test_silence_is_trimmed_and_joins_are_soft(voice: KokoroSynthesizer) -> None:
    """Under 30 ms before and after, starting and ending at nothing."""
    audio = spoken(voice, SENTENCE)
    loud = np.flatnonzero(np.abs(audio.samples) > 0.003)
    allowed = 0.03 * voice.rate_hz
    assert loud[0] < allowed and len(audio.samples) - loud[-1] < allowed
    assert audio.samples[0] == audio.samples[-1] == 0
    assert 0.2 < np.abs(audio.samples).max() < 0.95


@pytest.mark.models
def test_the_same_fragment_gives_the_same_samples(voice: KokoroSynthesizer) -> None:
    """Whatever was drawn in between, and nobody else's draws are disturbed."""
    mx.random.seed(7)
    expected_draw = mx.random.normal((3,)).tolist()
    first = spoken(voice, "Yes.")
    mx.random.seed(7)
    spoken(voice, "No.")
    assert mx.random.normal((3,)).tolist() == expected_draw
    assert np.array_equal(spoken(voice, "Yes.").samples, first.samples)


@pytest.mark.models
def test_speed_shortens(voice: KokoroSynthesizer, config: Config) -> None:
    """1.5 times as fast is about two thirds as long."""
    fast = spoken(synthesizer(config.speech, speed=1.5), SENTENCE)
    ratio = len(spoken(voice, SENTENCE).samples) / len(fast.samples)
    assert 1.3 < ratio < 1.7


@pytest.mark.models
def test_nothing_to_say_gives_no_samples(voice: KokoroSynthesizer) -> None:
    """No words, or none this voice can read; each has a time all the same."""
    for text in ("", "你好 再见。"):
        audio = spoken(voice, text)
        assert audio.samples.shape == (0,)
        assert [(word.start, word.end) for word in audio.words] == [(0, 0)] * len(audio.fragment.words)


@pytest.mark.models
def test_a_fragment_too_long_for_one_call_is_spoken_in_steps(
    voice: KokoroSynthesizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One step a passage; times go on across the border."""
    monkeypatch.setattr("assistant.models.speech._MOST_PHONEMES", 12)
    steps = list(voice.synthesize(fragment("One moment please.")))
    (audio,) = steps[-1].values
    assert len(steps) == 3 and not steps[0].values and all(step.work[0].kind == "voice" for step in steps)
    one, moment, please = audio.words
    assert one.end < moment.start < moment.end < please.start < please.end <= len(audio.samples)


@pytest.mark.models
def test_an_unknown_voice_is_refused(config: Config) -> None:
    """Before the model is loaded, with the nearest name."""
    with pytest.raises(ModelError, match="did you mean af_heart"):
        synthesizer(config.speech, voice="af_hart")


@pytest.mark.models
def test_folding_changes_nothing(voice: KokoroSynthesizer) -> None:
    """The decoder's fast blocks compute what mlx-audio's do, on a style and features of a real voice."""
    slow = load(lock.local_folder("kokoro-82m"))
    fast = load(lock.local_folder("kokoro-82m"))
    kokoro_cpu.fold(fast)
    mx.random.seed(0)
    style = voice._pack[20][:, :128]
    generator = {"slow": slow.decoder.generator, "fast": fast.decoder.generator}
    x = mx.random.normal((1, 256, 60))
    blocks = {name: model.resblocks[1](x, style) for name, model in generator.items()}
    scale = float(mx.abs(blocks["slow"]).max())
    assert float(mx.abs(blocks["slow"] - blocks["fast"]).max()) < 1e-5 * scale
    features = mx.random.normal((1, 514, 40))
    encoded = {name: model.decoder.encode(features, style) for name, model in (("slow", slow), ("fast", fast))}
    assert float(mx.abs(encoded["slow"] - encoded["fast"]).max()) < 1e-4


def test_passages_are_short_enough_for_kokoro() -> None:
    """At most 510 symbols, spans that hold each word's phonemes, unknown symbols dropped, marks kept."""
    words = [SpokenWord(str(index), index, index + 1, "," if index % 7 == 0 else "") for index in range(200)]
    passages = plan(words, ["abcdeX"] * 200, "abcde ,")
    assert all(0 < len(passage.phonemes) <= 510 for passage in passages)
    assert [word for passage in passages for word, _, _ in passage.words] == words
    assert all(passage.phonemes[first:last] == "abcde" for passage in passages for _, first, last in passage.words)
    assert passages[0].phonemes.startswith("abcde, abcde abcde")


def test_a_word_longer_than_kokoro_reads_is_cut() -> None:
    """It would end in an assertion of the model."""
    (passage,) = plan([SpokenWord("x", 0, 1, ".")], ["a" * 2000], "a.")
    assert len(passage.phonemes) <= 510


def test_silent_words_have_no_length() -> None:
    """They keep their place among the others; a fragment of them alone has no passage."""
    words = [SpokenWord("a", 0, 1), SpokenWord("你", 1, 2, "."), SpokenWord("b", 2, 3)]
    (passage,) = plan(words, ["a", "", "b"], "ab .")
    assert passage.phonemes == "a. b"
    assert [(first, last) for _, first, last in passage.words] == [(0, 1), (1, 1), (3, 4)]
    assert plan(words[1:2], [""], "ab .") == []
