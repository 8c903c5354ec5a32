"""Where a sentence ends, and which written words must be read together."""

from __future__ import annotations

import re

from assistant.text.abbreviations import ABBREVIATIONS, BEFORE_NUMBER, GOES_ON, MAY_END, MONTHS
from assistant.text.dates import MONTH
from assistant.text.units import CODES, CURRENCIES, MAGNITUDES, UNITS, alternatives

_CLOSING = "\"'”’»›)]}）】」』》〉 "
_OPENING = "\"'“‘«‹([{（【「『《〈¿¡-–— "
_INITIALS = re.compile(r"(?:[A-Z]\.){2,}")
_DOTTED = re.compile(r"(?:.*[^A-Za-z])?(?:[A-Za-z]\.)+[A-Za-z]")
_LETTER_AFTER = frozenset("vitamin plan grade option group type class section part point letter hepatitis".split())
_DATE_ABBREVIATIONS = frozenset(f"{month}." for month in MONTHS if month != "May")


def ends_sentence(token: str, following: str, before: str = "") -> bool:
    """Whether a sentence ends after a written word.

    Args:
        token: The word with its punctuation.
        following: What comes next, or its beginning; "" if nothing does.
        before: The written word before the token in its sentence, "" if it begins one.
    """
    body = token.rstrip(_CLOSING)
    following = following.lstrip(_OPENING)
    if not body:
        return False
    if body[-1] in "。．｡！？।॥؟۔։":
        return True
    if body[-1] in "!?‼⁇⁉…" or body.endswith(".."):
        return not following[:1].islower()
    return body[-1] == "." and _full_stop(body, following, before)


def _full_stop(body: str, following: str, before: str) -> bool:
    word = body.split()[-1].lstrip(_OPENING)
    stem = word[:-1]
    if word in GOES_ON or (following[:1].isdecimal() and (word in BEFORE_NUMBER or word in _DATE_ABBREVIATIONS)):
        return False
    if stem.isdecimal() and len(stem) <= 3 and not before:
        return False  # "2. Bake it."
    if len(stem) == 1 and stem.isascii() and stem.isupper():
        return stem == "I" or before.lower() in _LETTER_AFTER
    if _INITIALS.fullmatch(word) and word not in MAY_END:
        return False  # "C.S. Lewis", "the U.S. Army"
    if word in ABBREVIATIONS or word in _DATE_ABBREVIATIONS or _DOTTED.fullmatch(stem):
        return not (following[:1].islower() or following[:1].isdecimal())
    return True


# reading together

_NUMBER = r"(?:^|\W)\d[\d,.:/]*(?<![,.:/])"
_UNIT = rf"(?:{alternatives([*UNITS, *CURRENCIES, *CODES, *MAGNITUDES, 'bn'])})"
_ENDS = r"[\W_]*\Z"
_YEAR = rf"\d{{4}}{_ENDS}"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_PAIRS = [
    (rf"{_NUMBER}", rf"(?:{_UNIT}|[AaPp]\.?[Mm]\.?|{MONTH}|[*x×]|\d+/\d+){_ENDS}|{_UNIT}/|[¼½¾⅐-⅞]"),
    (rf"{_NUMBER}\ ?[-−–*x×]", r"[$£€¥]?\d"),
    (rf"\b{_DAY}", rf"(?:{MONTH}|of){_ENDS}"),
    (rf"\b{_DAY}\ of", rf"{MONTH}{_ENDS}"),
    (rf"\b{MONTH}", rf"(?:{_DAY}(?:[-–]{_DAY})?|\d{{4}}){_ENDS}"),
    (rf"\b{MONTH}\ {_DAY}(?:[-–]{_DAY})?,?", _YEAR),
    (rf"\b{_DAY}\ (?:of\ )?{MONTH},?", _YEAR),
    (rf"(?:^|\W)(?:{alternatives(BEFORE_NUMBER)})", r"\d"),
    (r"(?:^|\W)(?:\d{1,3}|\(\d{3}\)|\d{3}\)?[-.\ ]\d{3})", r"\(?\d{3}(?:\)|\d?(?:[-.]\d{4})?)" + _ENDS),
    (r"(?:^|\W)\d{1,3}(?:\ \d{3})+", rf"\d{{3}}(?:[.,]\d+)?{_ENDS}"),
]
"""What ends the words so far, and what must be read together with it when it comes next."""

_LEFT = [re.compile(rf"(?:{left})\Z") for left, _ in _PAIRS]
_RIGHT = [re.compile(right) for _, right in _PAIRS]


def reads_on(text: str) -> bool:
    """Whether the next written word may have to be read together with this text, as in "5 km"."""
    return any(left.search(text) for left in _LEFT)


def reads_together(text: str, next_word: str) -> bool:
    """Whether this word must be read together with the text before it."""
    return any(left.search(text) and right.match(next_word) for left, right in zip(_LEFT, _RIGHT, strict=True))
