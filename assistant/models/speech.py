"""Kokoro through mlx-audio: a fragment in, its sound and the time of each of its words out.

The model is called directly with phonemes and a voice pack: mlx-audio's own pipeline would fetch
voices and language data from the network, and cuts text where it likes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
from mlx_audio.tts import load
from mlx_audio.tts.models.kokoro import Model

from assistant.config import Speech
from assistant.errors import ModelError
from assistant.messages import Fragment, Samples, SpeechAudio, SpokenWord, Step, Steps, WordTime, Work
from assistant.models import cpu, kokoro_cpu, voices
from assistant.models.draws import Draws
from assistant.models.phonemes import phonemize
from assistant.models.voices import Voice

GAIN = 1.3
"""The same for every fragment and voice, so that loudness never jumps. Kokoro's loudest voice peaks at 0.73."""

_MOST_PHONEMES = 510
_SILENCE = 0.003
"""Kokoro's own silence stays below 0.001, the weakest consonant above this."""
_CLICK_S = 0.07
"""bf_emma and bm_fable end short sentences with a click here, in the silence after the last word."""
_KEPT_S, _FADE_S = 0.010, 0.005
"""Kept on both sides of what sounds, and faded so that joins do not click."""


@dataclass(frozen=True, slots=True)
class Passage:
    """What the model is given in one call."""

    phonemes: str
    words: tuple[tuple[SpokenWord, int, int], ...]
    """Each word with its span in `phonemes`, empty where it has no sound."""


class KokoroSynthesizer:
    """Satisfies ports.Synthesizer; made and used on the thread that owns MLX.

    Args:
        folder: A Kokoro model with `voices/*.safetensors`.
        speech: Voice, speed, and the gap between passages of a fragment too long for one call.
        seed: Kokoro's noise is drawn from this and the phonemes, so a fragment always sounds the same.

    Raises:
        ModelError: there is no such voice, or the folder holds no Kokoro model.
    """

    def __init__(self, folder: Path, speech: Speech, seed: int) -> None:
        self._voice = voices.find(folder, speech.voice)
        self._speech, self._seed = speech, seed
        self.speed = speech.speed
        """See ports.Synthesizer."""
        self._model = _load(folder)
        self._pack = _load_pack(self._voice)

    @property
    def rate_hz(self) -> int:
        """See ports.Synthesizer."""
        return int(self._model.sample_rate)

    def synthesize(self, fragment: Fragment) -> Steps[SpeechAudio]:
        """See ports.Synthesizer. A fragment in which nothing can be said gives no samples."""
        passages = plan(fragment.words, phonemize(fragment.words, self._voice.is_british), self._model.vocab)
        gap = np.zeros(round(self._speech.clause_gap_ms * self.rate_hz / 1000), np.float32)
        sounds: list[Samples] = []
        times: list[WordTime] = []
        for index, passage in enumerate(passages):
            sounds += [gap] if index else []
            samples, word_times = self._speak(passage, sum(map(len, sounds)))
            sounds.append(samples)
            times += word_times
            work = (Work("voice", len(samples) / self.rate_hz),)
            if index < len(passages) - 1:
                yield Step(work)
        if not passages:  # nothing can be said of it; every word has a time all the same
            times = [WordTime(0, 0, word.end) for word in fragment.words]
        audio = SpeechAudio(np.concatenate(sounds or [gap[:0]]), tuple(times), fragment)
        yield Step(work if passages else (), (audio,))

    def _speak(self, passage: Passage, offset: int) -> tuple[Samples, list[WordTime]]:
        style = self._pack[len(passage.phonemes) - 1]
        with Draws(self._seed, self._voice.name, self.speed, passage.phonemes).drawing():
            output = self._model(passage.phonemes, style, self.speed, return_output=True)
            raw = np.array(output.audio[0].astype(mx.float32))
        start, end = _sounding(raw, self.rate_hz)
        borders = np.cumsum(np.array(output.pred_dur))  # the first is the end of the model's start token
        frame = len(raw) // int(borders[-1])
        times = []
        for word, first, last in passage.words:
            # a frame early: words after a pause sound 20 to 65 ms before the first frame of their own
            span = np.array([borders[first] * frame - frame * (last > first), borders[last] * frame])
            begins, ends = np.clip(span - start, 0, end - start) + offset
            times.append(WordTime(int(begins), int(ends), word.end))
        return _faded(raw[start:end] * np.float32(GAIN), self.rate_hz), times


def plan(words: Sequence[SpokenWord], phonemes: Sequence[str], known: Collection[str]) -> list[Passage]:
    """Join words to passages of at most 510 phonemes, the most that Kokoro reads at once.

    Args:
        words: In spoken order.
        phonemes: Of each word, without punctuation.
        known: The model's symbols; others are dropped, as it would do itself, so that spans stay right.
    """
    passages: list[Passage] = []
    text = ""
    spans: list[tuple[SpokenWord, int, int]] = []
    for word, spoken in zip(words, phonemes, strict=True):
        spoken = "".join(symbol for symbol in spoken if symbol in known)[: _MOST_PHONEMES - 1]
        if text and len(text) + len(spoken) + 2 > _MOST_PHONEMES:
            passages.append(Passage(text, tuple(spans)))
            text, spans = "", []
        text += " " if text and spoken else ""
        spans.append((word, len(text), len(text) + len(spoken)))
        text += spoken
        text += word.after if text else ""
    return [*passages, Passage(text, tuple(spans))] if text else passages


def _load_pack(voice: Voice) -> mx.array:
    """(510, 1, 256): a style for every count of phonemes."""
    tensors: Any = mx.load(str(voice.path))
    pack: mx.array = tensors["voice"]
    mx.eval(pack)
    return pack


def _load(folder: Path) -> Model:
    try:
        model: Model = load(folder)
    except (OSError, RuntimeError, ValueError) as error:
        raise ModelError(f"The voice model in {folder} cannot be loaded: {error}.") from error
    if not isinstance(model, Model):
        raise ModelError(f"The voice model in {folder} is not Kokoro, the only kind this version speaks with.")
    if not mx.metal.is_available():
        cpu.to_float32(model)
        kokoro_cpu.fold(model)
    cpu.evaluate(model)
    return model


def _sounding(samples: Samples, rate_hz: int) -> tuple[int, int]:
    """Where the sound is, a few milliseconds of silence on both sides included; empty if there is none."""
    loud = np.flatnonzero(np.abs(samples[: -round(_CLICK_S * rate_hz)]) > _SILENCE)
    if not loud.size:
        return 0, 0
    kept = round(_KEPT_S * rate_hz)
    return max(int(loud[0]) - kept, 0), int(loud[-1]) + 1 + kept


def _faded(samples: Samples, rate_hz: int) -> Samples:
    """Fade in and out over the silence that was kept, and keep within [-1, 1]."""
    length = min(round(_FADE_S * rate_hz), len(samples) // 2)
    ramp = np.linspace(0, 1, length, dtype=np.float32)
    samples[:length] *= ramp
    samples[len(samples) - length :] *= ramp[::-1]
    return np.clip(samples, -1, 1)
