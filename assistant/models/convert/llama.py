"""Llama architecture (SmolLM2): a GGUF file to a float32 folder for mlx-lm.

float32 because a CPU multiplies it an order of magnitude faster than packed weights. Tensor names and the
interleaving of query and key rows are those of llama.cpp's `convert_hf_to_gguf.py`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import mlx.core as mx
import numpy as np

from assistant.errors import PullError
from assistant.models.convert import Tensors, only, write_json, write_tensors

_NAMES = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}
_SPECIAL = 3  # token type "control" in GGUF


def convert(source: Path, target: Path) -> None:
    """Write config, weights and tokenizer of the one `*.gguf` file under `source`.

    Raises:
        PullError: the file is of another architecture, or holds a tensor this conversion does not know.
    """
    path = only(source, "*.gguf")
    # MLX's stub gives the type of its other formats too
    arrays, raw = cast(tuple[dict[str, mx.array], dict[str, Any]], mx.load(str(path), return_metadata=True))
    metadata = {key: value.item() if _is_scalar(value) else value for key, value in raw.items()}
    if metadata.get("general.architecture") != "llama":
        raise PullError(f"{path.name} is of architecture {metadata.get('general.architecture')!r}, not llama.")
    write_tensors(target / "model.safetensors", _weights(arrays, metadata))
    write_json(target / "config.json", _config(arrays, metadata))
    write_json(target / "generation_config.json", {"eos_token_id": metadata["tokenizer.ggml.eos_token_id"]})
    _write_tokenizer(target, metadata)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, mx.array) and value.size == 1


def _weights(arrays: dict[str, mx.array], metadata: dict[str, Any]) -> Tensors:
    heads = {
        "self_attn.q_proj": metadata["llama.attention.head_count"],
        "self_attn.k_proj": metadata["llama.attention.head_count_kv"],
    }
    weights: Tensors = {}
    for stem in sorted(key.removesuffix(".weight") for key in arrays if key.endswith(".weight")):
        name = _name(stem)
        weight = _float32(arrays, stem)
        for projection, count in heads.items():
            if name.endswith(projection):
                weight = _unpermute(weight, count)
        weights[f"{name}.weight"] = weight
    return weights


def _name(stem: str) -> str:
    block = re.fullmatch(r"blk\.(\d+)\.(\w+)", stem)
    kind = block.group(2) if block else stem
    if kind not in _NAMES:
        raise PullError(f"The GGUF file holds a tensor {stem}, which the Llama architecture has not.")
    return f"model.layers.{block.group(1)}.{_NAMES[kind]}" if block else _NAMES[kind]


def _float32(arrays: dict[str, mx.array], stem: str) -> np.ndarray[Any, Any]:
    weight = arrays[f"{stem}.weight"]
    if f"{stem}.scales" in arrays:
        scales, biases = arrays[f"{stem}.scales"], arrays[f"{stem}.biases"]
        group_size = 32  # of Q4_0, Q4_1 and Q8_0, the types MLX keeps packed
        bits = weight.shape[1] * 32 // (scales.shape[1] * group_size)
        scales, biases = scales.astype(mx.float32), biases.astype(mx.float32)
        # on the CPU stream everywhere: the bytes must not depend on the machine
        weight = mx.dequantize(weight, scales, biases, group_size=group_size, bits=bits, stream=mx.cpu)
    return np.array(weight.astype(mx.float32, stream=mx.cpu))


def _unpermute(weight: np.ndarray[Any, Any], heads: int) -> np.ndarray[Any, Any]:
    """Undo llama.cpp's interleaving of the two rotary halves of each head: rows only."""
    rows, columns = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _config(arrays: dict[str, mx.array], metadata: dict[str, Any]) -> dict[str, Any]:
    return {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "hidden_size": metadata["llama.embedding_length"],
        "intermediate_size": metadata["llama.feed_forward_length"],
        "num_hidden_layers": metadata["llama.block_count"],
        "num_attention_heads": metadata["llama.attention.head_count"],
        "num_key_value_heads": metadata["llama.attention.head_count_kv"],
        "head_dim": metadata["llama.rope.dimension_count"],
        # stored as float32: 9.9999997e-06 is 1e-05
        "rms_norm_eps": float(f"{metadata['llama.attention.layer_norm_rms_epsilon']:.6g}"),
        "rope_theta": metadata["llama.rope.freq_base"],
        "max_position_embeddings": metadata["llama.context_length"],
        "vocab_size": len(metadata["tokenizer.ggml.tokens"]),
        "tie_word_embeddings": "output.weight" not in arrays,
        "bos_token_id": metadata["tokenizer.ggml.bos_token_id"],
        "eos_token_id": metadata["tokenizer.ggml.eos_token_id"],
        "pad_token_id": metadata["tokenizer.ggml.padding_token_id"],
    }


def _write_tokenizer(target: Path, metadata: dict[str, Any]) -> None:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    if (kind := metadata["tokenizer.ggml.pre"]) != "smollm":
        raise PullError(f"The GGUF file splits text as {kind!r} does; only 'smollm' is known.")
    tokens = metadata["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ")) for merge in metadata["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    types = np.array(metadata["tokenizer.ggml.token_type"])
    tokenizer.add_special_tokens([AddedToken(tokens[i], special=True) for i in np.flatnonzero(types == _SPECIAL)])
    tokenizer.save(str(target / "tokenizer.json"))
    named = {
        f"{role}_token": tokens[metadata[f"tokenizer.ggml.{key}_token_id"]]
        for role, key in (("bos", "bos"), ("eos", "eos"), ("pad", "padding"), ("unk", "unknown"))
    }
    write_json(
        target / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            **named,
            "chat_template": metadata["tokenizer.chat_template"],
            "clean_up_tokenization_spaces": False,
            "model_max_length": metadata["llama.context_length"],
        },
    )
