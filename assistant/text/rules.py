"""What a rule of spoken form is: a pattern and what is said for its match."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from assistant.messages import SpokenWord


class Context(NamedTuple):
    """The written words around: "" where there is none, or where it is not known yet."""

    before: str
    following: str


Say: TypeAlias = Callable[[re.Match[str], Context], list[SpokenWord] | None]
Rule: TypeAlias = tuple[re.Pattern[str], Say]
"""None from `Say`: the rule does not apply after all, the next is tried."""


def rule(pattern: str, say: Say) -> Rule:
    """Compile a rule; white space in the pattern does not count."""
    return re.compile(pattern, re.VERBOSE), say
