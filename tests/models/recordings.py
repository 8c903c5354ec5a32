"""Recorded speech with its transcripts, for word error rates."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import jiwer
import numpy as np
from num2words import num2words

from assistant.audio.wav import read_wav
from assistant.messages import Samples, Transcript
from assistant.models.normalise import normaliser
from assistant.ports import Transcriber

TESTS = Path(__file__).parent.parent
GROUND_TRUTH = ("file name / repo annotation", "well-known")
"""Transcripts that were there before any model heard the recording."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording and what it says."""

    name: str
    samples: Samples
    transcript: str


def speech() -> Iterator[Clip]:
    """The recordings of tests/speech whose transcripts are ground truth."""
    with (TESTS / "speech" / "transcripts.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["transcript_from"] in GROUND_TRUTH:
                yield Clip(row["file"], read_wav(TESTS / "speech" / row["file"]), row["transcript"])


def asterisk() -> Iterator[Clip]:
    """Prompts of a telephone exchange, 8 kHz, one voice, from a Debian package."""
    folder = debian_package("asterisk-core-sounds-en-wav") / "usr/share/asterisk/sounds/en_US_f_Allison"
    with (TESTS / "data" / "asterisk.tsv").open(encoding="utf-8") as file:
        lines = (line for line in file if not line.startswith("#"))
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield Clip(row["file"], read_wav(folder / row["file"]), row["transcript"])


def pocketsphinx() -> Iterator[Clip]:
    """Five sentences of an audio book, five hands of cards and a command, 16 kHz, from a Debian package."""
    folder = debian_package("pocketsphinx-testdata") / "usr/share/pocketsphinx/test/data"
    for transcription in (folder / "librivox/transcription", folder / "cards/cards.transcription"):
        for text, name in re.findall(r"<s> (.*?) +</s> \((.*)\)", transcription.read_text(encoding="ascii")):
            yield Clip(name, read_wav(transcription.parent / f"{name}.wav"), text)
    command = np.fromfile(folder / "goforward.raw", "<i2").astype(np.float32) / np.float32(2**15)
    yield Clip("goforward", command, "go forward ten meters")


def debian_package(name: str) -> Path:
    """Folder of an unpacked package, fetched once and kept with the caches of this user."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "assistant" / "debian"
    folder = caches / name
    if not folder.exists():
        caches.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=caches) as work:
            subprocess.run(["apt-get", "download", name], cwd=work, check=True, capture_output=True)
            (package,) = Path(work).glob("*.deb")
            subprocess.run(["dpkg-deb", "-x", package, Path(work) / "unpacked"], check=True)
            shutil.move(Path(work) / "unpacked", folder)
    return folder


def transcribe(transcriber: Transcriber, samples: Samples) -> Transcript:
    """The one transcript, all steps taken."""
    (transcript,) = (value for step in transcriber.transcribe(samples) for value in step.values)
    return transcript


def word_error_rate(expected: Sequence[str], heard: Sequence[str]) -> float:
    """Errors per word over all clips, after Whisper's normaliser.

    That reads "one two three" as the number 123, but "1, 2, 3." as three numbers; so both are
    spelled out first.
    """
    normalise = normaliser("en")

    def comparable(text: str) -> str:
        return normalise(re.sub(r"\d+", lambda number: num2words(int(number[0])), text))

    return float(jiwer.wer([comparable(text) for text in expected], [comparable(text) for text in heard]))
