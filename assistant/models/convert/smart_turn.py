"""Smart Turn v3: an int8 ONNX export to a float32 folder for mlx-audio.

The graph is onnxruntime's static quantisation of the PyTorch model: every weight is an int8 array with a scale for
each output. Its activations were quantised too; that is left behind, so outputs differ a little from onnxruntime's.
The names written are those of the PyTorch checkpoint, in its layout, because mlx-audio transposes whatever it loads.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.models.convert import Tensors, only, write_json, write_tensors

_CHECKPOINT = "inner."
_KINDS = (".weight", ".bias")

_CONFIG: dict[str, Any] = {
    "model_type": "smart_turn",
    "architecture": "smart_turn",
    "dtype": "float32",
    "sample_rate": 16000,
    "max_audio_seconds": 8,
    "encoder_config": {
        "num_mel_bins": 80,
        "max_source_positions": 400,
        "d_model": 384,
        "encoder_attention_heads": 6,
        "encoder_layers": 4,
        "encoder_ffn_dim": 1536,
        "k_proj_bias": False,
    },
    "processor_config": {"sampling_rate": 16000, "max_audio_seconds": 8, "n_fft": 400, "hop_length": 160, "n_mels": 80},
}


def convert(source: Path, target: Path) -> None:
    """Write config and weights of the one `smart-turn-v3*.onnx` file under `source`.

    Raises:
        PullError: there is no such file.
    """
    import onnx

    graph = onnx.load(str(only(source, "smart-turn-v3*.onnx"))).graph
    write_tensors(target / "model.safetensors", _tensors(graph))
    write_json(target / "config.json", _CONFIG)


def _tensors(graph: Any) -> Tensors:
    from onnx import numpy_helper

    values: Tensors = {value.name: numpy_helper.to_array(value) for value in graph.initializer}
    weights = {
        _float_name(node): _dequantised(node, values)
        for node in graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] in values
    }
    tensors = {name: weight for name, weight in weights.items() if name.startswith(_CHECKPOINT)}
    tensors |= {name: value for name, value in values.items() if name.startswith(_CHECKPOINT) and name.endswith(_KINDS)}
    tensors |= {name: weights[matrix].T for name, matrix in _matrices(graph, weights.keys()).items()}
    return {name.removeprefix(_CHECKPOINT): value for name, value in tensors.items()}


def _float_name(node: Any) -> str:
    return str(node.output[0]).removesuffix("_DequantizeLinear_Output")


def _dequantised(node: Any, values: Tensors) -> npt.NDArray[np.float32]:
    weight, scale, zero_point = (values[name] for name in node.input)
    axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)
    shape = [-1 if place == axis else 1 for place in range(weight.ndim)]  # of a scale for each output
    steps: npt.NDArray[np.float32] = weight.astype(np.float32) - zero_point.reshape(shape).astype(np.float32)
    return steps * scale.reshape(shape)


def _matrices(graph: Any, weights: Collection[str]) -> dict[str, str]:
    """The checkpoint's names of the nameless factors of matrix products, and what the graph calls them.

    A product's bias tells which it is. Only the keys' projections have none; since nodes are in order of execution they
    come layer by layer.
    """
    use = {node.input[0]: node for node in graph.node}
    matrices: dict[str, str] = {}
    key_projections = 0
    for node in graph.node:
        matrix = node.input[1].removesuffix("_DequantizeLinear_Output") if node.op_type == "MatMul" else ""
        if matrix not in weights:
            continue
        while node.op_type in ("MatMul", "QuantizeLinear", "DequantizeLinear"):
            node = use[node.output[0]]
        if node.op_type == "Add":
            name = node.input[1].removesuffix("bias") + "weight"
        else:
            name = f"{_CHECKPOINT}encoder.layers.{key_projections}.self_attn.k_proj.weight"
            key_projections += 1
        matrices[name] = matrix
    return matrices
