"""Word error rate between what was expected and what was understood."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from rapidfuzz.distance import Levenshtein

from assistant.models.normalise import normaliser

Edit: TypeAlias = Literal["same", "missing", "added"]


def word_error_rate(expected: str, heard: str, language: str) -> float:
    """Rate of jiwer on words that Whisper's normaliser made comparable.

    Args:
        expected: Reference text.
        heard: Hypothesis.
        language: Language code, or "auto".
    """
    import jiwer

    normalise = normaliser(language)
    reference, hypothesis = normalise(expected).strip(), normalise(heard).strip()
    if not reference:  # only sounds like "hmm", which the normaliser leaves out
        return float(bool(hypothesis))
    return float(jiwer.wer(reference, hypothesis))


def word_diff(expected: str, heard: str, language: str) -> list[tuple[Edit, str]]:
    """The normalised words of both, in order: same in both, missing in what was heard, or added there."""
    normalise = normaliser(language)
    return diff_words(normalise(expected).split(), normalise(heard).split())


def diff_words(reference: Sequence[str], hypothesis: Sequence[str]) -> list[tuple[Edit, str]]:
    """The words of both, in order, neighbours of one kind in one text."""
    diff: list[tuple[Edit, str]] = []
    for edit in Levenshtein.opcodes(reference, hypothesis):
        if edit.tag == "equal":
            diff.append(("same", " ".join(reference[edit.src_start : edit.src_end])))
            continue
        if edit.src_start < edit.src_end:
            diff.append(("missing", " ".join(reference[edit.src_start : edit.src_end])))
        if edit.dest_start < edit.dest_end:
            diff.append(("added", " ".join(hypothesis[edit.dest_start : edit.dest_end])))
    return diff
