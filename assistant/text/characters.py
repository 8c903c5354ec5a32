"""What single characters are: part of a word, a pause, written without spaces, never spoken."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

PAUSES = {
    **dict.fromkeys(",，、،﹐､|(){}（）【】·•", ","),
    **dict.fromkeys(";；؛", ";"),
    **dict.fromkeys(":：", ":"),
    **dict.fromkeys("—–―⸺", "—"),
    **dict.fromkeys("…‥⋯", "…"),
    **dict.fromkeys(".。．｡।॥۔។။։።", "."),
    **dict.fromkeys("!！‼՜", "!"),
    **dict.fromkeys("?？⁇⁉؟՞፧", "?"),
}
"""Written mark -> the mark that is heard."""

_STRENGTH = ",—:;….!?"
_WIDE_MARKS = frozenset("，、。．｡､！？；：（）【】「」『』《》〈〉")

# Han, kana, Thai, Lao, Tibetan, Burmese, Khmer: nothing stands between two words.
_UNSPACED = (
    (0x0E00, 0x0EFF), (0x0F00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3005, 0x3007), (0x3040, 0x30FF),
    (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0xFF66, 0xFF9F), (0x20000, 0x3FFFF),
)  # fmt: skip
_SMILE = re.compile(r"(?:^|\s)[:;=]-?[()|]+")
_LEANS_LEFT = frozenset("ะาำๅๆฯຯະາຳໆーぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ々")
_LEANS_RIGHT = frozenset("เแโใไເແໂໃໄ\u17d2\u1039")


@lru_cache(maxsize=4096)
def is_word(char: str) -> bool:
    """Whether a character is a letter, a mark on one, or a digit of any script."""
    return unicodedata.category(char)[0] in "LMN"


@lru_cache(maxsize=4096)
def is_symbol(char: str) -> bool:
    """Whether a character may be spoken by its name, as "&", "%" or "€"."""
    if char in PAUSES:
        return False
    return char in "&@#%*°℃℉№" or unicodedata.category(char) in ("Sc", "Sm")


@lru_cache(maxsize=4096)
def is_dropped(char: str) -> bool:
    """Whether a character never reaches the voice: emoji and their parts, controls, private use."""
    if char in "°℃℉№\n\t\r":
        return False
    category = unicodedata.category(char)
    return (
        category in ("So", "Cc", "Cf", "Cn", "Co", "Cs", "Me")
        or "\ufe00" <= char <= "\ufe0f"
        or (category == "Sk" and char > "\U0001f000")
    )


@lru_cache(maxsize=4096)
def is_unspaced(char: str) -> bool:
    """Whether a character belongs to a script that puts no spaces between words."""
    code = ord(char)
    return code >= 0x0E00 and is_word(char) and any(low <= code <= high for low, high in _UNSPACED)


def splits_between(before: str, after: str) -> bool:
    """Whether two neighbours without a space between them belong to different words.

    Only in scripts without spaces (there every character is a word, vowel signs and small kana
    staying with theirs), after a dash or ellipsis, and where a sentence begins without a space.
    """
    if before in "—…" or before in _WIDE_MARKS or (before in "!?" and after.isupper()):
        return True
    if not (is_unspaced(before) or is_unspaced(after)) or before in _LEANS_RIGHT or after in _LEANS_LEFT:
        return False
    return unicodedata.category(after)[0] != "M"


def heard_pause(marks: str) -> str:
    """The strongest pause in what stands between two words, or nothing.

    A hyphen counts as a dash only beside a space or doubled; three full stops are an ellipsis.
    """
    text = _SMILE.sub(" ", marks).replace("...", "…").replace("--", "—")
    found = [PAUSES[char] for char in text if char in PAUSES]
    if text.strip() in ("-", "−") and text != text.strip():
        found.append("—")
    return max(found, key=_STRENGTH.index, default="")
