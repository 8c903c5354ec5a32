"""Word error rate between what was expected and what was understood."""

from __future__ import annotations

from assistant.models.normalise import normaliser


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
