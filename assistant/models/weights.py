"""A language model's weights and tokenizer, loaded once and shared by all that ask it something."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlx_lm import load

from assistant.errors import ModelError
from assistant.models import cpu


@dataclass(frozen=True, slots=True, eq=False)
class ChatWeights:
    """What a folder of mlx-lm holds, evaluated; nothing in it changes while it is used."""

    name: str
    model: Any
    tokenizer: Any
    longest: int | None
    """Tokens that the model was made for; None where it does not say."""


def load_weights(folder: Path) -> ChatWeights:
    """Load a language model, on the thread that owns MLX.

    Raises:
        ModelError: The folder holds no model of mlx-lm, or one without a chat template.
    """
    try:
        if not folder.is_dir():  # mlx-lm would look for it on the hub
            raise FileNotFoundError("there is no such folder")
        loaded: Any = load(str(folder), return_config=True)
    except (OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        cure = f"run: assistant models pull {folder.name}"
        raise ModelError(f"{folder} holds no language model that can be loaded ({error}); {cure}") from None
    model, tokenizer, facts = loaded
    if not tokenizer.has_chat_template:
        raise ModelError(f"{folder.name} has no chat template; choose an instruct model for models.chat.")
    cpu.to_float32(model)
    cpu.evaluate(model)
    return ChatWeights(folder.name, model, tokenizer, facts.get("max_position_embeddings"))
