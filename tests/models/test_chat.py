"""The language model over many turns: what is fed, what stays cached, and that neither changes a reply."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import numpy.typing as npt
import pytest
from mlx_lm.models.mamba import Model as Mamba
from mlx_lm.models.mamba import ModelArgs as MambaArguments

from assistant.config import Chat, Config
from assistant.errors import InferenceError, ModelError
from assistant.messages import ChatMessage, ReplyPiece, Step
from assistant.models.chat import MlxChat
from assistant.models.lock import local_folder
from assistant.models.prompt import common_prefix

pytestmark = pytest.mark.models

SYSTEM = ChatMessage("system", "You are a helpful voice assistant. Answer in one short sentence.")
QUESTIONS = (
    "What is the capital of France?",
    "What color is the sky?",
    "How many days are in a week?",
    "Who wrote Romeo and Juliet?",
    "What is two plus three?",
    "Name three fruits.",
    "What do bees make?",
    "Tell me a short joke.",
    "What is the opposite of hot?",
    "Say hello to Anna.",
    "What do you call a young dog?",
    "What river flows through London?",
)
CAPITAL = [SYSTEM, ChatMessage("user", QUESTIONS[0])]


class StudiedChat(MlxChat):
    """Keeps every token's log-probabilities, and says what it is told to."""

    def __init__(self, folder: Path, config: Chat, seed: int) -> None:
        self.logprobs: list[npt.NDArray[np.float32]] = []
        self.told: Callable[[mx.array], mx.array] | None = None
        super().__init__(folder, config, seed)

    def forget(self) -> None:
        """Empty the prompt cache."""
        self._reset()

    def tell(self, text: str) -> None:
        """What the next reply says, whatever the model thinks."""
        stop = next(iter(self._tokenizer.eos_token_ids))
        tokens = itertools.chain(self._encode(text), itertools.repeat(stop))
        self.told = lambda logprobs: mx.array([next(tokens)])

    def prompt(self, messages: Sequence[ChatMessage], answer: bool = True) -> list[int]:
        """Tokens of a prompt."""
        return self._render(messages, answer)

    @property
    def cache(self) -> tuple[list[int], int]:
        """Tokens said to be cached, and how many the first layer holds."""
        return self._cached, self._cache[0].offset

    def _next(self) -> tuple[list[Any], list[Any]]:
        prefilled, generated = super()._next()
        self.logprobs += [np.array(response.logprobs) for response in generated]
        return prefilled, generated

    def _sampler(self, prompt: list[int]) -> Callable[[mx.array], mx.array] | None:
        told, self.told = self.told, None
        return told or super()._sampler(prompt)


@pytest.fixture(scope="module")
def folder() -> Path:
    return local_folder("smollm2-135m-instruct")


@pytest.fixture(scope="module")
def loaded(folder: Path) -> StudiedChat:
    from assistant import config

    settings = config.load("small").chat.model_copy(update={"max_tokens": 16, "prefill_step_tokens": 32})
    return StudiedChat(folder, settings, 0)


@pytest.fixture
def chat(loaded: StudiedChat) -> StudiedChat:
    """With an empty cache."""
    loaded.forget()
    loaded.logprobs.clear()
    return loaded


def _pieces(steps: Iterator[Step[ReplyPiece]]) -> list[ReplyPiece]:
    return [piece for step in steps for piece in step.values]


def _reply(chat: MlxChat, messages: Sequence[ChatMessage]) -> str:
    return "".join(piece.text for piece in _pieces(chat.reply(messages)))


def _prefill(chat: MlxChat, messages: Sequence[ChatMessage]) -> list[float]:
    return [work.amount for step in chat.prefill(messages) for work in step.work]


def test_twelve_turns_with_and_without_the_cache(chat: StudiedChat) -> None:
    """At turn 12 only the new message is fed; texts are equal, log-probabilities within 0.001."""
    talk = [SYSTEM]
    for question in QUESTIONS:
        new = len(chat.prompt([*talk, ChatMessage("user", question)])) - len(chat.prompt(talk, answer=False))
        talk.append(ChatMessage("user", question))
        chat.logprobs.clear()
        talk.append(ChatMessage("assistant", _reply(chat, talk)))
        if len(talk) > 3:
            assert chat.last_fed_tokens <= new + 8
    cached, last = chat.logprobs[:], talk[-1]
    chat.forget()
    chat.logprobs.clear()
    assert ChatMessage("assistant", _reply(chat, talk[:-1])) == last
    assert chat.last_fed_tokens > 200
    for one, other in zip(cached, chat.logprobs, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)


def test_replies_are_equal_with_and_without_the_cache(chat: StudiedChat) -> None:
    """Turn by turn, an interruption in the middle of the talk included."""
    cached, fresh = [], []
    talk = [SYSTEM]
    for question in QUESTIONS[:5]:
        talk.append(ChatMessage("user", question))
        cached.append(_reply(chat, talk))
        heard = cached[-1][:12] if len(talk) == 4 else cached[-1]
        talk.append(ChatMessage("assistant", heard))
    for turn in range(5):
        chat.forget()
        fresh.append(_reply(chat, talk[: 2 * turn + 2]))
    assert cached == fresh
    assert "Paris" in cached[0]


def test_after_an_interruption_the_cache_holds_what_was_heard(chat: StudiedChat) -> None:
    """Cut to the words heard, to the token; the next reply is that of a model that never wrote the rest."""
    prompt = chat.prompt(CAPITAL)
    steps = chat.reply(CAPITAL)
    written = ""
    while len(written.split()) < 5:
        written += "".join(piece.text for piece in next(steps).values)
    steps.close()
    tokens, held = chat.cache
    assert tokens[: len(prompt)] == prompt
    assert held == len(tokens) == chat.cached_tokens == len(prompt) + 5

    heard = [*CAPITAL, ChatMessage("assistant", " ".join(written.split()[:3]))]
    beginning = chat.prompt([*heard, ChatMessage("user", "")], answer=False)[:-2]  # less <|im_end|> and its newline
    kept = common_prefix(tokens, beginning)
    assert kept == len(prompt) + 3
    _prefill(chat, heard)
    assert chat.last_fed_tokens == len(beginning) - kept
    assert chat.cache == (beginning, len(beginning))

    question = [*heard, ChatMessage("user", QUESTIONS[1])]
    reply = _reply(chat, question)
    chat.forget()
    assert _reply(chat, question) == reply


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7])
def test_closed_at_any_step(chat: StudiedChat, count: int) -> None:
    """During prefill, at the first token, in the middle: the cache holds what it says, and the reply is the same."""
    steps = chat.reply(CAPITAL)
    for _ in range(count):
        next(steps)
    steps.close()
    tokens, held = chat.cache
    assert held == len(tokens)
    assert common_prefix(tokens, chat.prompt(CAPITAL)) == min(held, len(chat.prompt(CAPITAL)))
    assert _reply(chat, CAPITAL) == "The capital of France is Paris."


def test_prefill_is_a_true_prefix(chat: StudiedChat) -> None:
    """What was prefilled is not fed again, in steps no longer than configured; a second time nothing is fed."""
    amounts = _prefill(chat, [SYSTEM])
    assert sum(amounts) == chat.last_fed_tokens == chat.cached_tokens
    assert max(amounts) <= 32
    assert _prefill(chat, [SYSTEM]) == []
    before = chat.cached_tokens
    _reply(chat, CAPITAL)
    assert chat.last_fed_tokens == len(chat.prompt(CAPITAL)) - before


def test_prefill_up_to_the_question_leaves_one_token(chat: StudiedChat) -> None:
    """With the user's message last it is the prompt of the reply itself."""
    _prefill(chat, CAPITAL)
    assert chat.cached_tokens == len(chat.prompt(CAPITAL))
    assert _reply(chat, CAPITAL) == "The capital of France is Paris."
    assert chat.last_fed_tokens == 1


def test_prefill_keeps_nothing_else(chat: StudiedChat) -> None:
    """A new talk begins with the same cache, whatever was said before."""
    _prefill(chat, [SYSTEM])
    tokens, held = chat.cache
    _reply(chat, CAPITAL)
    assert _prefill(chat, [SYSTEM]) == []
    assert chat.cache == (tokens, held)


def test_a_step_for_each_piece_of_prompt_and_for_each_token(chat: StudiedChat) -> None:
    """The prompt's last token comes with the reply's first; only the last piece is final."""
    steps = list(chat.reply(CAPITAL))
    prompt = len(chat.prompt(CAPITAL))
    work = [(work.kind, work.amount) for step in steps for work in step.work]
    assert sum(amount for kind, amount in work if kind == "chat_prefill") == chat.last_fed_tokens == prompt
    assert max(amount for _, amount in work) <= 32
    pieces = [piece for step in steps for piece in step.values]
    assert [piece.finish for piece in pieces] == [""] * (len(pieces) - 1) + ["stop"]
    assert sum(amount for kind, amount in work if kind == "chat_token") == len(pieces)
    assert chat.cached_tokens == prompt + len(pieces)


def test_no_stream_is_held_between_steps(chat: StudiedChat) -> None:
    """Other models work on this thread meanwhile."""
    before = mx.default_stream(mx.default_device())
    steps = chat.reply(CAPITAL)
    for _ in range(4):
        next(steps)
        assert mx.default_stream(mx.default_device()) == before
    steps.close()


def test_a_reply_without_tokens(chat: StudiedChat) -> None:
    """It stops at once: one empty piece, and the talk goes on."""
    chat.tell("")
    assert _pieces(chat.reply(CAPITAL)) == [ReplyPiece("", "stop")]
    assert _reply(chat, CAPITAL) == "The capital of France is Paris."


def test_a_reply_that_is_cut_off(chat: StudiedChat) -> None:
    """After `chat.max_tokens`; its last token is part of it."""
    chat.tell("one two three four five six seven eight nine ten " * 2)
    pieces = _pieces(chat.reply(CAPITAL))
    assert [piece.finish for piece in pieces] == [""] * 15 + ["length"]
    assert "".join(piece.text for piece in pieces).endswith("six")


def test_characters_of_several_tokens_come_whole(chat: StudiedChat) -> None:
    """A piece is empty while a character is incomplete; nothing is lost or replaced."""
    chat.tell("日本 🎉 déjà")
    pieces = _pieces(chat.reply(CAPITAL))
    assert "".join(piece.text for piece in pieces) == "日本 🎉 déjà"
    assert "" in [piece.text for piece in pieces[:-1]]


@pytest.mark.parametrize("before", ["a", "a a", "a a a", "a a a a"])
def test_half_a_character_stays_unsaid(chat: StudiedChat, before: str) -> None:
    """A reply cut off in the middle of one ends with the one before (each is several tokens)."""
    chat.tell(before + "🧑🚀" * 9)
    text = "".join(piece.text for piece in _pieces(chat.reply(CAPITAL)))
    assert set(text) <= set("a 🧑🚀")


def test_a_model_that_fails(chat: StudiedChat) -> None:
    """In the middle of a reply: it is named, and the next reply begins anew."""
    tokens = iter([504, 3575])

    def out_of_memory(_: mx.array) -> mx.array:
        token = next(tokens, None)
        if token is None:
            raise RuntimeError("out of memory")
        return mx.array([token])

    chat.told = out_of_memory
    with pytest.raises(InferenceError, match=r"smollm2-135m-instruct failed: out of memory"):
        _reply(chat, CAPITAL)
    assert chat.cached_tokens == 0
    assert _reply(chat, CAPITAL) == "The capital of France is Paris."


def test_a_sampled_reply_depends_on_the_seed_and_the_prompt_alone(folder: Path, config: Config) -> None:
    """Not on what was said before, nor on how much of the prompt was cached."""
    warm = config.chat.model_copy(update={"temperature": 1.5, "top_p": 0.9, "max_tokens": 6})
    chat = StudiedChat(folder, warm, 1)
    first = _reply(chat, CAPITAL)
    mx.random.seed(7)
    _reply(chat, [SYSTEM, ChatMessage("user", QUESTIONS[5])])
    assert _reply(chat, CAPITAL) == first
    other = StudiedChat(folder, warm, 2)
    assert _reply(other, CAPITAL) != first


def test_a_talk_beyond_the_budget(folder: Path, config: Config) -> None:
    """The prompt stays within it, even for one message ten times as long."""
    chat = StudiedChat(folder, config.chat.model_copy(update={"context_tokens": 256, "max_tokens": 4}), 0)
    talk = [SYSTEM, *(ChatMessage("user", question) for question in QUESTIONS * 10)]
    assert _reply(chat, talk)
    assert chat.last_fed_tokens <= 256
    turns = [ChatMessage(role, text) for text in QUESTIONS * 3 for role in ("user", "assistant")]
    assert _reply(chat, [SYSTEM, *turns, ChatMessage("user", "And now?")])
    assert len(chat.prompt([SYSTEM, *turns, ChatMessage("user", "And now?")])) <= 256


def test_one_reply_at_a_time(chat: StudiedChat) -> None:
    """There is one cache; the first reply is not harmed by the attempt."""
    steps = chat.reply(CAPITAL)
    begun = _pieces(itertools.islice(steps, 4))
    with pytest.raises(InferenceError, match="second reply"):
        next(chat.prefill([SYSTEM]))
    text = "".join(piece.text for piece in [*begun, *_pieces(steps)])
    assert text == "The capital of France is Paris."


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

    chat = StudiedChat(tmp_path, config.chat.model_copy(update={"max_tokens": 5}), 0)
    _prefill(chat, [SYSTEM])
    before = chat.cached_tokens
    _reply(chat, CAPITAL)
    assert chat.last_fed_tokens == len(chat.prompt(CAPITAL)) - before  # what only grows is kept
    changed = [SYSTEM, ChatMessage("user", QUESTIONS[1])]
    reply = _reply(chat, changed)
    assert chat.last_fed_tokens == len(chat.prompt(changed))
    chat.forget()
    assert _reply(chat, changed) == reply


def test_a_folder_without_a_chat_model(folder: Path, config: Config, tmp_path: Path) -> None:
    """Missing, empty, or without a chat template: one sentence, and the network is not asked."""
    for broken in (tmp_path / "none", tmp_path):
        with pytest.raises(ModelError, match="assistant models pull"):
            MlxChat(broken, config.chat, 0)
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (tmp_path / name).symlink_to(folder / name)
    facts = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    del facts["chat_template"]
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(facts))
    with pytest.raises(ModelError, match="choose an instruct model"):
        MlxChat(tmp_path, config.chat, 0)
