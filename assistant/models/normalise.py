"""Whisper's text normalisers, so that word error rates compare with those published."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache


@cache
def normaliser(language: str) -> Callable[[str], str]:
    """Function that makes texts comparable word by word: "Ten dollars!" and "$10" become one.

    Args:
        language: Language code; the basic normaliser serves all but "en". With "auto" nobody knows
            beforehand, and the English one changes other languages alike on both sides.
    """
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")  # else: "PyTorch was not found"
    from transformers.models.whisper.english_normalizer import BasicTextNormalizer, EnglishTextNormalizer

    if language in ("en", "auto"):
        return EnglishTextNormalizer({})  # type: ignore[no-untyped-call]
    return BasicTextNormalizer()
