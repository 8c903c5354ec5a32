"""Numbers as words: num2words, with the spelling of a voice (no commas, no "and", no hyphens)."""

from __future__ import annotations

import re
from functools import lru_cache

from num2words import num2words

from assistant.messages import SpokenWord

_LONGEST = 15
"""Digits beyond which a number is read digit by digit."""

# num2words knows more, but loops for ever in some
_LANGUAGES = frozenset(
    "ar bn ca cs da de es fa fi fr he hu id it ja kn ko lt lv nl no pl pt ro ru sk sl sv te th tr uk vi".split()
)
_POINT = {
    "da": "komma", "de": "Komma", "es": "coma", "fi": "pilkku", "fr": "virgule", "it": "virgola", "ja": "点",
    "ko": "점", "nl": "komma", "no": "komma", "pl": "przecinek", "pt": "vírgula", "sv": "komma", "tr": "virgül",
}  # fmt: skip
_DECIMAL_COMMA = frozenset("cs da de el es fi fr hu id it nl no pl pt ro ru sk sl sr sv tr uk vi".split())
_SCALES = ("", "thousand", "million", "billion", "trillion")


def said(text: str, start: int, end: int) -> list[SpokenWord]:
    """Spoken words that share one written span; a mark at a word's end is its pause."""
    words = re.sub(r"(?<=\w)-(?=\w)", " ", text).split()
    return [SpokenWord(word.rstrip(",."), start, end, word[len(word.rstrip(",.")) :]) for word in words]


@lru_cache(maxsize=2048)
def cardinal(number: int, language: str = "en", to: str = "cardinal") -> str:
    """A whole number in the words of a language that num2words knows; `to` may be "ordinal" or "year"."""
    base, _, region = language.partition("-")
    words: str = num2words(number, lang="pt_BR" if region.lower() == "br" else base, to=to)
    if base != "en":
        return " ".join(words.replace(",", " ").split())
    return re.sub(r"[\s,-]+(?:and )?", " ", words).strip()


def ordinal(number: int) -> str:
    """ "twenty first" """
    return cardinal(number, to="ordinal")


def year(number: int) -> str:
    """ "nineteen oh five" """
    return cardinal(number, to="year")


def spelled(text: str, start: int) -> list[SpokenWord]:
    """Letters and digits one by one, each with its own span."""
    return [
        SpokenWord(cardinal(int(char)) if char.isdecimal() else char.upper(), start + index, start + index + 1)
        for index, char in enumerate(text)
        if char.isalnum()
    ]


def number_words(text: str, start: int) -> list[SpokenWord]:
    """An English number as written ("-1,234.50"), each group of thousands with its own span.

    Leading zeros and very long numbers are read digit by digit.
    """
    words: list[SpokenWord] = []
    if text[0] in "-−+":
        words = said("plus" if text[0] == "+" else "minus", start, start + 1)
    signs = len(words)
    whole, point, fraction = text[signs:].partition(".")
    words += _integer_words(whole, start + signs)
    if point and fraction:
        at = start + signs + len(whole)
        words += said("point", at, at + 1) + spelled(fraction, at + 1)
    return words


def _integer_words(text: str, start: int) -> list[SpokenWord]:
    places = [index for index, char in enumerate(text) if char.isdecimal()]
    bare = "".join(text[index] for index in places)
    if len(bare) > _LONGEST or (len(bare) > 1 and bare[0] == "0"):
        return spelled(text, start)
    words: list[SpokenWord] = []
    first = 0
    for scale in range((len(bare) - 1) // 3, -1, -1):
        last = len(bare) - 3 * scale
        value = int(bare[first:last])
        begin, end = start + places[first], start + places[last - 1] + 1
        if value or len(bare) <= 3:
            words += said(f"{cardinal(value)} {_SCALES[scale]}", begin, end)
        else:  # "000" belongs to the "million" before it
            words = [SpokenWord(w.text, w.start, end if w.end == words[-1].end else w.end) for w in words]
        first = last
    return words


def foreign_number(text: str, start: int, language: str) -> list[SpokenWord]:
    """A number in another language's words, in digits where num2words or the table above lacks it."""
    base = language.split("-")[0]
    whole, fraction = _parts(text, "," if base in _DECIMAL_COMMA else ".")
    if base not in _LANGUAGES or len(whole) > 9 or (fraction and base not in _POINT):
        return [SpokenWord(text, start, start + len(text))]
    words = cardinal(int(whole), language) if whole == "0" or whole[0] != "0" else _one_by_one(whole, language)
    if fraction:
        words += f" {_POINT[base]} {_one_by_one(fraction, language)}"
    return said(words.replace(" ", "") if base in ("ja", "th") else words, start, start + len(text))


def _parts(text: str, point: str) -> tuple[str, str]:
    """Digits before and after the decimal mark; the other mark, or one that repeats, groups thousands."""
    marks = re.findall(r"[.,]", text)
    groups = not marks or (len(marks) > 1 and marks[-1] == marks[0])
    if len(marks) == 1 and marks[0] != point:
        groups = re.fullmatch(r"\d{1,3}[.,]\d{3}", text) is not None
    at = len(text) if groups else text.rindex(marks[-1])
    return "".join(filter(str.isdecimal, text[:at])), "".join(filter(str.isdecimal, text[at:]))


def _one_by_one(text: str, language: str) -> str:
    return " ".join(cardinal(int(char), language) for char in text)
