"""Whether words sound like the end."""

from __future__ import annotations

import pytest

from assistant.text.completeness import completeness


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Set a timer for ten minutes.", "en", "finished"),
        ("Where is it from?", "en", "finished"),
        ('He said: "Stop!"', "en", "finished"),
        ("And so, my fellow Americans,", "en", "unfinished"),
        ("Turn on the.", "en", "unfinished"),
        ("I would like a coffee and", "en", "unfinished"),
        ("I, um...", "en", "unfinished"),
        ("I'd like, uh", "en", "unfinished"),
        ("I think so.", "en", "unknown"),
        ("What I would do is", "en", "unfinished"),
        ("Turn it on.", "en", "unknown"),
        ("My number is 555.", "en", "unknown"),
        ("play some music", "en", "unknown"),
        ("", "en", "unknown"),
        ("Wie spät ist es?", "de", "finished"),
        ("Ich möchte einen Kaffee und.", "de", "unfinished"),
        ("Je voudrais un café avec", "fr", "unfinished"),
        ("今天天气怎么样？", "zh", "finished"),
        ("今天，", "zh", "unfinished"),
    ],
)
def test_the_last_word_counts_more_than_the_full_stop(text: str, language: str, expected: str) -> None:
    """Whisper ends with one whatever is cut off."""
    assert completeness(text, language) == expected
