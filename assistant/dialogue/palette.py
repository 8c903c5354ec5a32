"""One set of colours for every picture of a dialogue: told apart by eyes that do not tell red from green.

Red is kept for what went wrong, and never stands alone: a sign, a pattern or words stand beside it.
"""

from __future__ import annotations

from collections.abc import Mapping

LIGHT = {
    "user": "#2a66d9",
    "heard": "#7da4ec",
    "wait": "#e9b949",
    "held": "#b3ada1",
    "hear": "#8257d8",
    "prompt": "#9c3a72",
    "think": "#e08ab8",
    "voice": "#58bda6",
    "play": "#0f8f77",
    "pause": "#0f8f77",
    "cut": "#b05a12",
    "echo": "#8c97ab",
    "wrong": "#c9372c",
    "room": "#a8a296",
}
"""By what is shown, on white."""

DARK = {
    **LIGHT,
    "user": "#6a9bff",
    "heard": "#4468ad",
    "held": "#6f6a61",
    "hear": "#a98bf0",
    "prompt": "#c8659f",
    "play": "#22b398",
    "pause": "#22b398",
    "cut": "#e08a3c",
    "echo": "#77839a",
    "wrong": "#ff7a66",
    "room": "#5c574f",
}
"""The same on near black."""


def variables(palette: Mapping[str, str]) -> str:
    """As CSS custom properties."""
    return "".join(f"--{name}:{colour};" for name, colour in palette.items())
