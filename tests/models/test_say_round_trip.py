"""What the voice says is heard again by Whisper: cutting, spoken forms, pronunciation and voice together."""

from __future__ import annotations

import csv
from pathlib import Path

import jiwer
import numpy as np
import pytest
import soxr

from assistant.config import Config
from assistant.messages import MIC_RATE_HZ, Samples
from assistant.models import lock
from assistant.models.normalise import normaliser
from assistant.models.speech import KokoroSynthesizer
from assistant.models.whisper import WhisperTranscriber
from assistant.text.fragments import fragments_of

SENTENCES = Path(__file__).parent.parent / "data" / "say.tsv"
HIGHEST_ERROR_RATE = 0.05


def said(text: str, voice: KokoroSynthesizer, config: Config) -> Samples:
    """A reply as it would be played, at the microphone's rate."""
    pieces = []
    for fragment in fragments_of(text, config.speech, config.transcribe.language):
        gap_ms = config.speech.sentence_gap_ms if fragment.ends_sentence else config.speech.clause_gap_ms
        pieces += [audio.samples for step in voice.synthesize(fragment) for audio in step.values]
        pieces.append(np.zeros(voice.rate_hz * gap_ms // 1000, np.float32))
    return np.asarray(soxr.resample(np.concatenate(pieces), voice.rate_hz, MIC_RATE_HZ), np.float32)


def heard(samples: Samples, transcriber: WhisperTranscriber) -> str:
    """What Whisper makes of it."""
    (transcript,) = [transcript for step in transcriber.transcribe(samples) for transcript in step.values]
    return transcript.text


@pytest.mark.models
@pytest.mark.timeout(1800)  # 80 s of speech: two minutes on two quiet cores
def test_sentences_come_back_as_they_were_written(config: Config) -> None:
    """At most 5 % of the words of say.tsv, as spoken, are heard wrong; both sides in Whisper's normal form."""
    voice = KokoroSynthesizer(lock.local_folder(config.models.voice), config.speech, config.runtime.seed)
    transcriber = WhisperTranscriber(lock.local_folder(config.models.transcriber), config.transcribe)
    with SENTENCES.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened, delimiter="\t", quoting=csv.QUOTE_NONE))
    normal = normaliser(config.transcribe.language)
    expected = [normal(row["expected"]) for row in rows]
    transcripts = [normal(heard(said(row["text"], voice, config), transcriber)) for row in rows]
    wrong = [pair for pair in zip(expected, transcripts, strict=True) if pair[0] != pair[1]]
    assert len(rows) >= 20
    assert jiwer.wer(expected, transcripts) <= HIGHEST_ERROR_RATE, wrong
