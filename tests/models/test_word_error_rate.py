"""How well the small profile's transcriber understands recorded people."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from recordings import Clip, asterisk, pocketsphinx, speech, transcribe, word_error_rate

from assistant.config import Config
from assistant.models.lock import local_folder
from assistant.models.whisper import WhisperTranscriber

pytestmark = pytest.mark.models


def _heard(config: Config, clips: Iterable[Clip]) -> tuple[list[str], list[str]]:
    """What was said and what was understood, clip by clip; a refused transcript is nothing understood."""
    transcriber = WhisperTranscriber(local_folder(config.models.transcriber), config.transcribe)
    said, understood = [], []
    for clip in clips:
        transcript = transcribe(transcriber, clip.samples)
        said.append(clip.transcript)
        understood.append("" if transcript.refused else transcript.text)
    return said, understood


def test_speech_of_this_repository(config: Config) -> None:
    """Commands, sentences and a speech, wherever the transcript is ground truth: at most 2 % of the words."""
    said, understood = _heard(config, speech())
    assert len(said) >= 10
    assert word_error_rate(said, understood) <= 0.02, understood


@pytest.mark.packages
@pytest.mark.skipif(not Path("/etc/debian_version").exists(), reason="the recordings are in Debian packages")
def test_speech_of_debian_packages(config: Config) -> None:
    """Telephone prompts, an audio book, cards and a command: at most 6 % of the words."""
    said, understood = _heard(config, [*asterisk(), *pocketsphinx()])
    assert len(said) >= 50
    assert word_error_rate(said, understood) <= 0.06, understood
