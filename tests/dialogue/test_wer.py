"""Word error rates as they are published for Whisper."""

from __future__ import annotations

import pytest

from assistant.dialogue.wer import word_error_rate


@pytest.mark.parametrize(
    ("expected", "heard", "language", "rate"),
    [
        ("set a timer for ten minutes", "Set a timer for 10 minutes.", "en", 0.0),
        ("ten dollars, Mr. Smith", "$10 mister smith", "auto", 0.0),
        ("turn on the lamp", "turn off the lamp", "en", 0.25),
        ("lamp", "the lamp lamp", "en", 2.0),
        ("hmm", "", "en", 0.0),
        ("hmm", "well", "en", 1.0),
        ("turn on the lamp", "", "en", 1.0),
        ("Zehn Euro, bitte!", "zehn euro bitte", "de", 0.0),
        ("Zehn Euro", "10 Euro", "de", 0.5),
    ],
)
def test_word_error_rate(expected: str, heard: str, language: str, rate: float) -> None:
    """English numbers and titles are one word either way; other languages get the basic treatment."""
    assert word_error_rate(expected, heard, language) == rate
