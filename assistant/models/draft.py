"""Speculative decoding: a small model guesses what the large one will say, which then proves all guesses in one pass.

A pass reads all weights whether it is for one token or for five, and on Metal that is what takes the time. (Leviathan
et al., "Fast inference from transformers via speculative decoding", 2023; guesses are the likeliest tokens, and what is
said is always the large model's own choice.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import mlx.core as mx

from assistant.errors import ModelError
from assistant.models.reader import Reader, ids
from assistant.models.weights import ChatWeights


class Draft:
    """The small model, with a prompt cache of its own that follows the large one's.

    Args:
        weights: Of the small model.
        main: Of the large one.

    Raises:
        ModelError: They do not share a tokenizer, or a prompt cache cannot be cut where a guess was wrong.
    """

    def __init__(self, weights: ChatWeights, main: ChatWeights) -> None:
        if weights.tokenizer.get_vocab() != main.tokenizer.get_vocab():
            raise ModelError(
                f"{weights.name} cannot guess for {main.name}: their tokenizers differ; "
                "choose a smaller model of the same family for models.draft, or none."
            )
        self._reader = Reader(weights.model)
        if not (self._reader.can_go_back and Reader(main.model).can_go_back):
            raise ModelError(
                f"{weights.name} cannot guess for {main.name}: a wrong guess could not be taken back; "
                "leave models.draft empty."
            )

    def forget(self) -> None:
        """Nothing is read."""
        self._reader.forget()

    def read(self, tokens: Sequence[int], step: int) -> Iterator[int]:
        """Read all but the last of these tokens, as far as they are not read; see Reader.read."""
        yield from self._reader.read(self._reader.go_back(tokens)[:-1], step)

    def guess(self, tokens: Sequence[int], count: int) -> list[int]:
        """So many tokens, likeliest one after another, that may follow these."""
        rest = self._reader.go_back(tokens)
        last = mx.array(rest)
        guesses = []
        for _ in range(count):
            last = mx.argmax(self._reader.predict(last)[-1:], axis=-1)
            guesses.append(last)
        guessed = ids(mx.concatenate(guesses))
        self._reader.tokens += [*rest, *guessed[:-1]]
        return guessed
