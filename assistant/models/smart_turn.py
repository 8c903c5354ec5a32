"""Smart Turn v3 through mlx-audio: by the sound of the last 8 s, whether somebody has said all they wanted to."""

from __future__ import annotations

import json
from pathlib import Path

import mlx.core as mx
import numpy as np
from mlx_audio.vad.models.smart_turn import Model, ModelConfig

from assistant.errors import InferenceError, ModelError
from assistant.messages import Samples, Step, Steps, Work
from assistant.models import cpu


class SmartTurn:
    """Satisfies ports.TurnModel; made and used on the thread that owns MLX.

    Args:
        folder: A model of mlx-audio: `config.json` and `model.safetensors`.

    Raises:
        ModelError: The folder holds no such model.
    """

    def __init__(self, folder: Path) -> None:
        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            self._model = Model(ModelConfig.from_dict(config))
            weights = mx.load(str(folder / "model.safetensors"))
            assert isinstance(weights, dict), "safetensors hold arrays by name"
            self._model.load_weights(list(self._model.sanitize(weights).items()))
        except (OSError, TypeError, ValueError, RuntimeError) as error:
            cure = f"run: assistant models pull {folder.name}"
            raise ModelError(f"{folder} holds no Smart Turn model that can be loaded ({error}); {cure}") from None
        cpu.evaluate(self._model)
        self._name = folder.name

    def end_probability(self, samples: Samples) -> Steps[float]:
        """How likely this is the end of the turn.

        Args:
            samples: (n,) float32 at 16 kHz, the utterance so far with 60 ms or more of the pause; its last 8 s count.

        Yields:
            One step, with the one probability.

        Raises:
            InferenceError: The model failed.
        """
        try:
            features = self._model.prepare_input_features(np.nan_to_num(samples))
            probability = float(self._model(features)[0, 0].item())
        except (RuntimeError, ValueError) as error:
            raise InferenceError(f"The turn model {self._name} failed: {error}") from error
        yield Step((Work("turn_model", 1),), (probability,))
