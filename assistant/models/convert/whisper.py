"""Whisper: a CTranslate2 model in float16 to a folder for mlx-whisper in float32.

The binary layout is CTranslate2's `model_spec.py` (version 6), the names on the other side are those of
`mlx_whisper/whisper.py`.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.errors import PullError
from assistant.models.convert import Tensors, only, write_json, write_tensors

# CTranslate2 numbers 1 to 3 are integers: only scalars here, since quantised weights are refused.
_DTYPES = {0: "<f4", 1: "i1", 2: "<i2", 3: "<i4", 4: "<f2"}


def convert(source: Path, target: Path) -> None:
    """Write `config.json` and `weights.safetensors` from `model.bin` (whole or in parts) and its config.

    Raises:
        PullError: the model is of another kind, quantised, or does not fill every weight of Whisper.
    """
    parts = sorted(source.rglob("model.bin*"))
    variables = read_variables(b"".join(part.read_bytes() for part in parts))
    if any(name.endswith("_scale") for name in variables):
        raise PullError("model.bin is quantised; only float16 and float32 can be converted.")
    dimensions = _dimensions(variables)
    weights = dict(_encoder(variables, dimensions["n_audio_layer"])) | dict(
        _decoder(variables, dimensions["n_text_layer"])
    )
    _check_names(weights, dimensions)
    heads = json.loads(only(source, "config.json").read_text(encoding="utf-8"))["alignment_heads"]
    tensors: Tensors = {name: value.astype(np.float32) for name, value in weights.items()}
    tensors["alignment_heads"] = np.array(heads, np.int32)
    write_tensors(target / "weights.safetensors", tensors)
    write_json(target / "config.json", {"model_type": "whisper", **dimensions})


def read_variables(data: bytes) -> Tensors:
    """Variables of a CTranslate2 model by name, aliases left out.

    Raises:
        PullError: the bytes are not a Whisper model of version 6, or are cut short.
    """
    reader = _Reader(data)
    try:
        version, spec, _revision, count = reader.number("I"), reader.text(), reader.number("I"), reader.number("I")
        if (version, spec) != (6, "WhisperSpec"):
            raise PullError(
                f"model.bin is a {spec!r} of CTranslate2's version {version}, not a WhisperSpec of version 6."
            )
        variables = dict(reader.variable() for _ in range(count))
        for _ in range(reader.number("I")):
            reader.text(), reader.text()
    except (struct.error, ValueError) as error:
        raise PullError(f"model.bin is not a whole CTranslate2 model ({error}).") from None
    if reader.at != len(data):
        raise PullError(f"model.bin has {len(data) - reader.at} bytes too many.")
    return variables


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def number(self, kind: str) -> int:
        (value,) = struct.unpack_from("<" + kind, self.data, self.at)
        self.at += struct.calcsize(kind)
        return int(value)

    def text(self) -> str:
        length = self.number("H")
        self.at += length
        return self.data[self.at - length : self.at].rstrip(b"\0").decode()

    def variable(self) -> tuple[str, npt.NDArray[Any]]:
        name = self.text()
        shape = [self.number("I") for _ in range(self.number("B"))]
        dtype = _DTYPES[self.number("B")]
        size = self.number("I")
        self.at += size
        return name, np.frombuffer(self.data[self.at - size : self.at], dtype).reshape(shape)


def _dimensions(variables: Tensors) -> dict[str, int]:
    audio_context, state = variables["encoder/position_encodings/encodings"].shape
    vocabulary = variables["decoder/embeddings/weight"].shape[0]
    layers = {
        side: sum(bool(re.fullmatch(rf"{side}/layer_\d+/ffn/linear_0/weight", name)) for name in variables)
        for side in ("encoder", "decoder")
    }
    return {
        "n_mels": variables["encoder/conv1/weight"].shape[1],
        "n_audio_ctx": audio_context,
        "n_audio_state": state,
        "n_audio_head": int(variables["encoder/num_heads"]),
        "n_audio_layer": layers["encoder"],
        "n_vocab": vocabulary,
        "n_text_ctx": variables["decoder/position_encodings/encodings"].shape[0],
        "n_text_state": state,
        "n_text_head": int(variables["decoder/num_heads"]),
        "n_text_layer": layers["decoder"],
    }


_Pairs = Iterator[tuple[str, npt.NDArray[Any]]]


def _encoder(variables: Tensors, layers: int) -> _Pairs:
    for conv in ("conv1", "conv2"):
        # (out, in, kernel) to MLX's (out, kernel, in)
        yield f"encoder.{conv}.weight", variables[f"encoder/{conv}/weight"].transpose(0, 2, 1)
        yield f"encoder.{conv}.bias", variables[f"encoder/{conv}/bias"]
    yield from _norm("encoder.ln_post", variables, "encoder/layer_norm")
    for i in range(layers):
        yield from _block(f"encoder.blocks.{i}", variables, f"encoder/layer_{i}")


def _decoder(variables: Tensors, layers: int) -> _Pairs:
    yield "decoder.token_embedding.weight", variables["decoder/embeddings/weight"]
    yield "decoder.positional_embedding", variables["decoder/position_encodings/encodings"]
    yield from _norm("decoder.ln", variables, "decoder/layer_norm")
    for i in range(layers):
        block, layer = f"decoder.blocks.{i}", f"decoder/layer_{i}"
        yield from _block(block, variables, layer)
        yield from _norm(f"{block}.cross_attn_ln", variables, f"{layer}/attention/layer_norm")
        cross = f"{block}.cross_attn"
        yield from _linear(f"{cross}.query", variables, f"{layer}/attention/linear_0")
        yield from _fused((f"{cross}.key", f"{cross}.value"), variables, f"{layer}/attention/linear_1")
        yield from _linear(f"{cross}.out", variables, f"{layer}/attention/linear_2")


def _block(block: str, variables: Tensors, layer: str) -> _Pairs:
    yield from _norm(f"{block}.attn_ln", variables, f"{layer}/self_attention/layer_norm")
    heads = (f"{block}.attn.query", f"{block}.attn.key", f"{block}.attn.value")
    yield from _fused(heads, variables, f"{layer}/self_attention/linear_0")
    yield from _linear(f"{block}.attn.out", variables, f"{layer}/self_attention/linear_1")
    yield from _norm(f"{block}.mlp_ln", variables, f"{layer}/ffn/layer_norm")
    yield from _linear(f"{block}.mlp1", variables, f"{layer}/ffn/linear_0")
    yield from _linear(f"{block}.mlp2", variables, f"{layer}/ffn/linear_1")


def _norm(name: str, variables: Tensors, norm: str) -> _Pairs:
    yield f"{name}.weight", variables[f"{norm}/gamma"]
    yield f"{name}.bias", variables[f"{norm}/beta"]


def _linear(name: str, variables: Tensors, linear: str) -> _Pairs:
    yield f"{name}.weight", variables[f"{linear}/weight"]
    yield f"{name}.bias", variables[f"{linear}/bias"]


def _fused(names: tuple[str, ...], variables: Tensors, linear: str) -> _Pairs:
    """Projections stacked by rows in one matrix; the key's bias is zero there and absent in Whisper."""
    weights = np.split(variables[f"{linear}/weight"], len(names))
    biases = np.split(variables[f"{linear}/bias"], len(names))
    for name, weight, bias in zip(names, weights, biases, strict=True):
        yield f"{name}.weight", weight
        if not name.endswith(".key"):
            yield f"{name}.bias", bias
        elif bias.any():
            raise PullError(f"{linear} has a bias for the attention key, which Whisper has not.")


def _check_names(weights: Tensors, dimensions: dict[str, int]) -> None:
    # mlx-whisper leaves a weight that is missing from the file at its random start, without a word
    expected = _expected_shapes(dimensions)
    found = {name: value.shape for name, value in weights.items()}
    if wrong := sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)):
        raise PullError(f"model.bin does not fit Whisper: {len(wrong)} weights differ, the first is {wrong[0]}.")


def _expected_shapes(dimensions: dict[str, int]) -> dict[str, tuple[int, ...]]:
    from mlx.utils import tree_flatten

    from assistant.models.numba_stub import stand_in_for_numba

    stand_in_for_numba()
    from mlx_whisper.whisper import ModelDimensions, Whisper

    # unevaluated, so no random weight is ever computed
    parameters = dict(tree_flatten(Whisper(ModelDimensions(**dimensions)).parameters()))
    del parameters["alignment_heads"]  # any number of heads fits
    return {name: value.shape for name, value in parameters.items()}
