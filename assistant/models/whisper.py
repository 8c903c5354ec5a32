"""Whisper through mlx-whisper, a step at a time: an encoder pass in four, then a token a step.

mlx-whisper's own `transcribe` runs to its end once begun, wants 30 s of context, and takes a missing
no-speech token for speech; so its pieces are used and its loop is stepped here.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Generator
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from assistant.config import Transcribe
from assistant.errors import ConfigError, InferenceError, ModelError
from assistant.messages import MIC_RATE_HZ, Samples, Step, Steps, Transcript, Work
from assistant.models import cpu
from assistant.models.numba_stub import stand_in_for_numba
from assistant.models.whisper_guard import QUIET_DB, Decoded, is_doubtful, is_unsure, join, judge, loudest_db
from assistant.models.whisper_windows import LATENT_HZ, broken_off_s, heard_samples, passes, window_end

stand_in_for_numba()

from mlx_whisper.audio import log_mel_spectrogram  # noqa: E402
from mlx_whisper.decoding import DecodingOptions, DecodingTask  # noqa: E402
from mlx_whisper.load_models import load_model  # noqa: E402
from mlx_whisper.tokenizer import LANGUAGES, get_tokenizer  # noqa: E402

R = TypeVar("R")
_Steps: TypeAlias = Generator[Step[Transcript], None, R]
"""Steps towards a transcript, and a result for the generator that waits for them."""

_PIECES = 4
"""Steps of an encoder pass. In one it took up to 350 ms without Metal, and the pass after a resumed pause waited."""


class WhisperTranscriber:
    """Satisfies ports.Transcriber; made and used on the thread that owns MLX.

    Args:
        folder: A model of mlx-whisper: `config.json` and `weights.safetensors` or `weights.npz`.
        config: Language, context, token cap, silence threshold.

    Raises:
        ModelError: The folder holds no such model.
        ConfigError: Whisper, or this one, does not know the language.
    """

    def __init__(self, folder: Path, config: Transcribe) -> None:
        metal = mx.metal.is_available()
        self._dtype = mx.float16 if metal else mx.float32
        try:
            if not folder.is_dir():  # mlx-whisper would look for it on the hub
                raise FileNotFoundError("there is no such folder")
            self._model = load_model(str(folder), self._dtype)
        except (OSError, TypeError, ValueError, RuntimeError) as error:
            cure = f"run: assistant models pull {folder.name}"
            raise ModelError(f"{folder} holds no Whisper model that can be loaded ({error}); {cure}") from None
        if metal:
            self._model.set_dtype(self._dtype)
            cpu.evaluate(self._model)
        else:
            cpu.to_float32(self._model)
        self._name, self._config = folder.name, config
        self._language = _language(config.language, self._model.is_multilingual, folder.name)
        self._short = config.context == "short" or (config.context == "auto" and not metal)

    def transcribe(self, samples: Samples, language: str = "") -> Steps[Transcript]:
        """Transcribe what was said.

        Args:
            samples: (n,) float32 at 16 kHz; none at all, or ten minutes, will do.
            language: Where it is to be found out, the one found before: it is asked for again only when in doubt.

        Yields:
            A step for each quarter of an encoder pass and for each token, then one with the one Transcript. Its
            text is refused where it is not to be believed; its `no_speech_prob` is NaN where the
            model has no such token.

        Raises:
            InferenceError: The model failed.
        """
        rest = np.nan_to_num(samples)
        language = self._language or language
        parts: list[Transcript] = []
        while len(rest) or not parts:
            window = rest[: window_end(rest)]
            heard = len(window)
            if loudest_db(window) < QUIET_DB:
                parts.append(Transcript("", "silence", no_speech_prob=1.0, language=language or "en"))
            else:
                try:
                    decoded, language = yield from self._listen(window, language)
                except (RuntimeError, ValueError) as error:
                    raise InferenceError(f"The transcriber {self._name} failed: {error}") from error
                parts.append(judge(decoded, window, self._config.no_speech_probability, language))
                heard = heard_samples(len(window), len(rest) - len(window), decoded.broken_off_s)
            rest = rest[heard:]
        yield Step((), (join(parts),))

    def _listen(self, window: Samples, language: str) -> _Steps[tuple[Decoded, str]]:
        """Pass after pass until one can be believed, in the language given or found."""
        for attempt in passes(len(window) / MIC_RATE_HZ, self._short, self._config.tokens_per_s):
            features = yield from self._encode(window, attempt.context_s)
            spoken = language or (yield from self._detect_language(features))
            decoded = yield from self._decode(features, spoken, attempt.most_tokens)
            if language and not self._language and is_unsure(decoded):
                spoken = yield from self._detect_language(features)
                if spoken != language:
                    decoded = yield from self._decode(features, spoken, attempt.most_tokens)
            language = spoken
            if not is_doubtful(decoded, self._config.no_speech_probability):
                break
        return decoded, language

    def _encode(self, window: Samples, context_s: int) -> _Steps[mx.array]:
        """Features of shape (1, 50 * context_s, n_state).

        This is `mlx_whisper.whisper.AudioEncoder.__call__` without its insistence on 1500 positions.
        """
        padded = np.pad(window, (0, context_s * MIC_RATE_HZ - len(window)))
        mel = log_mel_spectrogram(padded, self._model.dims.n_mels)[None].astype(self._dtype)
        encoder = self._model.encoder
        x: mx.array = nn.gelu(encoder.conv1(mel))
        x = nn.gelu(encoder.conv2(x))
        x = x + encoder._positional_embedding[: context_s * LATENT_HZ]
        size = math.ceil(len(encoder.blocks) / _PIECES)
        pieces = [encoder.blocks[first : first + size] for first in range(0, len(encoder.blocks), size)]
        for piece in pieces:
            for block in piece:
                x, _, _ = block(x)
            if piece is pieces[-1]:
                x = encoder.ln_post(x)
            mx.eval(x)
            yield Step((Work("whisper_encoder", context_s / len(pieces)),))
        return x

    def _detect_language(self, features: mx.array) -> _Steps[str]:
        tokenizer = get_tokenizer(True, num_languages=self._model.num_languages)
        logits = self._model.logits(mx.array([[tokenizer.sot]]), features)[0, 0]
        likeliest = logits[mx.array(tokenizer.all_language_tokens)].argmax().item()
        yield Step((Work("whisper_token", 1),))
        return str(tokenizer.all_language_codes[likeliest])

    def _decode(self, features: mx.array, language: str, most_tokens: int) -> _Steps[Decoded]:
        """The loop of `mlx_whisper.decoding.DecodingTask`, greedy, for one window."""
        task = DecodingTask(self._model, DecodingOptions(language=language, sample_len=most_tokens))
        tokens: Any = mx.array([task.initial_tokens])
        unheard = tokens
        sum_logprobs = mx.zeros(1)
        no_speech_prob = float("nan")
        ended = False
        while not ended and tokens.shape[1] < task.sample_begin + most_tokens:
            every_logit = task.inference.logits(unheard, features)
            if tokens is unheard and task.tokenizer.no_speech is not None:
                probabilities = np.array(mx.softmax(every_logit[0, task.sot_index]))
                no_speech_prob = float(probabilities[task.tokenizer.no_speech])
            logits = every_logit[:, -1]
            for logit_filter in task.logit_filters:
                logits = logit_filter.apply(logits, tokens)
            tokens, completed, sum_logprobs = task.decoder.update(tokens, logits, sum_logprobs)
            mx.eval(tokens, sum_logprobs, task.inference.kv_cache)
            unheard = tokens[:, -1:]
            ended = bool(completed.item())
            yield Step((Work("whisper_token", 1),))
        decoded = tokens[0, task.sample_begin :].tolist()
        text = task.tokenizer.decode(decoded[:-1] if ended else decoded).strip()
        avg_logprob = float(np.array(sum_logprobs)[0]) / (len(decoded) + (not ended))
        broken_off = broken_off_s(decoded[:-1], task.tokenizer.timestamp_begin) if ended else None
        return Decoded(text, avg_logprob, no_speech_prob, not ended, broken_off)


def _language(wanted: str, multilingual: bool, model: str) -> str:
    """The language to transcribe, empty to find it out."""
    if wanted != "auto" and wanted not in LANGUAGES:
        close = difflib.get_close_matches(wanted, [*LANGUAGES, *LANGUAGES.values()], n=1, cutoff=0.5)
        codes = {name: code for code, name in LANGUAGES.items()}
        hint = f"did you mean {codes.get(close[0], close[0])}?" if close else "write a code such as en, or auto."
        raise ConfigError(f"transcribe.language: Whisper knows no language {wanted!r}; {hint}")
    if multilingual:
        return "" if wanted == "auto" else wanted
    if wanted not in ("en", "auto"):
        raise ConfigError(f"transcribe.language: {model} understands English only, not {wanted}; choose another model.")
    return "en"
