"""How long audio is cut for Whisper, and with how much context and how many tokens each piece is heard. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assistant.messages import MIC_RATE_HZ, Samples

LATENT_HZ = 50
"""Positions of the encoder's context, and time marks of the decoder, per second."""
FULL_CONTEXT_S = 30
_SHORT_CONTEXTS_S = {9.0: 10, 14.0: 15}
"""Longest speech -> context. Below 10 s of context, or with less than 1 s to spare, tiny.en falls into loops."""

_WINDOW_S = 28.0
"""Not 30: the silence after it tells the model that the speech is over."""
_EARLIEST_CUT_S = 20.0
_FRAME_MS, _PAUSE_FRAMES = 10, 30
_CLAUSE_S = 1.0
_SPARE_TOKENS = 10
_MOST_TOKENS = 224
"""Half of Whisper's text context, which is as far as it was trained to go."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One way of listening to a window."""

    context_s: int
    """Seconds of encoder context."""
    most_tokens: int


def window_end(samples: Samples) -> int:
    """Where to cut audio for Whisper: at 28 s at the latest, at the quietest 0.3 s of the 8 s before that.

    Args:
        samples: (n,) at 16 kHz.

    Returns:
        Index; n where that is at most 28 s.
    """
    earliest, latest = int(_EARLIEST_CUT_S * MIC_RATE_HZ), int(_WINDOW_S * MIC_RATE_HZ)
    if len(samples) <= latest:
        return len(samples)
    frame = MIC_RATE_HZ * _FRAME_MS // 1000
    frames = samples[earliest:latest].astype(np.float64).reshape(-1, frame)
    power = np.convolve(np.mean(frames**2, axis=1), np.ones(_PAUSE_FRAMES), "valid")
    last_quietest = len(power) - 1 - int(np.argmin(power[::-1]))
    return earliest + (last_quietest + _PAUSE_FRAMES // 2) * frame


def broken_off_s(tokens: Sequence[int], timestamp_begin: int) -> float | None:
    """When a segment began of which nothing is written; None where all is.

    Now and then Whisper sees a clause still to come and stops: its last two tokens are time marks then.

    Args:
        tokens: Decoded, without the end of text.
        timestamp_begin: Token of the time 0.0.
    """
    end, begin = tokens[-2:] if len(tokens) >= 2 else (0, 0)
    return (begin - timestamp_begin) / LATENT_HZ if min(end, begin) >= timestamp_begin else None


def heard_samples(window: int, rest: int, broken_off_s: float | None) -> int:
    """How much of a window its text covers.

    Args:
        window: Samples of the window.
        rest: Samples that follow it.
        broken_off_s: When in the window a segment began of which nothing is written, or None.

    Returns:
        Samples; what is left goes into the next window. Less than a second at the very end is no clause.
    """
    if broken_off_s is None or broken_off_s < _CLAUSE_S:
        return window
    heard = int(broken_off_s * MIC_RATE_HZ)
    return heard if heard + _CLAUSE_S * MIC_RATE_HZ < window or (rest and heard < window) else window


def token_cap(seconds: float, tokens_per_s: float) -> int:
    """How many tokens speech of this length can hold."""
    return math.ceil(tokens_per_s * seconds) + _SPARE_TOKENS


def passes(seconds: float, short: bool, tokens_per_s: float) -> list[Pass]:
    """The passes to try in turn until one gives a text that can be believed.

    Softmax over the encoder's context costs its square where there is no GPU: 2.1 s for 30 s of
    context, 0.35 s for 10 s. The price is a rare loop, which the full context resolves.

    Args:
        seconds: Length of the window.
        short: Try a shorter context first.
        tokens_per_s: Cap on decoded tokens; the last pass may take twice as many, for fast speakers
            and for languages of several tokens per character.
    """
    cap = token_cap(seconds, tokens_per_s)
    full = Pass(FULL_CONTEXT_S, min(2 * cap, _MOST_TOKENS))
    contexts_s = [context_s for longest_s, context_s in _SHORT_CONTEXTS_S.items() if seconds <= longest_s]
    return [Pass(contexts_s[0], min(cap, _MOST_TOKENS)), full] if short and contexts_s else [full]
