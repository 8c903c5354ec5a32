"""Random numbers of one piece of work, whatever else draws in between: all models of a thread share MLX's state."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import mlx.core as mx


class Draws:
    """Begins at a seed made of facts, so that the same work always draws the same.

    Args:
        facts: What `repr` tells apart.
    """

    def __init__(self, *facts: object) -> None:
        self._next = int.from_bytes(hashlib.sha256(repr(facts).encode()).digest()[:8], "little")

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Draw from here on; afterwards it is for others as if nothing had been drawn."""
        others = _state()
        mx.random.seed(self._next)
        try:
            yield
        finally:
            self._next = _state()
            mx.random.seed(others)


def _state() -> int:
    state: Any = mx.random.state
    high, low = state[0].tolist()
    return int(high << 32 | low)
