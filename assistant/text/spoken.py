"""The spoken form of written text, every spoken word with its span in what was written.

English is done in full (text/english.py). In other languages numbers are put in words where
num2words can, and everything else is given to the voice as it stands.
"""

from __future__ import annotations

import re
import unicodedata

from assistant.messages import SpokenWord
from assistant.text.characters import heard_pause, is_unspaced, is_word, splits_between
from assistant.text.english import ENGLISH
from assistant.text.numbers import foreign_number
from assistant.text.rules import Context

LONGEST_WORD = 24
"""Letters after which a word is cut, so that no fragment is unbounded; names of chemicals fit."""

_FOREIGN_SYMBOLS = frozenset("%$£€¥&@+=°")
_FOREIGN_NUMBER = re.compile(r"\d+(?:[.,\s]\d{3})*(?:[.,]\d+)?")


def spoken_words(text: str, language: str = "en", before: str = "", following: str = "") -> list[SpokenWord]:
    """Put text, from which markup has been taken, into the words a voice says.

    Args:
        text: Any length; spans are indices into it.
        language: Language code, like "en", "en-gb" or "fr".
        before: The written word before the text, for what depends on it ("Henry VIII").
        following: What begins the text after it.

    Returns:
        The words in order, with the pause after each.
    """
    words: list[SpokenWord] = []
    english = is_english(language)
    at = pause_from = 0
    while at < len(text):
        spoken, end = _english(text, at, Context(before, following)) if english else _other(text, at, language)
        if end == at:
            at += 1
            continue
        if words and spoken:
            words[-1] = with_pause(words[-1], text[pause_from:at])
        words += spoken
        before, at, pause_from = text[at:end], end, end
    if words:
        words[-1] = with_pause(words[-1], text[pause_from:])
    return words


def is_english(language: str) -> bool:
    """Whether a language code is one of English."""
    return language.split("-")[0].lower() == "en"


def with_pause(word: SpokenWord, marks: str) -> SpokenWord:
    """The word, followed by the strongest pause among the marks written after it."""
    pause = heard_pause(word.after + marks)
    return word if pause == word.after else SpokenWord(word.text, word.start, word.end, pause, word.joined)


def _english(text: str, at: int, context: Context) -> tuple[list[SpokenWord], int]:
    space = text.find(" ", at)
    if space >= 0:
        context = Context(context.before, text[space + 1 : space + LONGEST_WORD])
    for pattern, say in ENGLISH:
        match = pattern.match(text, at)
        if match and match.end() > at:
            words = say(match, context)
            if words is not None:
                return words, match.end()
    return _plain(text, at)


def _other(text: str, at: int, language: str) -> tuple[list[SpokenWord], int]:
    if match := _FOREIGN_NUMBER.match(text, at):
        return foreign_number(match[0], at, language), match.end()
    if text[at] in _FOREIGN_SYMBOLS:
        return [SpokenWord(text[at], at, at + 1)], at + 1
    return _plain(text, at)


def _plain(text: str, at: int) -> tuple[list[SpokenWord], int]:
    """A run of letters, apostrophes and hyphens inside it included; the index stays where none begins."""
    end = at
    while end < len(text):
        if end > at and text[end] in "²³":
            break
        inside = text[end] in "'’-‐‑·" and at < end < len(text) - 1 and is_word(text[end + 1])
        if not inside and (not is_word(text[end]) or (end > at and splits_between(text[end - 1], text[end]))):
            break
        end += 1
    return [_word(text, start, min(start + LONGEST_WORD, end)) for start in range(at, end, LONGEST_WORD)], end


def _word(text: str, start: int, end: int) -> SpokenWord:
    spoken = unicodedata.normalize("NFKC", text[start:end]).replace("’", "'").replace("‑", "-").replace("‐", "-")
    joined = end < len(text) and is_word(text[end]) and (is_unspaced(text[end - 1]) or is_unspaced(text[end]))
    return SpokenWord(spoken, start, end, "", joined)
