"""The voices in a Kokoro folder, and what their names say: af_heart is an American woman; which models are others."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from assistant.config import nearest
from assistant.errors import ModelError

_LANGUAGES = {
    "a": "American English",
    "b": "British English",
    "e": "Spanish",
    "f": "French",
    "h": "Hindi",
    "i": "Italian",
    "j": "Japanese",
    "p": "Brazilian Portuguese",
    "z": "Mandarin Chinese",
}
_GENDERS = {"f": "female", "m": "male"}
_STREAMING = frozenset(("pocket_tts", "gradium_phonon_tts", "qwen3_tts", "llama", "csm", "sesame", "marvis"))
"""`model_type` in config.json: Pocket, Qwen3-TTS, Orpheus, CSM."""


def streams(folder: Path) -> bool:
    """Whether a model gives sound while it speaks; such a one knows its voices itself."""
    try:
        facts = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False  # what is wrong with it, loading will say
    return isinstance(facts, dict) and facts.get("model_type") in _STREAMING


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice pack."""

    name: str
    path: Path

    @property
    def language(self) -> str:
        """From the name's first letter."""
        return _LANGUAGES.get(self.name[0], "unknown")

    @property
    def gender(self) -> str:
        """From the name's second letter."""
        return _GENDERS.get(self.name[1:2], "unknown")

    @property
    def is_british(self) -> bool:
        """British pronunciation fits it."""
        return self.name[0] == "b"

    @property
    def is_english(self) -> bool:
        """There is a pronunciation for it here."""
        return self.name[0] in "ab"


def installed(folder: Path) -> list[Voice]:
    """The voices of a model's folder, by name."""
    return [Voice(path.stem, path) for path in sorted((folder / "voices").glob("*.safetensors"))]


def find(folder: Path, name: str) -> Voice:
    """A voice that can speak.

    Raises:
        ModelError: there is no such voice (the text gives the nearest), or its language has no pronunciation here.
    """
    voices = {voice.name: voice for voice in installed(folder)}
    if name not in voices:
        english = [voice.name for voice in voices.values() if voice.is_english]
        raise ModelError(f"There is no voice {name!r}{nearest(name, english)}")
    if not voices[name].is_english:
        raise ModelError(
            f"The voice {name} speaks {voices[name].language}, for which there is no pronunciation here; "
            "choose one whose name begins with a or b (`assistant voices` lists them)."
        )
    return voices[name]
