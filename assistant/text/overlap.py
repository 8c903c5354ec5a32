"""Whether what was heard repeats what was just played, and whether it means anything at all.

The last line of defence against hearing oneself. mlx-audio's pipeline looks for the transcript
anywhere in the whole reply and knows only [a-z0-9], so that "stop" is lost whenever the reply holds
the word and a Russian can never interrupt; here only words that sounded count, in order, in any
script, and a short transcript must also cover most of what sounded.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from assistant.text.characters import is_unspaced, is_word, splits_between
from assistant.text.spoken import spoken_words

_ALIKE = 0.6
"""Similarity of spelling from which a word may be a mishearing of another, and counts that much."""
_SAME = 0.85
"""Similarity of the bare letters from which words cut apart otherwise ("good bye") are the same."""
_HEAVIEST = 6
"""Letters of a word that count: "the" says less than "chorus", but a long word does not decide alone."""
_SHORT = 2
_DRAWN_OUT = re.compile(r"(.)\1+")


def normalise(text: str) -> list[str]:
    """Words as they compare: spoken form, folded case, no marks; scripts without spaces by character.

    "10" and "ten" are equal, and so are "Dr." and "doctor", "FBI" and "F B I".
    """
    return list(_normalised(text))


@lru_cache(maxsize=512)  # every transcript is compared with every phrase of every command: 6 ms of each turn
def _normalised(text: str) -> tuple[str, ...]:
    folded = unicodedata.normalize("NFKC", text)
    return tuple(part for word in spoken_words(folded) for part in _parts(word.text.casefold()))


def _parts(text: str) -> list[str]:
    """ "twenty-one" and "mm-hm" are two words; an apostrophe is dropped."""
    parts: list[str] = []
    inside = False
    for char in re.sub("['’]", "", text):
        if inside and is_word(char) and not splits_between(parts[-1][-1], char):
            parts[-1] += char
        elif is_word(char):
            parts.append(char)
        inside = is_word(char)
    return parts


def repeats(transcript: str, played: str, threshold: float) -> bool:
    """Whether a transcript is the echo of what was played.

    Args:
        transcript: What was heard, in any script.
        played: The words that sounded during the utterance or just before it, and no others.
        threshold: 0 to 1: this share of the transcript, by length, must be found in `played` in the
            same order; words misheard a little count in part. A transcript of one or two words must
            also cover this share of `played`, and 0.6 at least: "stop" is an echo of "stop", but
            not of "you should stop and wait".
    """
    heard, sounded = normalise(transcript), normalise(played)
    if not heard or not sounded:
        return False
    common = _common(heard, sounded)
    if sum(0.5 if is_unspaced(word[0]) else 1.0 for word in heard) <= _SHORT:
        return common / max(_weight(heard), _weight(sounded)) >= max(threshold, 0.6)
    return common / _weight(heard) >= threshold or _same_letters("".join(heard), "".join(sounded))


def is_backchannel(text: str, phrases: Iterable[str]) -> bool:
    """Whether a text consists of nothing but such phrases ("Mm-hm, okay."), however drawn out."""
    words = _bare(text)
    known = [_bare(phrase) for phrase in phrases]
    reached = {0}
    for at in range(len(words)):
        if at in reached:
            reached |= {at + len(phrase) for phrase in known if words[at : at + len(phrase)] == phrase}
    return bool(words) and len(words) in reached


def _bare(text: str) -> list[str]:
    return [_DRAWN_OUT.sub(r"\1", part) for part in _parts(unicodedata.normalize("NFKC", text).casefold())]


def _common(heard: Sequence[str], sounded: Sequence[str]) -> float:
    """Weight of the heaviest alignment in order: the longest common subsequence, with likeness."""
    row = [0.0] * (len(sounded) + 1)
    for word in heard:
        above, row = row, [0.0]
        for index, other in enumerate(sounded):
            match = above[index] + _weight([word]) * _likeness(word, other)
            row.append(max(match, above[index + 1], row[index]))
    return row[-1]


def _weight(words: Sequence[str]) -> int:
    return sum(min(len(word), _HEAVIEST) for word in words)


@lru_cache(maxsize=4096)
def _likeness(word: str, other: str) -> float:
    likeness = Levenshtein.normalized_similarity(word, other)
    return likeness if likeness >= _ALIKE else 0.0


def _same_letters(heard: str, sounded: str) -> bool:
    return len(heard) <= len(sounded) and fuzz.partial_ratio(heard, sounded) >= 100 * _SAME
