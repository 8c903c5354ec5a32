"""Qwen3-ASR through mlx-audio: an encoder pass, the prompt, then a token a step."""

from __future__ import annotations

from pathlib import Path

import mlx.core as mx
from mlx_audio.stt.models.qwen3_asr.qwen3_asr import ModelConfig, Qwen3ASRModel
from transformers import AutoTokenizer, WhisperFeatureExtractor
from transformers.models.whisper.tokenization_whisper import LANGUAGES

from assistant.errors import ModelError
from assistant.messages import MIC_RATE_HZ, Samples, Step, Work
from assistant.models.recogniser import Listening, greedy, load
from assistant.models.whisper_guard import Decoded

_CODES = {name: code for code, name in LANGUAGES.items()}


class Qwen3Asr:
    """Satisfies recogniser.Recogniser. Of the language it was not told it says which it is.

    Args:
        folder: With the files of its tokenizer beside the weights.

    Raises:
        ModelError: The folder holds no such model.
    """

    def __init__(self, folder: Path) -> None:
        self._model = model = load(folder, lambda config: Qwen3ASRModel(ModelConfig.from_dict(config)))
        try:
            model._tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        except (OSError, ValueError) as error:
            cure = f"run: assistant models pull {folder.name}"
            raise ModelError(f"{folder} holds no tokenizer that can be loaded ({error}); {cure}") from None
        # mlx-audio reads these settings, Whisper's own, from a file that not every copy of the model has
        bins = model.config.audio_config.num_mel_bins
        model._feature_extractor = WhisperFeatureExtractor(feature_size=bins)  # type: ignore[no-untyped-call]
        self._ends = model._eos_token_ids()

    def listen(self, window: Samples, language: str, most_tokens: int) -> Listening:
        """See Recogniser."""
        model = self._model
        mel, mask, count = model._preprocess_audio(window)
        heard = model.get_audio_features(mel, mask)
        mx.eval(heard)
        yield Step((Work("whisper_encoder", len(window) / MIC_RATE_HZ),))
        name = LANGUAGES.get(language, "").capitalize() or None
        prompt = model._build_prompt(count, name)
        cache = model.make_cache()
        logits = model(prompt, input_embeddings=model._build_inputs_embeds(prompt, heard), cache=cache)
        tokens: list[int] = []
        sum_logprobs, ended = 0.0, False
        while not ended and len(tokens) < most_tokens:
            token, logprob = greedy(logits[0, -1])
            sum_logprobs += logprob
            ended = token in self._ends
            if not ended:
                tokens.append(token)
            yield Step((Work("whisper_token", 1),))
            logits = model(mx.array([[token]]), cache=cache)
        found, text = spoken_in(model._tokenizer.decode(tokens, skip_special_tokens=True))
        return Decoded(text, sum_logprobs / (len(tokens) + ended), 0.0, not ended), language or found


def spoken_in(written: str) -> tuple[str, str]:
    """The code of the language and the words of what the model writes: "language German<asr_text>Guten Tag."."""
    before, mark, text = written.partition("<asr_text>")
    if not mark:
        return "en", written.strip()
    return _CODES.get(before.removeprefix("language ").strip().lower(), "en"), text.strip()
