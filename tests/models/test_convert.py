"""The conversions: names, shapes and values by small made-up models, the real ones by the sha256 in models.lock."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import numpy.typing as npt
import pytest

from assistant import config
from assistant.errors import PullError
from assistant.models.convert import convert
from assistant.models.convert.kokoro import _module, _norms
from assistant.models.convert.llama import _unpermute
from assistant.models.lock import chosen, find
from assistant.models.pull import pull
from assistant.models.store import Store

Variables = dict[str, npt.NDArray[Any]]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


def interleave(weight: npt.NDArray[Any], heads: int) -> npt.NDArray[Any]:
    """llama.cpp's `permute`, as in its convert_hf_to_gguf.py."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def test_llamas_rotary_rows_are_put_back() -> None:
    """The inverse of what llama.cpp does when it writes the file."""
    weight = np.arange(48, dtype=np.float32).reshape(12, 4)
    np.testing.assert_array_equal(_unpermute(interleave(weight, 3), 3), weight)


def llama_source(folder: Path, architecture: str = "llama", extra: str = "") -> tuple[Path, Variables]:
    """A GGUF file of one layer, with a vocabulary of the 256 bytes, one merge and two special tokens."""
    from tokenizers.pre_tokenizers import ByteLevel

    random = np.random.default_rng(0)
    hidden, inner, heads, kv_heads = 8, 12, 2, 1
    tokens = ["<|im_start|>", "<|im_end|>", *sorted(ByteLevel.alphabet()), "hi"]
    shapes = {
        "token_embd": (len(tokens), hidden),
        "output_norm": (hidden,),
        "blk.0.attn_q": (hidden, hidden),
        "blk.0.attn_k": (hidden // 2, hidden),
        "blk.0.attn_v": (hidden // 2, hidden),
        "blk.0.attn_output": (hidden, hidden),
        "blk.0.ffn_gate": (inner, hidden),
        "blk.0.ffn_up": (inner, hidden),
        "blk.0.ffn_down": (hidden, inner),
        "blk.0.attn_norm": (hidden,),
        "blk.0.ffn_norm": (hidden,),
    } | ({extra: (1,)} if extra else {})
    weights = {name: random.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    numbers = {
        "llama.embedding_length": hidden,
        "llama.feed_forward_length": inner,
        "llama.block_count": 1,
        "llama.attention.head_count": heads,
        "llama.attention.head_count_kv": kv_heads,
        "llama.rope.dimension_count": hidden // heads,
        "llama.context_length": 64,
        "tokenizer.ggml.bos_token_id": 0,
        "tokenizer.ggml.eos_token_id": 1,
        "tokenizer.ggml.padding_token_id": 1,
        "tokenizer.ggml.unknown_token_id": 0,
    }
    metadata: dict[str, Any] = {
        "general.architecture": architecture,
        "llama.attention.layer_norm_rms_epsilon": mx.array(1e-5, mx.float32),
        "llama.rope.freq_base": mx.array(10000.0, mx.float32),
        "tokenizer.ggml.pre": "smollm",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": mx.array([3, 3] + [1] * (len(tokens) - 2), mx.int32),
        "tokenizer.ggml.merges": ["h i"],
        "tokenizer.chat_template": "{% for m in messages %}{{ m.content }}{% endfor %}",
        **{name: mx.array(value, mx.uint32) for name, value in numbers.items()},
    }
    folder.mkdir()
    mx.save_gguf(str(folder / "tiny.gguf"), {f"{name}.weight": mx.array(w) for name, w in weights.items()}, metadata)
    return folder, weights


def test_llama_loads_with_its_tokenizer(tmp_path: Path, target: Path) -> None:
    """mlx-lm itself takes the folder; text comes back from its tokens."""
    import mlx_lm

    source, weights = llama_source(tmp_path / "source")
    convert("llama-from-gguf", source, target)
    model, tokenizer = mlx_lm.load(str(target))[:2]
    assert tokenizer.decode(tokenizer.encode("hi, 42 wörld")) == "hi, 42 wörld"
    assert len(tokenizer.encode("hi")) == 1
    assert len(tokenizer.encode("42")) == 2
    assert tokenizer.encode("<|im_end|>") == [1]
    np.testing.assert_array_equal(
        np.array(model.model.layers[0].self_attn.k_proj.weight), _unpermute(weights["blk.0.attn_k"], 1)
    )
    assert model(mx.array([[1, 2, 3]])).shape == (1, 3, len(weights["token_embd"]))


def test_another_architecture_is_refused(tmp_path: Path, target: Path) -> None:
    source, _ = llama_source(tmp_path / "source", architecture="mamba")
    with pytest.raises(PullError, match=r"tiny\.gguf is of architecture 'mamba'"):
        convert("llama-from-gguf", source, target)


def test_a_tensor_nobody_knows_is_refused(tmp_path: Path, target: Path) -> None:
    source, _ = llama_source(tmp_path / "source", extra="blk.0.attn_sinks")
    with pytest.raises(PullError, match=r"blk\.0\.attn_sinks"):
        convert("llama-from-gguf", source, target)


def test_packages_without_the_model_are_refused(tmp_path: Path, target: Path) -> None:
    """What is missing is named."""
    with pytest.raises(PullError, match=r"hold 0 files \*\.gguf where one is expected"):
        convert("llama-from-gguf", tmp_path, target)


def test_a_library_that_is_not_installed_is_said_with_the_line_that_installs_it(
    tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(PullError, match=r"needs the Python package onnx; in the clone run: uv pip install"):
        convert("kokoro-from-onnx", tmp_path, target)


@pytest.mark.parametrize(
    ("node", "module"),
    [
        ("/decoder/decoder/generator/resblocks.4/convs1.0/Conv_quant", "decoder.generator.resblocks.4.convs1.0"),
        ("/decoder/decoder/asr_res/asr_res.0/Conv_quant", "decoder.asr_res.0"),
        ("/encoder/text_encoder/cnn.0/cnn.0.0/Conv_quant", "text_encoder.cnn.0.0"),
        ("/encoder/F0.1/norm1/fc/Gemm_MatMul_quant", "predictor.F0.1.norm1.fc"),
        ("/encoder/predictor/text_encoder/lstms.3/fc/Gemm_MatMul_quant", "predictor.text_encoder.lstms.3.fc"),
        ("/encoder/bert_encoder/Gemm_MatMul_quant", "bert_encoder"),
        (
            "/encoder/bert/encoder/albert_layer_groups.0/albert_layers.0/attention/query_11/MatMul_quant",
            "bert.encoder.albert_layer_groups.0.albert_layers.0.attention.query",
        ),
    ],
)
def test_kokoros_nodes_name_the_checkpoints_modules(node: str, module: str) -> None:
    assert _module(node) == module


def test_the_norm_of_a_weight_is_that_of_each_output() -> None:
    """Shape (N, 1, 1); 3 and 4 make 5."""
    norms = _norms(np.array([[[3.0], [4.0]], [[0.0], [2.0]]], np.float32))
    np.testing.assert_array_equal(norms, np.array([[[5.0]], [[2.0]]], np.float32))


_PULLED = [*(entry.name for entry in chosen(config.load("small").models).values()), "smart-turn-v3"]


@pytest.mark.models
@pytest.mark.parametrize("name", _PULLED)
def test_the_packages_yield_what_models_lock_says(name: str, tmp_path: Path) -> None:
    """Every file of the models of the tests, to the byte, from the archives of the store (downloaded if need be)."""
    here = Store()
    here.downloads.mkdir(parents=True, exist_ok=True)
    store = Store(tmp_path)
    store.downloads.symlink_to(here.downloads)
    assert pull(find(name), store, lambda progress: None)
    assert all(check.good for check in store.verify(find(name)))
