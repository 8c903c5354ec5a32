"""Estimated lengths against what Kokoro's af_heart took for the same words, silence trimmed."""

from __future__ import annotations

import pytest

from assistant.text.duration import spoken_seconds
from assistant.text.spoken import spoken_words


@pytest.mark.parametrize(
    ("text", "measured_s"),
    [
        ("I set a timer for ten minutes.", 1.57),
        ("It looks like rain this afternoon,", 1.57),
        ("but the cafe next door stays open.", 1.89),
        ("when you get home.", 0.82),
        ("The tower is 324 steps high,", 2.30),
        ("and one half of it is about 1.57.", 2.65),
        ("Water boils at 100°C,", 2.33),
        ("on 2026-03-14,", 2.15),
        ("Dr. Smith works for the BBC", 1.90),
        ("in St. Louis.", 0.84),
        ("at wikipedia.org today.", 1.60),
        ("Sure!", 0.46),
    ],
)
def test_the_estimate_is_near_and_rather_long(text: str, measured_s: float) -> None:
    """Fragments are cut by it: too short would let a step last too long."""
    assert 0.95 * measured_s <= spoken_seconds(spoken_words(text)) <= 1.5 * measured_s


def test_speed_divides() -> None:
    words = spoken_words("Hello there, my friend.")
    assert spoken_seconds(words, speed=2.0) == pytest.approx(spoken_seconds(words) / 2)


def test_it_adds_up() -> None:
    """The cutter counts word by word."""
    words = spoken_words("Hello there, my friend.")
    assert spoken_seconds(words) == pytest.approx(sum(spoken_seconds([word]) for word in words))


@pytest.mark.parametrize(
    ("language", "text", "least_s", "most_s"),
    [
        ("zh", "今天天气很好", 0.9, 2.4),
        ("ja", "こんにちは", 0.6, 1.6),
        ("hi", "नमस्ते दुनिया", 0.6, 1.8),
        ("de", "Guten Morgen", 0.5, 1.5),
    ],
)
def test_other_scripts_take_time_too(language: str, text: str, least_s: float, most_s: float) -> None:
    """By the pace of ordinary speech: four to seven syllables a second."""
    assert least_s <= spoken_seconds(spoken_words(text, language), language) <= most_s
