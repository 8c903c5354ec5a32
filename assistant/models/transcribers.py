"""Which recogniser a folder holds: its `config.json` tells."""

from __future__ import annotations

import json
from pathlib import Path

from assistant.config import Transcribe
from assistant.ports import Transcriber


def load_transcriber(folder: Path, config: Transcribe) -> Transcriber:
    """Load Whisper, Parakeet, Moonshine or Qwen3-ASR.

    Raises:
        ModelError: The folder holds no such model.
        ConfigError: It does not know the language.
    """
    kind = _kind(folder)
    if kind == "whisper":
        from assistant.models.whisper import WhisperTranscriber

        return WhisperTranscriber(folder, config)
    from assistant.models.recogniser import Recogniser, RecogniserTranscriber

    recogniser: Recogniser
    if kind == "parakeet":
        from assistant.models.parakeet import Parakeet

        recogniser = Parakeet(folder)
    elif kind == "moonshine":
        from assistant.models.moonshine import Moonshine

        recogniser = Moonshine(folder)
    else:
        from assistant.models.qwen3_asr import Qwen3Asr

        recogniser = Qwen3Asr(folder)
    return RecogniserTranscriber(recogniser, folder.name, config)


def _kind(folder: Path) -> str:
    """Whisper where nothing is said: the configurations of mlx-whisper hold dimensions only."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "whisper"
    if "nemo.collections.asr" in str(config.get("target", "")):
        return "parakeet"
    kind = str(config.get("model_type", ""))
    return kind if kind in ("parakeet", "moonshine", "qwen3_asr") else "whisper"
