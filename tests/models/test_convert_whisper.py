"""Whisper out of its CTranslate2 form."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import load_file

from assistant.errors import PullError
from assistant.models.convert import convert
from assistant.models.convert.whisper import read_variables

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
