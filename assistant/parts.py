"""What every turn of a talk works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from assistant.acknowledgement import Acknowledgement
from assistant.config import Config
from assistant.history import History
from assistant.metrics import TurnChanged
from assistant.next_prompt import NextPrompt
from assistant.phrases import Phrases
from assistant.ports import ChatModel, Clock, Inference, Speaker, Synthesizer, Transcriber, TurnModel


def _no_advice(speech_end: int, wait_ms: float) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Parts:
    """One of each for a talk."""

    config: Config
    clock: Clock
    inference: Inference
    transcriber: Transcriber
    chat: ChatModel
    synthesizer: Synthesizer
    speaker: Speaker
    history: History
    next_prompt: NextPrompt
    changed: TurnChanged
    end_after: Callable[[int, float], None] = _no_advice
    """How long the pause after an utterance with this `speech_end` may last, in milliseconds (audio.endpoint)."""
    turn_model: TurnModel | None = None
    phrases: Phrases = field(default_factory=Phrases)
    acknowledgement: Acknowledgement | None = None
