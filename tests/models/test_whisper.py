"""Whisper on real sounds: steps that can be left at any time, and what is refused of what it hears."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from recordings import TESTS, transcribe, word_error_rate

from assistant.audio.wav import read_wav
from assistant.config import Config
from assistant.errors import ConfigError, InferenceError, ModelError
from assistant.messages import MIC_RATE_HZ, Samples, Step, Transcript, Work
from assistant.models.lock import local_folder
from assistant.models.whisper import WhisperTranscriber

pytestmark = pytest.mark.models

LAMP = "Turn on the lamp."
JFK = "And so, my fellow Americans: ask not what your country can do for you, ask what you can do for your country."
DOG = "The child almost hurt the small dog."


@pytest.fixture(scope="module")
def folder() -> Path:
    return local_folder("whisper-tiny.en")


@pytest.fixture
def whisper(folder: Path, config: Config) -> WhisperTranscriber:
    return WhisperTranscriber(folder, config.transcribe)


def _speech(name: str) -> Samples:
    return read_wav(TESTS / "speech" / f"{name}.wav")


def _heard(whisper: WhisperTranscriber, samples: Samples) -> Transcript:
    return transcribe(whisper, samples)


def _work(steps: list[Step[Transcript]], kind: str) -> list[float]:
    return [work.amount for step in steps for work in step.work if work.kind == kind]


def _noise(rms_db: float, seconds: float) -> Samples:
    noise = np.random.default_rng(0).normal(0, 1, round(seconds * MIC_RATE_HZ))
    return (noise * 10 ** (rms_db / 20)).astype(np.float32)


def _contexts_s(steps: list[Step[Transcript]]) -> list[float]:
    """Seconds of context of each encoder pass, of which each quarter is a step of its own."""
    amounts = _work(steps, "whisper_encoder")
    return [sum(amounts[first : first + 4]) for first in range(0, len(amounts), 4)]


def test_steps_for_the_encoder_and_for_each_token(whisper: WhisperTranscriber) -> None:
    """The transcript comes with the last step and with no other."""
    steps = list(whisper.transcribe(_speech("rhasspy3_turn_on_the_lamp")))
    assert _work(steps, "whisper_encoder") == [2.5] * 4
    assert 6 <= sum(_work(steps, "whisper_token")) <= 12
    assert all(len(step.work) == 1 for step in steps[:-1])
    assert [len(step.values) for step in steps] == [0] * (len(steps) - 1) + [1]
    assert word_error_rate([LAMP], [steps[-1].values[0].text]) == 0


def test_it_repeats_and_is_left_as_it_was(whisper: WhisperTranscriber) -> None:
    """Closed after any number of steps, it transcribes the next as if nothing had been."""
    samples = _speech("rhasspy3_turn_on_the_lamp")
    expected = _heard(whisper, samples)
    for count in range(8):
        steps = whisper.transcribe(_speech("jfk"))
        for _ in range(count):
            next(steps)
        steps.close()
        assert _heard(whisper, samples) == expected


def test_no_stream_is_held_between_steps(whisper: WhisperTranscriber) -> None:
    """Other models work on this thread meanwhile."""
    before = mx.default_stream(mx.default_device())
    steps = whisper.transcribe(_speech("rhasspy3_turn_on_the_lamp"))
    for _ in range(3):
        next(steps)
        assert mx.default_stream(mx.default_device()) == before
    steps.close()


def test_context_follows_the_configuration(folder: Path, config: Config) -> None:
    """Full: 30 s for the shortest command."""
    whisper = WhisperTranscriber(folder, config.transcribe.model_copy(update={"context": "full"}))
    steps = list(whisper.transcribe(_speech("rhasspy3_turn_on_the_lamp")))
    assert _contexts_s(steps) == [30]
    assert word_error_rate([LAMP], [steps[-1].values[0].text]) == 0


def test_a_loop_is_heard_again_with_the_full_context(whisper: WhisperTranscriber) -> None:
    """In 10 s of context this recording becomes the same sentence five times over."""
    steps = list(whisper.transcribe(_speech("pico_e12e9e60")))
    assert _contexts_s(steps) == [10, 30]
    assert steps[-1].values[0].text.count("triple shot") == 1


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(16000), np.full(1000, np.nan), np.full(1600, 1e-5)])
def test_digital_silence_costs_nothing(whisper: WhisperTranscriber, samples: Samples) -> None:
    """No samples, zeros, no numbers, next to nothing: no step of the model is taken."""
    (step,) = whisper.transcribe(samples.astype(np.float32))
    assert step.work == ()
    assert step.values[0].refused == "silence"


@pytest.mark.parametrize("seconds", [0.01, 0.09, 1, 12])
@pytest.mark.parametrize("rms_db", [-50, -30])
def test_noise_is_refused(whisper: WhisperTranscriber, seconds: float, rms_db: float) -> None:
    """Of any length and level; silence is not listened to twice."""
    steps = list(whisper.transcribe(_noise(rms_db, seconds)))
    assert steps[-1].values[0].refused in ("silence", "invented")
    assert len(_contexts_s(steps)) == 1


def test_speech_survives_noise(whisper: WhisperTranscriber) -> None:
    """At 15 dB the guard must not take speech for silence."""
    samples = _speech("jfk")
    transcript = _heard(whisper, samples + _noise(-38, len(samples) / MIC_RATE_HZ))
    assert not transcript.refused
    assert "your country" in transcript.text


def test_ten_minutes(whisper: WhisperTranscriber) -> None:
    """Speech at the beginning, in the middle and at the end of a long silence: three windows are listened to."""
    samples = np.zeros(600 * MIC_RATE_HZ, np.float32)
    speech = _speech("jfk")
    for start in (0, 300 * MIC_RATE_HZ, len(samples) - len(speech)):
        samples[start : start + len(speech)] = speech
    steps = list(whisper.transcribe(samples))
    assert 3 <= len(_contexts_s(steps)) <= 5
    assert word_error_rate([f"{JFK} " * 3], [steps[-1].values[0].text]) <= 0.02


def test_longer_than_a_window(whisper: WhisperTranscriber) -> None:
    """Half a minute of speech loses and doubles nothing where it is cut."""
    speech = [_speech("jfk"), _speech("sb_spk1_snt1"), _speech("jfk"), _speech("sb_spk1_snt3"), _speech("sb_spk1_snt1")]
    steps = list(whisper.transcribe(np.concatenate(speech)))
    expected = [JFK, DOG, JFK, "At that high level the air is pure.", DOG]
    assert _contexts_s(steps) == [30, 10]
    assert word_error_rate([" ".join(expected)], [steps[-1].values[0].text]) <= 0.04


def _tiny(folder: Path, longest_text: int) -> None:
    """A multilingual model of random weights."""
    from mlx_whisper.whisper import ModelDimensions, Whisper  # only once assistant.models.whisper stands in for numba

    sizes = {"n_mels": 80, "n_audio_ctx": 1500, "n_audio_state": 16, "n_audio_head": 2, "n_audio_layer": 1}
    sizes |= {"n_vocab": 51865, "n_text_ctx": longest_text, "n_text_state": 16, "n_text_head": 2, "n_text_layer": 1}
    mx.random.seed(0)
    Whisper(ModelDimensions(**sizes)).save_weights(str(folder / "weights.safetensors"))
    (folder / "config.json").write_text(json.dumps(sizes))


def test_a_language_is_found_once(config: Config, tmp_path: Path) -> None:
    """A multilingual model is asked at the first window; the answer holds for the rest."""
    _tiny(tmp_path, longest_text=448)
    settings = config.transcribe.model_copy(update={"language": "auto", "tokens_per_s": 1.0})
    found, fixed = (
        list(WhisperTranscriber(tmp_path, settings.model_copy(update=more)).transcribe(_noise(-30, 30)))
        for more in ({}, {"language": "de"})
    )
    assert len(_work(found, "whisper_encoder")) == 2
    assert found[1].work == (Work("whisper_token", 1),)
    assert len(found[-1].values[0].language) in (2, 3)
    assert fixed[-1].values[0].language == "de"


def test_the_language_of_the_talk_is_asked_for_again_only_in_doubt(config: Config, tmp_path: Path) -> None:
    """Random weights are never sure of their words; a language that is configured is not asked for at all."""
    _tiny(tmp_path, longest_text=448)
    settings = config.transcribe.model_copy(update={"language": "auto", "tokens_per_s": 1.0, "context": "full"})
    found, told, fixed = (
        list(WhisperTranscriber(tmp_path, settings.model_copy(update=more)).transcribe(_noise(-30, 3), language))
        for more, language in (({}, ""), ({}, "de"), ({"language": "fr"}, "de"))
    )
    assert [steps[-1].values[0].language for steps in (told, fixed)] == [found[-1].values[0].language, "fr"]
    assert len(_work(told, "whisper_token")) == len(_work(found, "whisper_token")) + len(_work(fixed, "whisper_token"))


def test_a_model_that_fails(config: Config, tmp_path: Path) -> None:
    """It is named, in one sentence."""
    _tiny(tmp_path, longest_text=4)
    with pytest.raises(InferenceError, match=f"The transcriber {tmp_path.name} failed"):
        _heard(WhisperTranscriber(tmp_path, config.transcribe), _noise(-30, 3))


def test_auto_is_english_for_an_english_model(folder: Path, config: Config) -> None:
    """There is nothing to detect, and it is said so."""
    whisper = WhisperTranscriber(folder, config.transcribe.model_copy(update={"language": "auto"}))
    transcript = _heard(whisper, _speech("rhasspy3_turn_on_the_lamp"))
    assert (transcript.language, transcript.refused) == ("en", "")


@pytest.mark.parametrize(
    ("language", "says"),
    [("de", "understands English only"), ("xx", "no language 'xx'"), ("german", "did you mean de?")],
)
def test_a_language_it_does_not_know(folder: Path, config: Config, language: str, says: str) -> None:
    """One sentence, before anything is transcribed into nonsense."""
    with pytest.raises(ConfigError, match=says):
        WhisperTranscriber(folder, config.transcribe.model_copy(update={"language": language}))


def test_a_damaged_folder(folder: Path, config: Config, tmp_path: Path) -> None:
    """Missing, empty, half copied: the folder is named, and the cure."""
    half = tmp_path / "half"
    half.mkdir()
    shutil.copy(folder / "config.json", half)
    (half / "weights.safetensors").write_bytes(b"half")
    for broken in (tmp_path / "none", tmp_path, half):
        with pytest.raises(ModelError, match="assistant models pull"):
            WhisperTranscriber(broken, config.transcribe)
