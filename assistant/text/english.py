"""English words as they are said: abbreviations, acronyms, initials, Roman numerals, symbols."""

from __future__ import annotations

import re

from assistant.messages import SpokenWord
from assistant.text.abbreviations import (
    ABBREVIATIONS,
    BEFORE_NUMBER,
    MONTHS,
    REGNAL_AFTER,
    ROMAN,
    ROMAN_AFTER,
    SHORT_WORDS,
    SPELLED,
    WORD_ACRONYMS,
)
from assistant.text.addresses import ADDRESSES
from assistant.text.dates import DATES, YEARS
from assistant.text.numbers import cardinal, number_words, ordinal, said, spelled, year
from assistant.text.quantities import NUMBERS, QUANTITIES, fixed
from assistant.text.rules import Context, Rule, rule
from assistant.text.units import SYMBOLS, alternatives


def _abbreviation(match: re.Match[str], context: Context) -> list[SpokenWord]:
    return said(ABBREVIATIONS[match[0]], match.start(), match.end())


def _before_number(match: re.Match[str], context: Context) -> list[SpokenWord]:
    return said(BEFORE_NUMBER[match[0]], match.start(), match.end())


def _month(match: re.Match[str], context: Context) -> list[SpokenWord]:
    return said(MONTHS[match[1]], match.start(), match.end())


def _saint(match: re.Match[str], context: Context) -> list[SpokenWord]:
    """ "in St. Louis", but "12 Main St., on the left" """
    return said("saint" if context.following[:1].isupper() else "street", match.start(), match.end())


def _letters(match: re.Match[str], context: Context) -> list[SpokenWord]:
    words = spelled(match[0], match.start())
    words[-1] = SpokenWord(words[-1].text, words[-1].start, match.end())
    return words


def _roman(match: re.Match[str], context: Context) -> list[SpokenWord] | None:
    number = ROMAN[match[0]]
    if context.before in ROMAN_AFTER:
        return said(cardinal(number), match.start(), match.end())
    if context.before in REGNAL_AFTER and match[0] != "I":
        return said(f"the {ordinal(number)}", match.start(), match.end())
    return said(cardinal(number), match.start(), match.end()) if match[0] in ("II", "III", "VII", "VIII") else None


def is_acronym(word: str) -> bool:
    """Whether capitals are named letter by letter (FBI, USA, HTML) rather than read (NASA, NOT)."""
    if word in SPELLED:
        return True
    if word in WORD_ACRONYMS or word in SHORT_WORDS or len(word) > 5:
        return False
    return len(word) <= 3 or not re.search("[AEIOUY]", word)


def _capitals(match: re.Match[str], context: Context) -> list[SpokenWord]:
    word, ending = match[1], match[2] or ""
    if not is_acronym(word):
        text = (word if word in WORD_ACRONYMS else word.lower()) + ending.replace("’", "'")
        return [SpokenWord(text, match.start(), match.end())]
    words = spelled(word, match.start())
    last = words.pop()
    return [*words, SpokenWord(last.text + ("'s" if ending else ""), last.start, match.end())]


def _pair(match: re.Match[str], context: Context) -> list[SpokenWord]:
    """ "AT&T", "Q&A" """
    at = match.end(1)
    return spelled(match[1], match.start()) + said("and", at, at + 1) + spelled(match[2], at + 1)


def _mixed(match: re.Match[str], context: Context) -> list[SpokenWord]:
    """Letters and digits in one word: "MP3", "B2B", "COVID-19", "1080p"."""
    words: list[SpokenWord] = []
    for part in re.finditer(r"[A-Za-z]+|\d+", match[0]):
        at, text = match.start() + part.start(), part[0]
        if text.isdecimal():
            long = len(text) == 4 and text[0] != "0" and text[1:] != "000"
            words += said(year(int(text)), at, at + 4) if long else number_words(text, at)
        elif len(text) == 1 or (text.isupper() and is_acronym(text)):
            words += spelled(text, at)
        else:
            words += [SpokenWord(text, at, at + len(text))]
    return words


def _symbol(match: re.Match[str], context: Context) -> list[SpokenWord]:
    return said(SYMBOLS[match[0][0]], match.start(), match.end())


def _silent(match: re.Match[str], context: Context) -> list[SpokenWord]:
    return []


_QUIET = "<>*~$£€¥"
WORDS: list[Rule] = [
    rule(r"(?<!\w)(?:[:;=]['-]?[DPpOo3]|[xX]D)(?!\w)|<3(?!\w)|\^_\^", _silent),  # emoticons
    rule(rf"(?:{alternatives(ABBREVIATIONS)})(?![A-Za-z0-9])", _abbreviation),
    rule(rf"(?:{alternatives(BEFORE_NUMBER)})(?=\s?\d)", _before_number),
    rule(r"(Feb|Apr|Aug|Sept|Sep|Oct|Nov|Dec|(?:Jan|Mar|Jun|Jul)(?=\.))(?![A-Za-z])\.?", _month),
    rule(r"St\.(?!\w)", _saint),
    rule(r"[A-Z]\.(?:\ ?[A-Z]\.)*(?:[A-Z](?![A-Za-z]))?", _letters),
    rule(r"(?:II|III|IV|V|VI|VII|VIII|IX|X|XI|XII|XIII|XIV|XV|XVI|XX|I)(?![\w'’&])", _roman),
    rule(r"([A-Z]{1,2})&([A-Z]{1,2})(?![A-Za-z])", _pair),
    fixed(r"(?<=\bC)\#|(?<=\bF)\#", "sharp"),
    fixed(r"(?<=\bC)\+\+", "plus plus"),
    fixed(r"\#(?=[A-Za-z])", "hashtag"),
    rule(r"([A-Z]{2,})(s|['’]s)?(?![\w])", _capitals),
    rule(r"(?!\d+x(?:\d|(?!\w)))(?=[A-Za-z-]*\d)(?=[\d-]*[A-Za-z])(?:-?[A-Za-z]++|(?<!\d)-?\d++)++(?!\w)", _mixed),
]
_SYMBOLS: list[Rule] = [
    rule(r"(?<![^\s\d])[<>](?![^\s\d])|\*|~(?=\s?[$£€¥]?\d)", _symbol),
    rule(rf"[{''.join(re.escape(s) for s in SYMBOLS if s not in _QUIET)}]", _symbol),
]

ENGLISH: list[Rule] = [*ADDRESSES, *DATES, *QUANTITIES, *YEARS, *WORDS, *NUMBERS, *_SYMBOLS]
"""In the order in which they are tried at every word."""
