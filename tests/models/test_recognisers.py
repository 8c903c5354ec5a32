"""Parakeet, Moonshine and Qwen3-ASR by the library's own code, with small random weights: it writes nonsense."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from mlx.utils import tree_flatten
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import ByteLevel

from assistant.config import Config
from assistant.errors import InferenceError, ModelError
from assistant.messages import MIC_RATE_HZ, Samples, Step, Transcript, Work
from assistant.models.qwen3_asr import spoken_in
from assistant.models.recogniser import RecogniserTranscriber
from assistant.models.transcribers import load_transcriber

WORDS = ["▁turn", "▁on", "▁the", "▁lamp", "s"]


def _save(folder: Path, config: dict[str, Any], weights: dict[str, mx.array]) -> None:
    (folder / "config.json").write_text(json.dumps(config))
    mx.save_safetensors(str(folder / "model.safetensors"), weights)


def _parakeet(folder: Path) -> None:
    from mlx_audio.stt.models.parakeet.parakeet import Model, ModelConfig

    network = {"pred_hidden": 16, "pred_rnn_layers": 1}
    joint = {"joint_hidden": 16, "activation": "relu", "encoder_hidden": 16, "pred_hidden": 16}
    config = {
        "target": "nemo.collections.asr.models.rnnt_bpe_models.EncDecRNNTBPEModel",
        "model_defaults": {"tdt_durations": [0, 1, 2, 3, 4]},
        "preprocessor": {
            "sample_rate": 16000, "normalize": "per_feature", "window_size": 0.025, "window_stride": 0.01,
            "window": "hann", "features": 16, "n_fft": 512, "dither": 1e-5,
        },
        "encoder": {
            "feat_in": 16, "n_layers": 2, "d_model": 16, "n_heads": 2, "ff_expansion_factor": 2,
            "subsampling_factor": 8, "self_attention_model": "rel_pos", "subsampling": "dw_striding",
            "conv_kernel_size": 9, "subsampling_conv_channels": 8, "pos_emb_max_len": 500,
        },
        "decoder": {"blank_as_pad": True, "vocab_size": len(WORDS), "prednet": network},
        "joint": {
            "num_classes": len(WORDS), "vocabulary": WORDS, "jointnet": joint, "num_extra_outputs": 5,
        },
        "decoding": {"model_type": "tdt", "durations": [0, 1, 2, 3, 4], "greedy": {"max_symbols": 10}},
    }  # fmt: skip
    _save(folder, config, dict(tree_flatten(Model(ModelConfig.from_dict(config)).parameters())))


def _moonshine(folder: Path) -> None:
    from mlx_audio.stt.models.moonshine.moonshine import Model, ModelConfig

    config = {
        "model_type": "moonshine", "vocab_size": len(WORDS) + 3, "hidden_size": 16, "intermediate_size": 32,
        "encoder_num_hidden_layers": 2, "decoder_num_hidden_layers": 2, "encoder_num_attention_heads": 2,
        "decoder_num_attention_heads": 2,
    }  # fmt: skip
    weights = dict(tree_flatten(Model(ModelConfig.from_dict(config)).parameters()))
    # as the hub's files have them: channels before the kernel's width
    torch = {k: v.transpose(0, 2, 1) if "conv" in k and v.ndim == 3 else v for k, v in weights.items()}
    _save(folder, config, {f"model.{name}": weight for name, weight in torch.items()})
    words = ["<unk>", "<s>", "</s>", *WORDS]
    tokenizer = Tokenizer(WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.save(str(folder / "tokenizer.json"))


def _qwen(folder: Path, bits: int | None = None) -> None:
    from mlx_audio.stt.models.qwen3_asr.qwen3_asr import ModelConfig, Qwen3ASRModel

    vocabulary = {character: index for index, character in enumerate(sorted(ByteLevel.alphabet()))}
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|audio_start|>", "<|audio_end|>", "<|audio_pad|>"]
    ids = {token: len(vocabulary) + index for index, token in enumerate([*special, "<asr_text>"])}
    config = {
        "model_type": "qwen3_asr",
        "support_languages": ["English", "German"],
        "thinker_config": {
            "audio_token_id": ids["<|audio_pad|>"],
            "audio_start_token_id": ids["<|audio_start|>"],
            "audio_end_token_id": ids["<|audio_end|>"],
            "audio_config": {
                "num_mel_bins": 32, "encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 32,
                "d_model": 16, "output_dim": 32, "downsample_hidden_size": 8,
            },
            "text_config": {
                "vocab_size": len(vocabulary) + len(ids), "hidden_size": 32, "intermediate_size": 32,
                "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16,
            },
        },
    }  # fmt: skip
    model = Qwen3ASRModel(ModelConfig.from_dict(config))
    if bits is not None:
        config["quantization"] = {"group_size": 32, "bits": bits}
        nn.quantize(model.model, group_size=32, bits=bits)
    _save(folder, config, dict(tree_flatten(model.parameters())))
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    added = {str(index): {"content": token, "special": token != "<asr_text>"} for token, index in ids.items()}
    settings = {"tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|im_end|>", "added_tokens_decoder": added}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


MAKERS: dict[str, Callable[[Path], None]] = {
    "parakeet": _parakeet,
    "moonshine": _moonshine,
    "qwen3-asr": _qwen,
    "qwen3-asr-8bit": partial(_qwen, bits=8),
}


@pytest.fixture(scope="module", params=MAKERS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model's folder, named after nothing that could tell its kind."""
    folder = tmp_path_factory.mktemp("model")
    mx.random.seed(3)
    MAKERS[request.param](folder)
    return folder


@pytest.fixture
def transcriber(folder: Path, config: Config) -> Iterator[RecogniserTranscriber]:
    """Loaded as the assistant loads it."""
    loaded = load_transcriber(folder, config.transcribe)
    assert isinstance(loaded, RecogniserTranscriber)
    yield loaded


def _noise(seconds: float) -> Samples:
    return np.random.default_rng(0).normal(0, 0.05, round(seconds * MIC_RATE_HZ)).astype(np.float32)


def _work(steps: list[Step[Transcript]], kind: str) -> list[float]:
    return [work.amount for step in steps for work in step.work if work.kind == kind]


def test_an_encoder_pass_and_a_step_for_each_token(transcriber: RecogniserTranscriber) -> None:
    """As long as the speech; the one transcript comes last, the same each time."""
    first, again = list(transcriber.transcribe(_noise(3))), list(transcriber.transcribe(_noise(3)))
    assert _work(first, "whisper_encoder") == [3]
    assert len(_work(first, "whisper_token")) > 1
    assert all(len(step.work) == 1 for step in first[:-1])
    assert [len(step.values) for step in first] == [0] * (len(first) - 1) + [1]
    assert first[-1].values == again[-1].values


def test_left_at_any_step_it_is_as_it_was(transcriber: RecogniserTranscriber) -> None:
    """Closed after any number of steps; no stream is held between them."""
    expected = list(transcriber.transcribe(_noise(2)))[-1].values
    before = mx.default_stream(mx.default_device())
    for count in range(4):
        steps = transcriber.transcribe(_noise(3))
        for _ in range(count):
            next(steps)
            assert mx.default_stream(mx.default_device()) == before
        steps.close()
        assert list(transcriber.transcribe(_noise(2)))[-1].values == expected


@pytest.mark.parametrize("seconds", [0.01, 0.3, 40])
def test_of_any_length(transcriber: RecogniserTranscriber, seconds: float) -> None:
    """Less than a frame is heard as a second; more than half a minute in windows."""
    contexts_s = _work(list(transcriber.transcribe(_noise(seconds))), "whisper_encoder")
    assert sum(contexts_s) == pytest.approx(max(seconds, 1))
    assert len(contexts_s) == (2 if seconds > 28 else 1)


def test_silence_costs_nothing(transcriber: RecogniserTranscriber) -> None:
    """No step of the model is taken."""
    (step,) = transcriber.transcribe(np.zeros(MIC_RATE_HZ, np.float32))
    assert (step.work, step.values[0].refused) == ((), "silence")


def test_a_language_that_is_configured_is_the_transcripts(folder: Path, config: Config) -> None:
    """One found out is a code as well."""
    for language, expected in (("de", ("de",)), ("auto", ("en",))):
        settings = config.transcribe.model_copy(update={"language": language})
        (transcript,) = list(load_transcriber(folder, settings).transcribe(_noise(2)))[-1].values
        assert transcript.language in expected


def test_a_missing_weight_is_no_random_one(folder: Path, config: Config, tmp_path: Path) -> None:
    """The library would not say; the folder is named, and the cure."""
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    weights = mx.load(str(folder / "model.safetensors"))
    assert isinstance(weights, dict)
    name = max(weights)
    mx.save_safetensors(str(tmp_path / "model.safetensors"), {key: weights[key] for key in weights if key != name})
    with pytest.raises(ModelError, match=r"is missing\); run: assistant models pull"):
        load_transcriber(tmp_path, config.transcribe)


def test_a_model_that_fails_is_named(config: Config) -> None:
    """In one sentence."""

    class Broken:
        def listen(self, window: Samples, language: str, most_tokens: int) -> Any:
            yield Step((Work("whisper_encoder", 1),))
            raise ValueError("shapes differ")

    with pytest.raises(InferenceError, match="The transcriber broken failed: shapes differ"):
        list(RecogniserTranscriber(Broken(), "broken", config.transcribe).transcribe(_noise(1)))


def test_qwen_tells_the_language(config: Config) -> None:
    """Before its words, unless it was told."""
    assert spoken_in("language German<asr_text>Guten Tag.") == ("de", "Guten Tag.")
    assert spoken_in("language None<asr_text>") == ("en", "")
    assert spoken_in("Guten Tag.") == ("en", "Guten Tag.")
    assert spoken_in("language Cantonese<asr_text>早晨") == ("yue", "早晨")


def test_it_writes_what_the_library_writes(transcriber: RecogniserTranscriber) -> None:
    """Stepped here, or by the model's own loop."""
    recogniser: Any = transcriber._recogniser
    model, samples, cap = recogniser._model, _noise(3), 40
    if hasattr(model, "_generate_single_chunk"):
        written = spoken_in(model._generate_single_chunk(samples, max_tokens=cap, language="English")[0])[1]
    elif hasattr(model, "durations"):
        written = model.generate(mx.array(samples), dtype=mx.float32).text
    else:
        model._tokenizer = recogniser._tokenizer
        written = model.generate(samples, max_tokens=cap).text
    steps = recogniser.listen(samples, "en", cap)
    with pytest.raises(StopIteration) as end:
        while True:
            next(steps)
    decoded, _ = end.value.value
    assert written and decoded.text == written.strip()
