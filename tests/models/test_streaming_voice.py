"""Voices that give sound while they speak: on a Pocket of random weights, and on a hand-written model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten
from mlx_audio.tts.models.pocket_tts import Model
from talks import Talk
from tokenizers import Tokenizer, models, pre_tokenizers

from assistant.config import load
from assistant.errors import ModelError
from assistant.messages import Fragment, SpeechAudio, SpokenWord
from assistant.models import streaming_voice
from assistant.models.streaming_voice import StreamingSynthesizer
from assistant.models.voices import streams

RATE_HZ = 1000
POCKET: dict[str, Any] = {
    "model_type": "pocket_tts",
    "eos_threshold": 1e9,
    "flow_lm": {
        "d_model": 8, "num_heads": 2, "num_layers": 1, "dim_feedforward": 24, "max_period": 10000, "n_bins": 4,
        "lut_dim": 8, "flow_dim": 8, "flow_depth": 1, "ldim": 4,
    },
    "mimi": {
        "channels": 1, "sample_rate": 160, "frame_rate": 20, "dimension": 8, "quantizer_dimension": 4,
        "quantizer_output_dimension": 8, "n_filters": 2, "n_residual_layers": 1, "ratios": [2], "kernel_size": 3,
        "last_kernel_size": 3, "residual_kernel_size": 3, "dilation_base": 2, "compress": 2, "transformer_d_model": 8,
        "transformer_num_heads": 2, "transformer_num_layers": 1, "transformer_layer_scale": 0.01,
        "transformer_context": 16, "transformer_max_period": 10000, "transformer_dim_feedforward": 16,
        "encoder_enabled": True,
    },
}  # fmt: skip
"""As small as the architecture allows; what it says is noise."""


def fragment(text: str) -> Fragment:
    words, at = [], 0
    for word in text.split():
        bare = word.rstrip(",.")
        words.append(SpokenWord(bare, at, at + len(bare), word[len(bare) :]))
        at += len(word) + 1
    return Fragment(tuple(words), 0, at, True)


def spoken(voice: StreamingSynthesizer, text: str) -> list[SpeechAudio]:
    return [audio for step in voice.synthesize(fragment(text)) for audio in step.values]


@pytest.fixture(scope="module")
def pocket_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model's folder, as `assistant models pull` would leave one."""
    folder = tmp_path_factory.mktemp("pocket")
    tokens = Tokenizer(models.WordLevel({"[UNK]": 0, "One": 1, "two": 2, ".": 3}, unk_token="[UNK]"))
    tokens.pre_tokenizer = pre_tokenizers.Whitespace()
    tokens.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps(POCKET))
    mx.random.seed(3)
    model = Model({**POCKET, "model_path": str(folder)})
    mx.save_safetensors(str(folder / "model.safetensors"), dict(tree_flatten(model.parameters())))
    (folder / "voices").mkdir()
    prompt = mx.random.normal((1, 3, 8))
    mx.save_safetensors(str(folder / "voices" / "anna.safetensors"), {"audio_prompt": prompt})
    return folder


@pytest.fixture(scope="module")
def pocket(pocket_folder: Path) -> StreamingSynthesizer:
    return StreamingSynthesizer(pocket_folder, load("small").speech.model_copy(update={"voice": "anna"}), seed=0)


def test_pocket_speaks_in_pieces(pocket: StreamingSynthesizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step each, with work; all words are in them, once, in order."""
    monkeypatch.setattr(streaming_voice, "_SILENCE", 0.0)  # what random weights say is hardly louder
    steps = list(pocket.synthesize(fragment("One two one two.")))
    pieces = [audio for step in steps for audio in step.values]
    assert len(pieces) > 1
    assert [step.work[0].kind for step in steps if step.work][:2] == ["voice", "voice_more"]
    assert [word.text for piece in pieces for word in piece.fragment.words] == ["One", "two", "one", "two"]
    assert all(piece.samples.dtype == np.float32 and np.isfinite(piece.samples).all() for piece in pieces)


def test_what_pocket_draws_is_its_own(pocket: StreamingSynthesizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same text sounds the same whatever others draw between its steps, and they draw as if it had not."""
    monkeypatch.setattr(streaming_voice, "_SILENCE", 0.0)
    undisturbed = [audio.samples for audio in spoken(pocket, "One two.")]
    mx.random.seed(5)
    expected = [mx.random.normal((2,)).tolist() for _ in range(3)]
    mx.random.seed(5)
    pieces, drawn = [], []
    for step in pocket.synthesize(fragment("One two.")):
        pieces += [audio.samples for audio in step.values]
        drawn.append(mx.random.normal((2,)).tolist())
    assert all(np.array_equal(one, other) for one, other in zip(undisturbed, pieces, strict=True))
    assert drawn[:3] == expected[: len(drawn[:3])]
    assert len(drawn) >= 2


def test_a_voice_that_pocket_lacks_is_refused(pocket_folder: Path) -> None:
    """mlx-audio would look for it on the hub."""
    with pytest.raises(ModelError, match="no voice 'ana'; did you mean anna"):
        StreamingSynthesizer(pocket_folder, load("small").speech.model_copy(update={"voice": "ana"}), seed=0)


def test_the_kind_is_read_from_the_folder(pocket_folder: Path, tmp_path: Path) -> None:
    assert streams(pocket_folder) and not streams(tmp_path)


@dataclass
class Result:
    """As mlx_audio's GenerationResult, as far as it is read."""

    audio: mx.array
    is_final_chunk: bool


class Speaker:
    """Speaks half a second a piece, as mlx-audio's streaming voices are called; the first begins with silence."""

    sample_rate = RATE_HZ

    def __init__(self, pieces: int, tells_the_last: bool) -> None:
        self._pieces, self._tells = pieces, tells_the_last
        self.closed = False

    def get_supported_speakers(self) -> list[str]:
        return ["vivian"]

    def generate(
        self, text: str, voice: str, stream: bool, streaming_interval: float, verbose: bool
    ) -> Iterator[Result]:
        assert stream and voice == "vivian" and not verbose
        count = round(streaming_interval * RATE_HZ)
        try:
            for index in range(self._pieces):
                silence = 200 if index == 0 else 0
                audio = mx.concatenate([mx.zeros(silence), mx.full(count - silence, 0.1)])
                yield Result(audio, self._tells and index == self._pieces - 1)
        finally:
            self.closed = True


def hand_written(monkeypatch: pytest.MonkeyPatch, model: Speaker) -> StreamingSynthesizer:
    monkeypatch.setattr(streaming_voice, "load", lambda _: model)
    monkeypatch.setattr("assistant.models.cpu.evaluate", lambda _: None)
    monkeypatch.setattr("assistant.models.cpu.to_float32", lambda _: None)
    return StreamingSynthesizer(Path("."), load("small").speech.model_copy(update={"voice": "vivian"}), seed=0)


@pytest.mark.parametrize("tells_the_last", [True, False])
def test_words_are_dealt_out_as_they_begin(monkeypatch: pytest.MonkeyPatch, tells_the_last: bool) -> None:
    """Times are in order and inside their piece; silence at the head is dropped; no word is lost."""
    voice = hand_written(monkeypatch, Speaker(3, tells_the_last))
    pieces = spoken(voice, "One two, three four five six seven.")
    assert len(pieces[0].samples) == 310
    assert [
        word.text for piece in pieces for word in piece.fragment.words
    ] == "One two three four five six seven".split()
    for piece in pieces:
        times = [time for word in piece.words for time in (word.start, word.end)]
        assert times == sorted(times) and (not times or times[-1] <= len(piece.samples))
    spans = [(piece.fragment.start, piece.fragment.end) for piece in pieces]
    assert spans[0][0] == 0 and all(a[1] <= b[0] + 1 for a, b in pairwise(spans))
    assert [piece.fragment.ends_sentence for piece in pieces] == [False] * (len(pieces) - 1) + [True]


def test_an_abandoned_fragment_ends_the_model_s_own_work(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Speaker(9, True)
    steps = hand_written(monkeypatch, model).synthesize(fragment("One two three."))
    next(steps)
    steps.close()
    assert model.closed


def test_a_talk_hears_the_first_piece_while_the_others_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """No gap between the pieces of a fragment; an interruption keeps the words of the pieces that were heard."""
    talk = Talk(["One two three four five six seven eight nine ten."], ["simulation.costs.voice_ms_per_s=400"])
    talk.synthesizer = hand_written(monkeypatch, Speaker(6, True))  # type: ignore[assignment]
    talk.types(1.0, "count")
    talk.types(2.9, "stop it")
    talk.run(4)
    first = talk.turns[0]
    assert first.first_fragment_s is not None and first.first_sentence_s is not None
    assert first.first_fragment_s - first.first_sentence_s < 0.3  # half a second of sound, not all of the fragment
    assert first.state == "cut"
    assert first.reply_heard and first.reply.startswith(first.reply_heard)
    assert len(first.sounded) == 1
