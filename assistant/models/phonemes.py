"""Pronunciation, offline: misaki where it is installed with its spaCy model, else espeak-ng.

Kokoro reads misaki's phoneme alphabet: IPA with one letter for a diphthong or affricate. The tables
from espeak's IPA follow misaki/espeak.py (hexgrad/misaki, Apache-2.0).
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import TypeAlias

from rapidfuzz.distance import Levenshtein, Opcodes

from assistant.messages import SpokenWord
from assistant.models.espeak import Espeak

Pronounce: TypeAlias = Callable[[Sequence[str]], list[str]]
"""Words of one clause to the phonemes of each."""

_COMMON = {
    "a^ɪ": "I", "a^ʊ": "W", "ɔ^ɪ": "Y", "e^ɪ": "A", "e": "A", "o": "ɔ",
    "d^ʒ": "ʤ", "t^ʃ": "ʧ", "ə^l": "ᵊl", "n̩": "ᵊn", "l̩": "ᵊl", "m̩": "ᵊm",
    "ɐ": "ə", "ɚ": "əɹ", "r": "ɹ", "x": "k", "ç": "k", "ɬ": "l", "ʔ": "t", "ʲ": "", "\u0303": "", "^": "",
}  # fmt: skip
_AMERICAN = _COMMON | {"o^ʊ": "O", "ɜːɹ": "ɜɹ", "ɜː": "ɜɹ", "ɪə": "iə", "ɾ": "T", "ː": ""}
_BRITISH = _COMMON | {"ə^ʊ": "Q", "e^ə": "ɛː", "i^ə": "ɪə", "iə": "ɪə", "ɾ": "t", "æ": "a"}
_TIDY_AMERICAN = [(r"ɹɹ", "ɹ"), (r"ᵻ(?![dz]$)", "ə"), (r"T$", "t"), (r"^ðɪ$", "ði")]
_TIDY_BRITISH = [(r"ɹɹ", "ɹ"), (r"ɪ$", "i"), (r"^wˈɒn$", "wˈʌn")]
"""Where espeak differs from misaki's lexicon, which Kokoro learnt from, most often in 3100 words of prose."""

_STRESSED = frozenset(("i", "if", "on", "so", "what", "when"))
"""The lexicon stresses these; without it Kokoro swallows an "I" that begins a sentence."""
_WORDS = {"a": "ɐ", "an": "ɐn"}
_LETTERS = {"A": "ˈA", "I": "ˈI"}

_VOWELS = "aæɐɑɒəɚɛɜiɪᵻɔoʊuʌe"
_VOWEL, _STRESS = re.compile(f"[{_VOWELS}AIOQWY]"), re.compile("[ˈˌ]")
_ALIKE = str.maketrans(dict.fromkeys(_VOWELS, "V") | {"ɾ": "t", "ʔ": "t", "ˌ": "ˈ"})
"""What changes when a word is said in a sentence: vowels weaken, t becomes a flap."""

_LANGUAGE = re.compile(r"\([^)]*\)")
"""espeak's note that it went over to another language, as "(^k^o)"."""

_SPEAKABLE = re.compile(r"[0-9A-Za-z\u00c0-\u024f]")
"""Of other scripts an English voice says only "Chinese letter, Chinese letter"; it is better silent."""


def phonemize(words: Sequence[SpokenWord], british: bool) -> list[str]:
    """Phonemes of each word, punctuation left out, each clause pronounced as a whole.

    Args:
        words: In spoken order; a word with `after` set ends a clause.
        british: British instead of American pronunciation.

    Returns:
        One string of Kokoro's phonemes per word, empty where a word has no sound.

    Raises:
        ModelError: neither misaki nor espeak-ng is there; the text says how to install one.
    """
    pronounce = _pronouncer(british)
    phonemes = [""] * len(words)
    clause: list[int] = []
    for index, word in enumerate(words):
        if _SPEAKABLE.search(word.text):
            clause.append(index)
        if clause and (word.after or index == len(words) - 1):
            texts = [words[place].text for place in clause]
            for place, spoken in zip(clause, spelled(texts, pronounce(texts)), strict=True):
                phonemes[place] = spoken
            clause = []
    return phonemes


@cache
def _pronouncer(british: bool) -> Pronounce:
    return _misaki(british) if _has_misaki() else _espeak(british)


def _espeak(british: bool) -> Pronounce:
    espeak = Espeak.load()
    voice = "gmw/en-GB-x-rp" if british else "gmw/en-US"
    table, rules = (_BRITISH, _TIDY_BRITISH) if british else (_AMERICAN, _TIDY_AMERICAN)
    pattern = re.compile("|".join(sorted(map(re.escape, table), key=len, reverse=True)))

    def ipa(text: str) -> str:
        return _LANGUAGE.sub("", espeak.phonemes(text, voice))

    def tidy(word: str, spoken: str) -> str:
        spoken = pattern.sub(lambda found: table[found[0]], spoken)
        for wrong, right in rules:
            spoken = re.sub(wrong, right, spoken)
        if word in _STRESSED and not _STRESS.search(spoken):
            spoken = _VOWEL.sub(r"ˌ\g<0>", spoken, count=1)
        return _WORDS.get(word, spoken)

    def pronounce(clause: Sequence[str]) -> list[str]:
        spoken = aligned(ipa(" ".join(clause)), clause, ipa)
        return [tidy(word.lower(), sounds) for word, sounds in zip(clause, spoken, strict=True)]

    return pronounce


def spelled(clause: Sequence[str], phonemes: Sequence[str]) -> list[str]:
    """Say single capitals as letters: "plan A" is no article, "F B I" is stressed on its last letter.

    With every letter stressed Whisper heard "J. R. R. Tolkien" as "J.R. Artalkine".
    """
    is_letter = [len(word) == 1 and word.isupper() for word in clause] + [False]
    said = list(phonemes)
    for index, word in enumerate(clause):
        in_run = is_letter[index] and (is_letter[index - 1] or is_letter[index + 1])
        if in_run or (word == "A" and index > 0):
            stress = "ˌ" if is_letter[index + 1] else "ˈ"
            said[index] = _STRESS.sub(stress, _LETTERS.get(word, said[index]))
    return said


def aligned(clause: str, words: Sequence[str], alone: Callable[[str], str]) -> list[str]:
    """Share the phonemes of a clause among its words.

    espeak runs common pairs together ("in the" is "ɪnðə"), so where the counts differ the clause is
    laid beside the words pronounced one by one, and cut where their borders fall.
    """
    parts = clause.split()
    if len(parts) == len(words):
        return parts
    parts = [alone(word) for word in words]
    borders = [0]
    for part in parts:
        borders.append(borders[-1] + len(part) + 1)
    edits = Levenshtein.opcodes(" ".join(parts).translate(_ALIKE) + " ", clause.translate(_ALIKE) + " ")
    cuts = [_moved(border, edits, len(clause)) for border in borders]
    cuts = [cut - (clause[cut - 1 : cut] in ("ˈ", "ˌ")) for cut in cuts]
    inside = ["".join(clause[start:end].split()) for start, end in pairwise(cuts)]
    return [found or part for found, part in zip(inside, parts, strict=True)]


def _moved(border: int, edits: Opcodes, end: int) -> int:
    """Where a position of the source falls in the destination of an edit script."""
    for edit in edits:
        if edit.src_start <= border < edit.src_end:
            return int(min(edit.dest_start + border - edit.src_start, edit.dest_end))
    return end


def backend() -> str:
    """Which of the two is in use, for `assistant doctor`; raises as `phonemize`."""
    Espeak.load()  # misaki too asks it for the words it does not know
    return "misaki" if _has_misaki() else "espeak-ng"


def _has_misaki() -> bool:
    """Whether misaki can run without a download; it fetches a missing spaCy model by itself."""
    if not (importlib.util.find_spec("misaki") and importlib.util.find_spec("spacy")):
        return False
    return bool(importlib.import_module("spacy").util.is_package("en_core_web_sm"))


def _misaki(british: bool) -> Pronounce:
    espeak = _espeak(british)
    g2p = importlib.import_module("misaki.en").G2P(
        trf=False, british=british, fallback=lambda token: (espeak([token.text])[0], 2)
    )

    def pronounce(clause: Sequence[str]) -> list[str]:
        words = [""]
        for token in g2p(" ".join(clause))[1]:
            words[-1] += token.phonemes or ""
            words += [""] if token.whitespace else []
        return words if len(words) == len(clause) else espeak(clause)

    return pronounce
