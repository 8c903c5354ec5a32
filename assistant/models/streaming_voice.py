"""Voices of mlx-audio that give sound while they speak: Pocket, Qwen3-TTS, and by the same call Orpheus and CSM.

Read from mlx-audio 0.6.2 and run with a Pocket of random weights; none was heard. Orpheus and CSM fetch their codec
by name from the hub, so they serve only where the hub's cache has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
from mlx_audio.tts import load

from assistant.config import Speech, nearest
from assistant.errors import ModelError
from assistant.messages import Fragment, Samples, SpeechAudio, Step, Steps, WordTime, Work, WorkKind
from assistant.models import cpu
from assistant.models.draws import Draws

_FIRST: WorkKind = "voice"
_MORE: WorkKind = "voice_more"

_PIECE_S = 0.5
"""Of sound in a piece: soon there, and long enough to be made while the one before is played."""
_SILENCE = 0.003
_KEPT_S = 0.01
_LETTER_S, _WORD_S, _PAUSE_S = 0.055, 0.08, 0.25
"""About how English is spoken. These voices do not tell the times of words."""


class StreamingSynthesizer:
    """Satisfies ports.Synthesizer; made and used on the thread that owns MLX. `speed` changes nothing: they have none.

    A fragment comes in pieces, each with the words that, as far as can be told, sound in it.

    Args:
        folder: A model of one of the kinds in voices.streams.
        speech: The voice.
        seed: What the model draws follows this and the text, whatever other models draw between its steps.

    Raises:
        ModelError: The folder holds no such model, or the model has no such voice.
    """

    def __init__(self, folder: Path, speech: Speech, seed: int) -> None:
        try:
            self._model: Any = load(folder)
        except (OSError, RuntimeError, ValueError) as error:
            raise ModelError(f"The voice model in {folder} cannot be loaded: {error}.") from error
        if not mx.metal.is_available():
            cpu.to_float32(self._model)
        cpu.evaluate(self._model)
        known = _voices(self._model, folder)
        if known and speech.voice not in known:
            raise ModelError(f"There is no voice {speech.voice!r}{nearest(speech.voice, known)}")
        self._voice, self._seed = speech.voice, seed
        self.speed = speech.speed
        """See ports.Synthesizer."""

    @property
    def rate_hz(self) -> int:
        """See ports.Synthesizer."""
        return int(self._model.sample_rate)

    def synthesize(self, fragment: Fragment) -> Steps[SpeechAudio]:
        """See ports.Synthesizer: one step for each piece. A fragment without words gives no samples."""
        sounding, words, kind = False, _Words(fragment, self.rate_hz), _FIRST
        for samples, last in self._pieces(fragment.text) if fragment.words else ():
            work = (Work(kind, len(samples) / self.rate_hz),)
            kind = _MORE
            if not sounding:
                samples = samples[_first_sound(samples, self.rate_hz) :]
                sounding = len(samples) > 0
            audio = words.piece(samples, last)
            yield Step(work, (audio,) if len(samples) or last else ())
        if not words.complete:
            yield Step((), (words.piece(np.zeros(0, np.float32), last=True),))

    def _pieces(self, text: str) -> Iterator[tuple[Samples, bool]]:
        """Sound as it comes, (n,) each, and whether the model says that it is the last."""
        draws = Draws(self._seed, self._voice, text)
        results = self._model.generate(
            text=text, voice=self._voice, stream=True, streaming_interval=_PIECE_S, verbose=False
        )
        with closing(results):
            while True:
                with draws.drawing():
                    result = next(results, None)
                    samples = None if result is None else np.array(result.audio.astype(mx.float32)).reshape(-1)
                if result is None or samples is None:
                    return
                yield np.clip(samples, -1, 1), bool(result.is_final_chunk)


class _Words:
    """Deals the words of a fragment out to its pieces."""

    def __init__(self, fragment: Fragment, rate_hz: int) -> None:
        self._fragment, self._rate_hz = fragment, rate_hz
        self._dealt = 0
        self._owed = 0.0
        """Samples that the dealt words go on into the next piece; negative: the next word began before it."""

    @property
    def complete(self) -> bool:
        return self._dealt == len(self._fragment.words)

    def piece(self, samples: Samples, last: bool) -> SpeechAudio:
        """A piece with the words that begin in it; the last has all that are left."""
        fragment, first = self._fragment, self._dealt
        at, edges = self._owed, []
        while not self.complete and (last or at < len(samples)):
            word = fragment.words[self._dealt]
            length = (_WORD_S + _LETTER_S * len(word.text) + (_PAUSE_S if word.after else 0)) * self._rate_hz
            edges.append((at, at + length))
            at += length
            self._dealt += 1
        self._owed = at - len(samples)
        scale = len(samples) / at if last and at > len(samples) else 1.0
        part = fragment.part(first, self._dealt)
        inside = np.clip(np.round(np.array(edges).reshape(-1, 2) * scale), 0, len(samples)).astype(int).tolist()
        times = tuple(WordTime(a, b, word.end) for (a, b), word in zip(inside, part.words, strict=True))
        return SpeechAudio(samples, times, part)


def _voices(model: Any, folder: Path) -> list[str]:
    """The names of a model's voices, as far as it has any of its own."""
    packed = [path.stem for kind in ("voices", "embeddings") for path in sorted((folder / kind).glob("*.safetensors"))]
    speakers = getattr(model, "get_supported_speakers", list)
    return packed or list(speakers())


def _first_sound(samples: Samples, rate_hz: int) -> int:
    """Where the silence at the head ends, a little of it kept; the end where there is nothing else."""
    loud = np.flatnonzero(np.abs(samples) > _SILENCE)
    return max(int(loud[0]) - round(_KEPT_S * rate_hz), 0) if loud.size else len(samples)
