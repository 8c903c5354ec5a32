"""The conversions: names, shapes and values by small made-up models, the real ones by the sha256 in models.lock."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import load_file

from assistant import config
from assistant.errors import PullError
from assistant.models.convert import convert
from assistant.models.convert.kokoro import _module, _norms
from assistant.models.convert.llama import _unpermute
from assistant.models.convert.whisper import read_variables
from assistant.models.lock import chosen, find
from assistant.models.pull import pull
from assistant.models.store import Store

STATE, LAYERS, MELS, VOCABULARY = 8, 1, 4, 11
AUDIO_CONTEXT, TEXT_CONTEXT = 6, 5

Variables = dict[str, npt.NDArray[Any]]


def whisper_variables() -> Variables:
    """Every variable of a CTranslate2 Whisper of one layer, filled with numbers that tell them apart."""
    random = np.random.default_rng(0)

    def weight(*shape: int) -> npt.NDArray[Any]:
        return random.standard_normal(shape).astype(np.float16)

    variables: Variables = {
        "encoder/num_heads": np.array(2, np.int16),
        "decoder/num_heads": np.array(2, np.int16),
        "encoder/conv1/weight": weight(STATE, MELS, 3),
        "encoder/conv1/bias": weight(STATE),
        "encoder/conv2/weight": weight(STATE, STATE, 3),
        "encoder/conv2/bias": weight(STATE),
        "encoder/position_encodings/encodings": weight(AUDIO_CONTEXT, STATE),
        "decoder/position_encodings/encodings": weight(TEXT_CONTEXT, STATE),
        "decoder/embeddings/weight": weight(VOCABULARY, STATE),
    }
    norms = ["encoder/layer_norm", "decoder/layer_norm", "decoder/layer_0/attention/layer_norm"]
    linears = {
        "decoder/layer_0/attention/linear_0": (STATE, STATE),
        "decoder/layer_0/attention/linear_1": (2 * STATE, STATE),
        "decoder/layer_0/attention/linear_2": (STATE, STATE),
    }
    for side in ("encoder", "decoder"):
        norms += [f"{side}/layer_0/self_attention/layer_norm", f"{side}/layer_0/ffn/layer_norm"]
        linears |= {
            f"{side}/layer_0/self_attention/linear_0": (3 * STATE, STATE),
            f"{side}/layer_0/self_attention/linear_1": (STATE, STATE),
            f"{side}/layer_0/ffn/linear_0": (4 * STATE, STATE),
            f"{side}/layer_0/ffn/linear_1": (STATE, 4 * STATE),
        }
    for name in norms:
        variables |= {f"{name}/gamma": weight(STATE), f"{name}/beta": weight(STATE)}
    for name, shape in linears.items():
        variables |= {f"{name}/weight": weight(*shape), f"{name}/bias": weight(shape[0])}
    for name, keys in (("encoder/layer_0/self_attention/linear_0", slice(STATE, 2 * STATE)),
                       ("decoder/layer_0/self_attention/linear_0", slice(STATE, 2 * STATE)),
                       ("decoder/layer_0/attention/linear_1", slice(0, STATE))):  # fmt: skip
        variables[f"{name}/bias"][keys] = 0
    return variables


def ctranslate2(variables: Variables, version: int = 6, spec: str = "WhisperSpec") -> bytes:
    """The binary file CTranslate2 writes."""
    codes = {"float32": 0, "int8": 1, "int16": 2, "float16": 4}

    def text(value: str) -> bytes:
        return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"

    data = struct.pack("<I", version) + text(spec) + struct.pack("<II", 3, len(variables))
    for name, value in variables.items():
        data += text(name) + struct.pack(f"<B{value.ndim}I", value.ndim, *value.shape)
        data += struct.pack("<BI", codes[value.dtype.name], value.nbytes) + value.tobytes()
    return data + struct.pack("<I", 1) + text("decoder/projection/weight") + text("decoder/embeddings/weight")


def whisper_source(folder: Path, variables: Variables, parts: int = 1) -> Path:
    """The unpacked packages: the model, whole or cut in parts, and its config."""
    folder.mkdir()
    data = ctranslate2(variables)
    size = -(-len(data) // parts)
    for part in range(parts):
        name = "model.bin" if parts == 1 else f"model.bin.part{part + 1}"
        (folder / name).write_bytes(data[part * size : (part + 1) * size])
    (folder / "config.json").write_text(json.dumps({"alignment_heads": [[0, 1]]}), encoding="utf-8")
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("parts", [1, 2])
def test_whisper_takes_every_weight_to_its_place(tmp_path: Path, target: Path, parts: int) -> None:
    """Convolutions turned, projections split by rows, in float32; the key has no bias."""
    variables = whisper_variables()
    convert("whisper-from-ctranslate2", whisper_source(tmp_path / "source", variables, parts), target)
    weights = load_file(target / "weights.safetensors")
    fused = variables["encoder/layer_0/self_attention/linear_0/weight"]
    assert weights["encoder.blocks.0.attn.key.weight"].dtype == np.float32
    np.testing.assert_array_equal(weights["encoder.blocks.0.attn.query.weight"], fused[:STATE])
    np.testing.assert_array_equal(weights["encoder.blocks.0.attn.value.weight"], fused[2 * STATE :])
    np.testing.assert_array_equal(
        weights["decoder.blocks.0.cross_attn.value.bias"], variables["decoder/layer_0/attention/linear_1/bias"][STATE:]
    )
    np.testing.assert_array_equal(weights["encoder.conv1.weight"], variables["encoder/conv1/weight"].transpose(0, 2, 1))
    assert "encoder.blocks.0.attn.key.bias" not in weights
    np.testing.assert_array_equal(weights["alignment_heads"], [[0, 1]])


def test_whisper_loads_and_computes(tmp_path: Path, target: Path) -> None:
    """mlx-whisper itself takes the folder; dimensions come from the shapes."""
    convert("whisper-from-ctranslate2", whisper_source(tmp_path / "source", whisper_variables()), target)
    from mlx_whisper.load_models import load_model

    model = load_model(str(target))
    assert (model.dims.n_vocab, model.dims.n_audio_ctx, model.dims.n_text_ctx) == (
        VOCABULARY,
        AUDIO_CONTEXT,
        TEXT_CONTEXT,
    )
    logits = model(mx.zeros((1, 2 * AUDIO_CONTEXT, MELS)), mx.array([[1, 2]]))
    assert logits.shape == (1, 2, VOCABULARY)
    assert bool(mx.isfinite(logits).all())


def test_whisper_with_a_weight_missing_is_refused(tmp_path: Path, target: Path) -> None:
    """mlx-whisper would leave it at random without a word."""
    variables = whisper_variables()
    del variables["decoder/layer_norm/gamma"]
    with pytest.raises(PullError, match="lacks decoder/layer_norm/gamma"):
        convert("whisper-from-ctranslate2", whisper_source(tmp_path / "source", variables), target)


def test_whisper_with_a_weight_of_another_shape_is_refused(tmp_path: Path, target: Path) -> None:
    variables = whisper_variables()
    variables["decoder/position_encodings/encodings"] = variables["decoder/position_encodings/encodings"][:, :4]
    with pytest.raises(PullError, match=r"1 weights differ, the first is decoder\.positional_embedding"):
        convert("whisper-from-ctranslate2", whisper_source(tmp_path / "source", variables), target)


def test_whisper_with_a_bias_for_keys_is_refused(tmp_path: Path, target: Path) -> None:
    variables = whisper_variables()
    variables["encoder/layer_0/self_attention/linear_0/bias"][:] = 1
    with pytest.raises(PullError, match="has a bias for the attention key"):
        convert("whisper-from-ctranslate2", whisper_source(tmp_path / "source", variables), target)


def test_quantised_whisper_is_refused(tmp_path: Path, target: Path) -> None:
    variables = whisper_variables() | {"encoder/conv1/weight_scale": np.ones(STATE, np.float32)}
    with pytest.raises(PullError, match="quantised"):
        convert("whisper-from-ctranslate2", whisper_source(tmp_path / "source", variables), target)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (ctranslate2(whisper_variables())[:-40], "not a whole CTranslate2 model"),
        (ctranslate2(whisper_variables()) + b"1234", "4 bytes too many"),
        (ctranslate2({}, spec="TransformerSpec"), "'TransformerSpec'"),
        (ctranslate2({}, version=7), "version 7"),
        (b"", "not a whole CTranslate2 model"),
    ],
)
def test_a_file_that_is_no_whisper_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(PullError, match=said):
        read_variables(data)


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


@pytest.mark.models
@pytest.mark.parametrize("name", [entry.name for entry in chosen(config.load("small").models).values()])
def test_the_packages_yield_what_models_lock_says(name: str, tmp_path: Path) -> None:
    """Every file of the small models, to the byte, from the archives of the store (downloaded where they are not)."""
    here = Store()
    here.downloads.mkdir(parents=True, exist_ok=True)
    store = Store(tmp_path)
    store.downloads.symlink_to(here.downloads)
    assert pull(find(name), store, lambda progress: None)
    assert all(check.good for check in store.verify(find(name)))
