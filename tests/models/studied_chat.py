"""The real chat model with an eye on its logits, and what its tests ask it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import numpy.typing as npt

from assistant.config import Chat
from assistant.messages import ChatMessage, ReplyPiece, Step
from assistant.models.chat import MlxChat

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


def said_pieces(steps: Iterator[Step[ReplyPiece]]) -> list[ReplyPiece]:
    """All of a reply."""
    return [piece for step in steps for piece in step.values]


def reply_of(chat: MlxChat, messages: Sequence[ChatMessage]) -> str:
    """The text of a reply."""
    return "".join(piece.text for piece in said_pieces(chat.reply(messages)))


def prefilled(chat: MlxChat, messages: Sequence[ChatMessage]) -> list[float]:
    """Tokens fed, step by step."""
    return [work.amount for step in chat.prefill(messages) for work in step.work]
