"""What of a talk the language model is given: merged messages within a budget. Pure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

from assistant.messages import ChatMessage

_TEMPLATE_TOKENS = 8
"""What a chat template adds to a message; most add five."""
_BLOCKS = 4
_QUESTIONS = 8
"""A part of the budget is kept free for the question to come, so that where the talk begins is known before it is."""


def common_prefix(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two sequences begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))


def merged(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """System messages first, as one, and those of one role that follow each other as one.

    Templates insist on it: many know only one system message, and some only roles that alternate.
    """
    ordered = sorted(messages, key=lambda message: message.role != "system")
    groups = itertools.groupby(ordered, key=lambda message: message.role)
    return [ChatMessage(role, "\n".join(message.text for message in group)) for role, group in groups]


def fit(
    messages: Sequence[ChatMessage],
    encode: Callable[[str], list[int]],
    decode: Callable[[list[int]], str],
    budget: int,
) -> list[ChatMessage]:
    """Leave out the oldest turns of a talk that has grown too long, and the beginning of a message that is.

    Turns go in blocks of a quarter of the budget: leaving one out empties the prompt cache from there
    on, so a talk at its limit would else feed its whole history again at every turn. They go before the
    question is asked, unless that is uncommonly long, so that somebody may feed the rest meanwhile.

    Args:
        messages: In order, merged.
        encode: Text to token ids.
        decode: Token ids to text.
        budget: Tokens of the whole prompt.

    Returns:
        The system message, and the last turns; the last user message is always among them.
    """
    system = [message for message in messages if message.role == "system"]
    turns = _turns([message for message in messages if message.role != "system"])
    room = budget - sum(_tokens(message, encode) for message in system) - _TEMPLATE_TOKENS
    sizes = [sum(_tokens(message, encode) for message in turn) for turn in turns]
    block = math.ceil(budget / _BLOCKS)
    asked = sizes[-1] if turns and turns[-1][-1].role == "user" else 0
    excess = math.ceil((sum(sizes) - asked + max(asked, budget // _QUESTIONS) - room) / block) * block
    first = 0
    while excess > 0 and first < len(turns) - 1:
        excess -= sizes[first]
        first += 1
    kept = [message for turn in turns[first:] for message in turn]
    if kept and sum(sizes[first:]) > room:  # one turn alone: what matters is asked at its end
        most = max(room // len(kept) - _TEMPLATE_TOKENS, block // len(kept))
        kept = [ChatMessage(message.role, _end(message.text, most, encode, decode)) for message in kept]
    return system + kept


def _turns(talk: Sequence[ChatMessage]) -> list[list[ChatMessage]]:
    turns: list[list[ChatMessage]] = []
    for message in talk:
        if message.role == "user" or not turns:
            turns.append([])
        turns[-1].append(message)
    return turns


def _tokens(message: ChatMessage, encode: Callable[[str], list[int]]) -> int:
    return len(encode(message.text)) + _TEMPLATE_TOKENS


def _end(text: str, most: int, encode: Callable[[str], list[int]], decode: Callable[[list[int]], str]) -> str:
    tokens = encode(text)
    return text if len(tokens) <= most else decode(tokens[-most:]).lstrip("\ufffd")
