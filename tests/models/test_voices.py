"""Voices by their files' names."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.errors import ModelError
from assistant.models import voices


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model's folder with three voices."""
    (tmp_path / "voices").mkdir()
    for name in ("af_heart", "bm_george", "jf_alpha"):
        (tmp_path / "voices" / f"{name}.safetensors").touch()
    return tmp_path


def test_names_say_who_speaks(folder: Path) -> None:
    """First letter the language, second the gender."""
    heart, george, alpha = voices.installed(folder)
    assert (heart.name, heart.language, heart.gender, heart.is_british) == (
        "af_heart",
        "American English",
        "female",
        False,
    )
    assert (george.language, george.gender, george.is_british) == ("British English", "male", True)
    assert (alpha.language, alpha.is_english) == ("Japanese", False)


def test_an_unknown_voice_names_the_nearest(folder: Path) -> None:
    """A slip of the finger gets the voice that was meant; anything else, all there are."""
    with pytest.raises(ModelError, match=r"no voice 'af_hart'; did you mean af_heart\?"):
        voices.find(folder, "af_hart")
    with pytest.raises(ModelError, match="there are af_heart, bm_george"):
        voices.find(folder, "zzz")


def test_a_voice_without_pronunciation_is_refused(folder: Path) -> None:
    """It would read English letters as Japanese phonemes."""
    with pytest.raises(ModelError, match="speaks Japanese"):
        voices.find(folder, "jf_alpha")
