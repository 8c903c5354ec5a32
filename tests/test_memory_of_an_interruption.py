"""After an interruption history and prompt cache hold what was heard, to the word, on the real models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.app import Models
from assistant.config import Config
from assistant.dialogue.load import load_dialogues
from assistant.dialogue.runner import Shelf, run_dialogues
from assistant.messages import ChatMessage, ReplyPiece, Steps
from assistant.models.chat import MlxChat

SCRIPT = Path(__file__).parent / "dialogues" / "plain" / "interruption.yaml"


class Listening:
    """The real language model, with an ear on what it is told."""

    def __init__(self, chat: MlxChat) -> None:
        self.chat = chat
        self.told: list[tuple[ChatMessage, ...]] = []

    def reply(self, messages: Sequence[ChatMessage]) -> Steps[ReplyPiece]:
        """See ports.ChatModel."""
        self.told.append(tuple(messages))
        return self.chat.reply(messages)

    def prefill(self, messages: Sequence[ChatMessage]) -> Steps[None]:
        """See ports.ChatModel."""
        return self.chat.prefill(messages)


@pytest.mark.models
def test_the_model_remembers_what_the_user_heard() -> None:
    """Not a word more and not a word less, in the messages and in the tokens of the cache."""
    shelf = Shelf()
    listening: list[Listening] = []

    def load(config: Config) -> Models:
        models = shelf(config)
        assert isinstance(models.chat, MlxChat)
        listening.append(Listening(models.chat))
        return replace(models, chat=listening[0])

    (performance,) = run_dialogues(load_dialogues([SCRIPT]), load=load)
    first, second = performance.result.turns
    assert first.interrupted
    assert first.reply.startswith(first.reply_heard)
    assert 0 < len(first.reply_heard) < len(first.reply)

    told = listening[0].told[-1]
    assert [(message.role, message.text) for message in told[1:]] == [
        ("user", first.transcript),
        ("assistant", first.reply_heard),
        ("user", second.transcript),
    ]

    cached = listening[0].chat.cached_text()
    heard, unheard = first.reply_heard, first.reply[len(first.reply_heard) :].split()[0]
    assert f"{heard}<|im_end|>" in cached
    assert f"{heard} {unheard}" not in cached
    assert cached.endswith(f"{second.reply}<|im_end|>\n<|im_start|>user\n")  # read ahead, up to what is said next
