"""Speculative decoding on real weights: whatever the draft guesses, what is said is what the model alone would say."""

from __future__ import annotations

import copy
import itertools
from dataclasses import replace
from types import SimpleNamespace

import pytest
from mlx_lm.models.cache import RotatingKVCache
from studied_chat import CAPITAL, QUESTIONS, SYSTEM, prefilled, reply_of

from assistant import config as configuration
from assistant.errors import InferenceError, ModelError
from assistant.messages import ChatMessage
from assistant.models.chat import MlxChat
from assistant.models.lock import local_folder
from assistant.models.weights import ChatWeights, load_weights

pytestmark = pytest.mark.models

SETTINGS = configuration.load("small").chat.model_copy(update={"max_tokens": 9, "prefill_step_tokens": 32})
TALK = [*CAPITAL, ChatMessage("assistant", "It is Paris."), ChatMessage("user", QUESTIONS[6])]


@pytest.fixture(scope="module")
def weights() -> ChatWeights:
    return load_weights(local_folder("smollm2-135m-instruct"))


def first_layers(weights: ChatWeights, count: int) -> ChatWeights:
    """The model with so many of its layers: quick, and seldom right."""
    model = copy.copy(weights.model)
    model.model = copy.copy(weights.model.model)
    model.model.layers = weights.model.layers[:count]
    return replace(weights, name=f"first {count} layers", model=model)


class Counted(MlxChat):
    """Remembers how many tokens each pass gave."""

    def passes_of(self, messages: list[ChatMessage]) -> tuple[str, list[int]]:
        """A reply, and the tokens of each of its passes."""
        steps = [step for step in self.reply(messages) if step.values]
        return "".join(piece.text for step in steps for piece in step.values), [len(step.values) for step in steps]


@pytest.mark.parametrize("layers", [30, 2])
def test_a_reply_is_that_of_the_model_alone(weights: ChatWeights, layers: int) -> None:
    """Token by token, for a draft that is always right and for one that seldom is; also on the second turn."""
    alone = MlxChat(weights, SETTINGS, 0)
    drafted = Counted(weights, SETTINGS, 0, first_layers(weights, layers))
    for messages in (CAPITAL, TALK):
        text, counts = drafted.passes_of(messages)
        assert text == reply_of(alone, messages)
        assert counts[0] == 1  # the first token waits for no draft
        assert all(count == 5 for count in counts[1:-1]) if layers == 30 else max(counts) < 5
    assert alone.last_fed_tokens == drafted.last_fed_tokens


def test_draws_are_those_of_the_model_alone(weights: ChatWeights) -> None:
    """At a temperature a right guess is rarer; what is drawn depends on the seed and the prompt alone all the same."""
    warm = SETTINGS.model_copy(update={"temperature": 1.0, "top_p": 0.9})
    drafted = MlxChat(weights, warm, 3, first_layers(weights, 30))
    assert reply_of(drafted, CAPITAL) == reply_of(MlxChat(weights, warm, 3), CAPITAL)


def test_a_reply_closed_between_passes(weights: ChatWeights) -> None:
    """The cache holds what was said and nothing that was guessed; the next reply is as ever."""
    chat = MlxChat(weights, SETTINGS, 0, first_layers(weights, 2))
    for count in (1, 2, 4):
        steps = chat.reply(CAPITAL)
        passes = itertools.islice((step for step in steps if step.values), count)
        said = [piece.text for step in passes for piece in step.values]
        steps.close()
        assert chat.cached_text().endswith("assistant\n" + "".join(said[:-1]))  # the last is read by the next pass
        assert chat.cached_tokens == chat._reader.layers[0].offset
        assert reply_of(chat, CAPITAL) == "The capital of France is Paris."


def test_a_prompt_is_read_by_both(weights: ChatWeights) -> None:
    """Before the question; what the draft reads is no part of the prompt."""
    chat = MlxChat(weights, SETTINGS, 0, first_layers(weights, 2))
    amounts = prefilled(chat, [SYSTEM])
    assert sum(amounts) == chat.last_fed_tokens == chat.cached_tokens
    assert amounts[-1] == 0
    assert prefilled(chat, [SYSTEM]) == []


def test_a_limit_of_tokens_inside_a_pass(weights: ChatWeights) -> None:
    """The reply ends there, and says so."""
    chat = MlxChat(weights, SETTINGS.model_copy(update={"max_tokens": 4}), 0, first_layers(weights, 30))
    pieces = [piece for step in chat.reply(CAPITAL) for piece in step.values]
    assert [piece.finish for piece in pieces] == ["", "", "", "length"]
    assert "".join(piece.text for piece in pieces) == "The capital of France"


def test_a_draft_that_fails(weights: ChatWeights) -> None:
    """It is the model's failure, and the next reply begins anew."""
    chat = MlxChat(weights, SETTINGS, 0, first_layers(weights, 2))
    assert chat._draft is not None

    def out_of_memory(*_: object) -> list[int]:
        raise RuntimeError("out of memory")

    with pytest.MonkeyPatch.context() as patch, pytest.raises(InferenceError, match="failed: out of memory"):
        patch.setattr(chat._draft, "guess", out_of_memory)
        reply_of(chat, CAPITAL)
    assert chat.cached_tokens == 0
    assert reply_of(chat, CAPITAL) == "The capital of France is Paris."


def test_another_tokenizer_is_refused(weights: ChatWeights) -> None:
    """Its guesses would be other words."""
    other = replace(weights, name="other", tokenizer=SimpleNamespace(get_vocab=lambda: {"a": 0}))
    with pytest.raises(ModelError, match=r"other cannot guess for smollm2-135m-instruct: their tokenizers differ"):
        MlxChat(weights, SETTINGS, 0, other)


def test_a_model_that_cannot_go_back_is_refused(weights: ChatWeights, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong guess could not be taken back."""
    window = RotatingKVCache(max_size=0)
    monkeypatch.setattr("assistant.models.reader.make_prompt_cache", lambda model: [window])
    with pytest.raises(ModelError, match="a wrong guess could not be taken back"):
        MlxChat(weights, SETTINGS, 0, weights)
