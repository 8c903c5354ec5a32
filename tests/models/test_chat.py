"""The language model over many turns: what is fed, what stays cached, and that neither changes a reply."""

from __future__ import annotations

import itertools

import mlx.core as mx
import numpy as np
import pytest
from studied_chat import CAPITAL, QUESTIONS, SYSTEM, StudiedChat, prefilled, reply_of, said_pieces

from assistant.errors import InferenceError
from assistant.messages import ChatMessage, ReplyPiece
from assistant.models.lock import local_folder
from assistant.models.prompt import common_prefix
from assistant.models.weights import load_weights

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def loaded() -> StudiedChat:
    from assistant import config

    settings = config.load("small").chat.model_copy(update={"max_tokens": 16, "prefill_step_tokens": 32})
    return StudiedChat(load_weights(local_folder("smollm2-135m-instruct")), settings, 0)


@pytest.fixture
def chat(loaded: StudiedChat) -> StudiedChat:
    """With an empty cache."""
    loaded.forget()
    loaded.logprobs.clear()
    return loaded


def test_twelve_turns_with_and_without_the_cache(chat: StudiedChat) -> None:
    """At turn 12 only the new message is fed; texts are equal, log-probabilities within 0.001."""
    talk = [SYSTEM]
    for question in QUESTIONS:
        new = len(chat.prompt([*talk, ChatMessage("user", question)])) - len(chat.prompt(talk, answer=False))
        talk.append(ChatMessage("user", question))
        chat.logprobs.clear()
        talk.append(ChatMessage("assistant", reply_of(chat, talk)))
        if len(talk) > 3:
            assert chat.last_fed_tokens <= new + 8
    cached, last = chat.logprobs[:], talk[-1]
    chat.forget()
    chat.logprobs.clear()
    assert ChatMessage("assistant", reply_of(chat, talk[:-1])) == last
    assert chat.last_fed_tokens > 200
    for one, other in zip(cached, chat.logprobs, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)


def test_replies_are_equal_with_and_without_the_cache(chat: StudiedChat) -> None:
    """Turn by turn, an interruption in the middle of the talk included."""
    cached, fresh = [], []
    talk = [SYSTEM]
    for question in QUESTIONS[:5]:
        talk.append(ChatMessage("user", question))
        cached.append(reply_of(chat, talk))
        heard = cached[-1][:12] if len(talk) == 4 else cached[-1]
        talk.append(ChatMessage("assistant", heard))
    for turn in range(5):
        chat.forget()
        fresh.append(reply_of(chat, talk[: 2 * turn + 2]))
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
    prefilled(chat, heard)
    assert chat.last_fed_tokens == len(beginning) - kept
    assert chat.cache == (beginning, len(beginning))

    question = [*heard, ChatMessage("user", QUESTIONS[1])]
    reply = reply_of(chat, question)
    chat.forget()
    assert reply_of(chat, question) == reply


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
    assert reply_of(chat, CAPITAL) == "The capital of France is Paris."


def test_prefill_is_a_true_prefix(chat: StudiedChat) -> None:
    """What was prefilled is not fed again, in steps no longer than configured; a second time nothing is fed."""
    amounts = prefilled(chat, [SYSTEM])
    assert sum(amounts) == chat.last_fed_tokens == chat.cached_tokens
    assert max(amounts) <= 32
    assert prefilled(chat, [SYSTEM]) == []
    before = chat.cached_tokens
    reply_of(chat, CAPITAL)
    assert chat.last_fed_tokens == len(chat.prompt(CAPITAL)) - before


def test_prefill_up_to_the_question_leaves_one_token(chat: StudiedChat) -> None:
    """With the user's message last it is the prompt of the reply itself."""
    prefilled(chat, CAPITAL)
    assert chat.cached_tokens == len(chat.prompt(CAPITAL))
    assert reply_of(chat, CAPITAL) == "The capital of France is Paris."
    assert chat.last_fed_tokens == 1


def test_prefill_keeps_nothing_else(chat: StudiedChat) -> None:
    """A new talk begins with the same cache, whatever was said before."""
    prefilled(chat, [SYSTEM])
    tokens, held = chat.cache
    reply_of(chat, CAPITAL)
    assert prefilled(chat, [SYSTEM]) == []
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
    assert said_pieces(chat.reply(CAPITAL)) == [ReplyPiece("", "stop")]
    assert reply_of(chat, CAPITAL) == "The capital of France is Paris."


def test_a_reply_that_is_cut_off(chat: StudiedChat) -> None:
    """After `chat.max_tokens`; its last token is part of it."""
    chat.tell("one two three four five six seven eight nine ten " * 2)
    pieces = said_pieces(chat.reply(CAPITAL))
    assert [piece.finish for piece in pieces] == [""] * 15 + ["length"]
    assert "".join(piece.text for piece in pieces).endswith("six")


def test_characters_of_several_tokens_come_whole(chat: StudiedChat) -> None:
    """A piece is empty while a character is incomplete; nothing is lost or replaced."""
    chat.tell("日本 🎉 déjà")
    pieces = said_pieces(chat.reply(CAPITAL))
    assert "".join(piece.text for piece in pieces) == "日本 🎉 déjà"
    assert "" in [piece.text for piece in pieces[:-1]]


@pytest.mark.parametrize("before", ["a", "a a", "a a a", "a a a a"])
def test_half_a_character_stays_unsaid(chat: StudiedChat, before: str) -> None:
    """A reply cut off in the middle of one ends with the one before (each is several tokens)."""
    chat.tell(before + "🧑🚀" * 9)
    text = "".join(piece.text for piece in said_pieces(chat.reply(CAPITAL)))
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
        reply_of(chat, CAPITAL)
    assert chat.cached_tokens == 0
    assert reply_of(chat, CAPITAL) == "The capital of France is Paris."


def test_one_reply_at_a_time(chat: StudiedChat) -> None:
    """There is one cache; the first reply is not harmed by the attempt."""
    steps = chat.reply(CAPITAL)
    begun = said_pieces(itertools.islice(steps, 4))
    with pytest.raises(InferenceError, match="second reply"):
        next(chat.prefill([SYSTEM]))
    text = "".join(piece.text for piece in [*begun, *said_pieces(steps)])
    assert text == "The capital of France is Paris."
