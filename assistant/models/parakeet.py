"""NVIDIA's Parakeet TDT through mlx-audio: an encoder pass, then a token a step."""

from __future__ import annotations

from pathlib import Path

import mlx.core as mx
from mlx_audio.stt.models.parakeet import tokenizer
from mlx_audio.stt.models.parakeet.audio import log_mel_spectrogram
from mlx_audio.stt.models.parakeet.parakeet import Model, ModelConfig, ParakeetTDT

from assistant.errors import ModelError
from assistant.messages import MIC_RATE_HZ, Samples, Step, Work
from assistant.models.recogniser import Listening, load
from assistant.models.whisper_guard import Decoded


class Parakeet:
    """Satisfies recogniser.Recogniser. It hears whatever language it was trained on and does not say which.

    Args:
        folder: Of a Parakeet with a token-and-duration transducer: 0.6b-v2 (English), 0.6b-v3 (European languages).

    Raises:
        ModelError: The folder holds no such model.
    """

    def __init__(self, folder: Path) -> None:
        self._model = load(folder, lambda config: Model(ModelConfig.from_dict(config)))
        if not isinstance(self._model, ParakeetTDT):
            raise ModelError(f"{folder.name} is a Parakeet of another kind than TDT; choose parakeet-tdt-0.6b-v3.")
        self._dtype = self._model.encoder.layers[0].norm_out.weight.dtype

    def listen(self, window: Samples, language: str, most_tokens: int) -> Listening:
        """See Recogniser."""
        model = self._model
        mel = log_mel_spectrogram(mx.array(window), model.preprocessor_config).astype(self._dtype)
        features, lengths = model.encoder(mel)
        mx.eval(features, lengths)
        yield Step((Work("whisper_encoder", len(window) / MIC_RATE_HZ),))
        tokens: list[int] = []
        state = model._make_initial_decoder_state(1, features.dtype)
        last, at, stayed = model.blank_id, 0, 0
        while at < int(lengths[0]) and len(tokens) < most_tokens:
            found, jump, *following = model._compiled_tdt_step(features[:, at : at + 1], mx.array([[last]]), *state)
            mx.eval(found, jump, *following)
            frames = model.durations[int(jump)]
            stayed = 0 if frames else stayed + 1
            if stayed == model.max_symbols:
                frames, stayed = 1, 0
            at += frames
            if int(found) != model.blank_id:
                last, state = int(found), following
                tokens.append(last)
                yield Step((Work("whisper_token", 1),))
        text = tokenizer.decode(tokens, model.vocabulary).strip()
        return Decoded(text, 0.0, 0.0, len(tokens) == most_tokens), language or "en"
