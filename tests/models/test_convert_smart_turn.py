"""The conversion of Smart Turn's ONNX export, by a graph of a few nodes: names, layouts, values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

from assistant.errors import PullError
from assistant.models.convert import convert

_STEPS = np.array([[-2, 4, 100], [0, -128, 6]], np.int8)
_ENCODER = "inner.encoder"


class _Graph:
    """Nodes and constants, a weight at a time."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.values: list[onnx.TensorProto] = []

    def constant(self, name: str, value: object) -> str:
        self.values.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def weight(self, name: str, steps: object, scales: list[float], axis: int, float_name: str = "") -> str:
        output = float_name or f"{name}_DequantizeLinear_Output"
        inputs = [
            self.constant(f"{name}_quantized", steps),
            self.constant(f"{name}_scale", np.array(scales, np.float32)),
            self.constant(f"{name}_zero_point", np.zeros(len(scales), np.asarray(steps).dtype)),
        ]
        self.nodes.append(helper.make_node("DequantizeLinear", inputs, [output], axis=axis))
        return output

    def product(self, name: str, input_: str, weight: str, use: list[str]) -> None:
        """A matrix product, quantised and back, and what is done with it: `use` is an operator and its other input."""
        scale, zero = self.constant(f"{name}_scale", np.float32(0.1)), self.constant(f"{name}_zero", np.uint8(128))
        self.nodes += [
            helper.make_node("MatMul", [input_, weight], [name]),
            helper.make_node("QuantizeLinear", [name, scale, zero], [f"{name}_q"]),
            helper.make_node("DequantizeLinear", [f"{name}_q", scale, zero], [f"{name}_dq"]),
            helper.make_node(use[0], [f"{name}_dq", *use[1:]], [f"{name}_used"]),
        ]

    def write(self, path: Path) -> None:
        inputs = [helper.make_tensor_value_info("input_features", TensorProto.FLOAT, None)]
        outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, None)]
        onnx.save(helper.make_model(helper.make_graph(self.nodes, "turn", inputs, outputs, self.values)), str(path))


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


def test_weights_get_their_names_and_layout_back(tmp_path: Path, target: Path) -> None:
    """Named ones as they are; factors of products are transposed, and named by the bias that is added."""
    graph = _Graph()
    graph.weight(f"{_ENCODER}.conv1.weight", _STEPS[:, :, None], [0.5, 2.0], axis=0)
    graph.weight(
        f"{_ENCODER}.conv1.bias", np.array([3, -1], np.int32), [0.25, 1.0], axis=0, float_name=f"{_ENCODER}.conv1.bias"
    )
    graph.constant(f"{_ENCODER}.embed_positions.weight", np.ones((4, 2), np.float32))
    for layer in (0, 1):
        graph.constant(f"{_ENCODER}.layers.{layer}.self_attn.q_proj.bias", np.zeros(3, np.float32))
        key = graph.weight(f"val_{layer}5", _STEPS + np.int8(layer), [1.0, 0.5, 0.1], axis=1)
        graph.product(f"keys{layer}", "input_features", key, ["Reshape", "shape"])
        query = graph.weight(f"val_{layer}7", _STEPS, [2.0, 1.0, 1.0], axis=1)
        graph.product(
            f"queries{layer}", "input_features", query, ["Add", f"{_ENCODER}.layers.{layer}.self_attn.q_proj.bias"]
        )
        graph.nodes.append(
            helper.make_node("MatMul", [f"queries{layer}_used", f"keys{layer}_used"], [f"scores{layer}"])
        )
    graph.write(tmp_path / "smart-turn-v3.2-cpu.onnx")

    convert("smart-turn-from-onnx", tmp_path, target)
    tensors = load_file(target / "model.safetensors")
    assert {name for name in tensors if "layers.0" in name} == {
        "encoder.layers.0.self_attn.k_proj.weight",
        "encoder.layers.0.self_attn.q_proj.bias",
        "encoder.layers.0.self_attn.q_proj.weight",
    }
    expected: dict[str, Any] = {
        "encoder.conv1.weight": [[[-1], [2], [50]], [[0], [-256], [12]]],
        "encoder.conv1.bias": [0.75, -1],
        "encoder.embed_positions.weight": np.ones((4, 2)),
        "encoder.layers.0.self_attn.k_proj.weight": [[-2, 0], [2, -64], [10, 0.6]],
        "encoder.layers.0.self_attn.q_proj.weight": [[-4, 0], [4, -128], [100, 6]],
        "encoder.layers.1.self_attn.q_proj.weight": [[-4, 0], [4, -128], [100, 6]],
    }
    for name, value in expected.items():
        np.testing.assert_allclose(tensors[name], value, rtol=1e-6, err_msg=name)
    assert tensors["encoder.layers.1.self_attn.k_proj.weight"][0, 0] == -1
    assert len(tensors) == 3 + 2 * 3


def test_a_package_without_the_model_is_refused(tmp_path: Path, target: Path) -> None:
    with pytest.raises(PullError, match=r"hold 0 files smart-turn-v3\*\.onnx where one is expected"):
        convert("smart-turn-from-onnx", tmp_path, target)
