"""Moonshine through mlx-audio: an encoder pass as long as the speech, then a token a step."""

from __future__ import annotations

from pathlib import Path

import mlx.core as mx
from mlx_audio.stt.models.moonshine.moonshine import Model, ModelConfig
from tokenizers import Tokenizer

from assistant.errors import ModelError
from assistant.messages import MIC_RATE_HZ, Samples, Step, Work
from assistant.models.recogniser import Listening, greedy, load
from assistant.models.whisper_guard import Decoded


class Moonshine:
    """Satisfies recogniser.Recogniser. Each such model knows one language, most of them English.

    Args:
        folder: With `tokenizer.json` beside the weights.

    Raises:
        ModelError: The folder holds no such model.
    """

    def __init__(self, folder: Path) -> None:
        self._model = load(folder, lambda config: Model(ModelConfig.from_dict(config)))
        if not (folder / "tokenizer.json").is_file():
            raise ModelError(f"{folder} lacks its tokenizer.json; run: assistant models pull {folder.name}")
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    def listen(self, window: Samples, language: str, most_tokens: int) -> Listening:
        """See Recogniser."""
        model, config = self._model, self._model.config
        features = model.encoder(mx.array(window).astype(model.encoder.conv1.weight.dtype))
        mx.eval(features)
        yield Step((Work("whisper_encoder", len(window) / MIC_RATE_HZ),))
        tokens: list[int] = []
        token, cache, sum_logprobs, ended = config.decoder_start_token_id, None, 0.0, False
        while not ended and len(tokens) < most_tokens:
            hidden, cache = model.decoder(mx.array([[token]]), features, cache=cache)
            token, logprob = greedy(model._get_logits(hidden[:, -1])[0])
            sum_logprobs += logprob
            ended = token == config.eos_token_id
            if not ended:
                tokens.append(token)
            yield Step((Work("whisper_token", 1),))
        text = self._tokenizer.decode(tokens, skip_special_tokens=True).strip()
        return Decoded(text, sum_logprobs / (len(tokens) + ended), 0.0, not ended), language or "en"
