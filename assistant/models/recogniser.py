"""The recognisers of mlx-audio as transcribers: cut, gated and believed as Whisper is.

Their own `generate` runs to its end once begun, and their loaders take a missing weight for a random one;
so a model is loaded here, and each has a module that steps it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_flatten
from mlx_audio.utils import apply_quantization

from assistant.config import Transcribe
from assistant.errors import InferenceError, ModelError
from assistant.messages import MIC_RATE_HZ, Samples, Step, Steps, Transcript
from assistant.models import cpu
from assistant.models.whisper_guard import QUIET_DB, Decoded, join, judge, loudest_db
from assistant.models.whisper_windows import token_cap, window_end

Listening: TypeAlias = Generator[Step[Transcript], None, tuple[Decoded, str]]
"""Steps without a value, and in the end what was heard and the code of its language."""

_SHORTEST = MIC_RATE_HZ
"""Samples. Less is padded with silence: there is no frame of features in 20 ms."""


class Recogniser(Protocol):
    """A model that hears one window."""

    def listen(self, window: Samples, language: str, most_tokens: int) -> Listening:
        """Hear (n,) samples at 16 kHz, 1 to 28 s; `language` is empty where it is to be found out."""


class RecogniserTranscriber:
    """Satisfies ports.Transcriber; made and used on the thread that owns MLX.

    Args:
        recogniser: The model.
        name: What messages call it.
        config: Language, token cap.
    """

    def __init__(self, recogniser: Recogniser, name: str, config: Transcribe) -> None:
        self._recogniser, self._name, self._config = recogniser, name, config

    def transcribe(self, samples: Samples, language: str = "") -> Steps[Transcript]:
        """Transcribe what was said.

        Args:
            samples: (n,) float32 at 16 kHz; none at all, or ten minutes, will do.
            language: Not used: these models find it out at no cost, or not at all.

        Yields:
            A step for the encoder's pass over each window and for each token, then one with the Transcript.

        Raises:
            InferenceError: The model failed.
        """
        rest = np.nan_to_num(samples)
        wanted = "" if self._config.language == "auto" else self._config.language
        parts: list[Transcript] = []
        while len(rest) or not parts:
            end = window_end(rest)
            window, rest = rest[:end], rest[end:]
            if loudest_db(window) < QUIET_DB:
                parts.append(Transcript("", "silence", no_speech_prob=1.0, language=wanted or "en"))
                continue
            cap = 2 * token_cap(len(window) / MIC_RATE_HZ, self._config.tokens_per_s)  # as Whisper's last pass
            padded = np.pad(window, (0, max(_SHORTEST - len(window), 0)))
            try:
                decoded, found = yield from self._recogniser.listen(padded, wanted, cap)
            except (RuntimeError, ValueError) as error:
                raise InferenceError(f"The transcriber {self._name} failed: {error}") from error
            parts.append(judge(decoded, window, self._config.no_speech_probability, found))
        yield Step((), (join(parts),))


def load(folder: Path, build: Callable[[dict[str, Any]], nn.Module]) -> nn.Module:
    """A model of mlx-audio with the weights of a local folder, whole.

    Args:
        folder: With `config.json` and `*.safetensors`.
        build: Makes the model of the configuration.

    Raises:
        ModelError: The folder holds no such model, or a weight is missing.
    """
    cure = f"run: assistant models pull {folder.name}"
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        model = build(config)
        weights: dict[str, mx.array] = {}
        for path in sorted(folder.glob("*.safetensors")):
            arrays = mx.load(str(path))
            assert isinstance(arrays, dict)
            weights |= arrays
        if hasattr(model, "sanitize"):
            weights = model.sanitize(weights)
        apply_quantization(model, config, weights, getattr(model, "model_quant_predicate", None))
        missing = sorted(dict(tree_flatten(model.parameters())).keys() - weights.keys())
        if missing:
            raise ValueError(f"{missing[0]} is missing")
        model.load_weights(list(weights.items()), strict=False)
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise ModelError(f"{folder} holds no transcriber that can be loaded ({error}); {cure}") from None
    model.eval()
    if mx.metal.is_available():
        cpu.evaluate(model)
    else:
        cpu.to_float32(model)
    return model


def greedy(logits: mx.array) -> tuple[int, float]:
    """The likeliest token and its log-probability.

    Args:
        logits: (vocabulary,).
    """
    scores = np.array(logits.astype(mx.float32))
    token = int(scores.argmax())
    return token, -float(np.log(np.exp(scores - scores[token]).sum()))
