"""Models, samplers and budgets of the chat model."""

from __future__ import annotations

import json
from pathlib import Path

import mlx.core as mx
import pytest
from mlx_lm.models.mamba import Model as Mamba
from mlx_lm.models.mamba import ModelArgs as MambaArguments
from studied_chat import CAPITAL, QUESTIONS, SYSTEM, StudiedChat, prefilled, reply_of

from assistant.config import Config
from assistant.errors import ModelError
from assistant.messages import ChatMessage
from assistant.models.lock import local_folder
from assistant.models.weights import load_weights

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def folder() -> Path:
    return local_folder("smollm2-135m-instruct")


def test_a_sampled_reply_depends_on_the_seed_and_the_prompt_alone(folder: Path, config: Config) -> None:
    """Not on what was said before, nor on how much of the prompt was cached."""
    warm = config.chat.model_copy(update={"temperature": 1.5, "top_p": 0.9, "max_tokens": 6})
    chat = StudiedChat(load_weights(folder), warm, 1)
    first = reply_of(chat, CAPITAL)
    mx.random.seed(7)
    reply_of(chat, [SYSTEM, ChatMessage("user", QUESTIONS[5])])
    assert reply_of(chat, CAPITAL) == first
    other = StudiedChat(load_weights(folder), warm, 2)
    assert reply_of(other, CAPITAL) != first


def test_a_talk_beyond_the_budget(folder: Path, config: Config) -> None:
    """The prompt stays within it, even for one message ten times as long."""
    chat = StudiedChat(load_weights(folder), config.chat.model_copy(update={"context_tokens": 256, "max_tokens": 4}), 0)
    talk = [SYSTEM, *(ChatMessage("user", question) for question in QUESTIONS * 10)]
    assert reply_of(chat, talk)
    assert chat.last_fed_tokens <= 256
    turns = [ChatMessage(role, text) for text in QUESTIONS * 3 for role in ("user", "assistant")]
    assert reply_of(chat, [SYSTEM, *turns, ChatMessage("user", "And now?")])
    assert len(chat.prompt([SYSTEM, *turns, ChatMessage("user", "And now?")])) <= 256


def test_a_cache_that_cannot_be_cut_is_rebuilt(folder: Path, config: Config, tmp_path: Path) -> None:
    """A recurrent model (random weights, SmolLM2's tokenizer) answers a changed talk as if it were new."""
    sizes = {"vocab_size": 49152, "hidden_size": 16, "intermediate_size": 32, "state_size": 4, "num_hidden_layers": 2}
    kinds = {"model_type": "mamba", "use_bias": False, "use_conv_bias": True, "tie_word_embeddings": True}
    facts = sizes | kinds | {"conv_kernel": 4, "time_step_rank": 2}
    mx.random.seed(0)
    Mamba(MambaArguments.from_dict(facts)).save_weights(str(tmp_path / "model.safetensors"))
    (tmp_path / "config.json").write_text(json.dumps(facts))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).symlink_to(folder / name)

    chat = StudiedChat(load_weights(tmp_path), config.chat.model_copy(update={"max_tokens": 5}), 0)
    prefilled(chat, [SYSTEM])
    before = chat.cached_tokens
    reply_of(chat, CAPITAL)
    assert chat.last_fed_tokens == len(chat.prompt(CAPITAL)) - before  # what only grows is kept
    changed = [SYSTEM, ChatMessage("user", QUESTIONS[1])]
    reply = reply_of(chat, changed)
    assert chat.last_fed_tokens == len(chat.prompt(changed))
    chat.forget()
    assert reply_of(chat, changed) == reply


def test_a_folder_without_a_chat_model(folder: Path, config: Config, tmp_path: Path) -> None:
    """Missing, empty, or without a chat template: one sentence, and the network is not asked."""
    for broken in (tmp_path / "none", tmp_path):
        with pytest.raises(ModelError, match="assistant models pull"):
            load_weights(broken)
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (tmp_path / name).symlink_to(folder / name)
    facts = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    del facts["chat_template"]
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(facts))
    with pytest.raises(ModelError, match="choose an instruct model"):
        load_weights(tmp_path)
