"""A language model that has read something: its prompt cache, and the tokens this holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import mlx.core as mx
from mlx_lm.models.cache import can_trim_prompt_cache, make_prompt_cache, trim_prompt_cache

from assistant.models.prompt import common_prefix


def ids(tokens: mx.array) -> list[int]:
    """(n,) tokens, evaluated."""
    values: Any = tokens.tolist()
    return list(values)


class Reader:
    """Reads tokens, and goes back to where what it read is no longer what is to be read.

    Args:
        model: Of mlx-lm, evaluated.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self.forget()

    def forget(self) -> None:
        """Nothing is read."""
        self.layers = make_prompt_cache(self._model)
        """The prompt cache, layer by layer."""
        self.tokens: list[int] = []
        """What was read, in order."""

    @property
    def can_go_back(self) -> bool:
        """Else it begins anew: recurrent models, and those with a window once it is full."""
        return bool(can_trim_prompt_cache(self.layers))

    def go_back(self, tokens: Sequence[int]) -> list[int]:
        """Keep of what was read only what these tokens begin with.

        Returns:
            The rest of them, at least one: what is given has yet to be predicted from its last.
        """
        kept = min(common_prefix(self.tokens, tokens), len(tokens) - 1)
        excess = len(self.tokens) - kept
        if excess and not self.can_go_back:
            self.forget()
        elif excess:
            trim_prompt_cache(self.layers, excess)
            del self.tokens[kept:]
        return list(tokens[len(self.tokens) :])

    def predict(self, tokens: mx.array) -> mx.array:
        """Read on, lazily; `tokens` of this object are for the caller to extend once they are known.

        Args:
            tokens: (n,) integer.

        Returns:
            (n, vocabulary): after each of them, how likely each token is to be next; logits.
        """
        logits: mx.array = self._model(tokens[None], cache=self.layers)[0]
        return logits

    def read(self, tokens: Sequence[int], step: int) -> Iterator[int]:
        """Read on, evaluated, a piece at a time.

        Args:
            tokens: What comes next.
            step: Tokens of the longest piece.

        Yields:
            How many tokens were read in each piece.
        """
        for first in range(0, len(tokens), step):
            piece = list(tokens[first : first + step])
            self.predict(mx.array(piece))
            self.settle()
            self.tokens += piece
            yield len(piece)

    def settle(self) -> None:
        """Evaluate what was read: what is lazy belongs to a thread, and keeps what it is made of."""
        mx.eval([layer.state for layer in self.layers])
