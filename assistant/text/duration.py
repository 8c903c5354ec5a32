"""How long words will take to say, before a voice has said them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from assistant.messages import SpokenWord
from assistant.text.characters import is_unspaced

# Least squares over fragments spoken by Kokoro's af_heart, plus a tenth.
_WORD_S, _SYLLABLE_S, _LETTER_S = 0.06, 0.06, 0.032
_NAMED_S = 0.24  # a letter or digit said by its name
_OTHER_LETTER_S = 0.075
_PAUSE_S = {"": 0.0} | dict.fromkeys(",;:—", 0.18) | dict.fromkeys("….?!", 0.3)
_VOWELS = re.compile(r"[aeiouy]+")


def spoken_seconds(words: Iterable[SpokenWord], language: str = "en", speed: float = 1.0) -> float:
    """Estimate how long a voice speaks, pauses included, lead-in and tail left out.

    Rather long than short. Additive: of two runs of words it is the sum.

    Args:
        words: The spoken form.
        language: Language code.
        speed: 2.0 is twice as fast.

    Returns:
        Seconds.
    """
    return sum(_word_seconds(word.text, language[:2] == "en") + _PAUSE_S[word.after] for word in words) / speed


@lru_cache(maxsize=4096)
def _word_seconds(text: str, english: bool) -> float:
    if len(text) == 1 and text not in "aI" and not is_unspaced(text):
        return _NAMED_S
    if english and text.isascii() and text.isalpha():
        vowels = len(_VOWELS.findall(text.lower().removesuffix("e")))
        return _WORD_S + _SYLLABLE_S * max(vowels, 1) + _LETTER_S * len(text)
    return _WORD_S + sum(_char_seconds(char) for char in text)


def _char_seconds(char: str) -> float:
    if char.isdigit():
        return _NAMED_S
    if "\uac00" <= char <= "\ud7a3" or is_unspaced(char):
        return 0.1 if char < "\u3041" else 0.17 if char < "\u3400" else 0.24
    return _OTHER_LETTER_S if char.isalpha() else 0.02
