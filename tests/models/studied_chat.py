"""The real chat model with an eye on its logits, and what its tests ask it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

import mlx.core as mx
import numpy as np
import numpy.typing as npt

from assistant.config import Chat
from assistant.messages import ChatMessage, ReplyPiece, Step
from assistant.models.chat import MlxChat
from assistant.models.weights import ChatWeights

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

    def __init__(self, weights: ChatWeights, config: Chat, seed: int, draft: ChatWeights | None = None) -> None:
        self.logprobs: list[npt.NDArray[np.float32]] = []
        self.told: Callable[[mx.array], mx.array] | None = None
        super().__init__(weights, config, seed, draft)

    def forget(self) -> None:
        """Empty the prompt cache."""
        self._reader.forget()

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
        return self._reader.tokens, self._reader.layers[0].offset

    def _choose(self, logits: mx.array, sampler: Callable[[mx.array], mx.array] | None) -> mx.array:
        last = logits[-1].astype(mx.float32)
        self.logprobs.append(np.array(last - mx.logsumexp(last)))
        return super()._choose(logits, sampler)

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
