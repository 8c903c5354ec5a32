"""Judges a reply by what a script says of it in words, where it asks for that (`expect.reply.judge`).

The judge is a language model of this machine: Yes and No are compared as beginnings of its answer, which even
a model gives that keeps to no format; then it is asked why. Or it is behind an OpenAI-compatible endpoint that
the user configured (`judge_endpoint.py`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from typing import Any, Protocol

from assistant.config import Config
from assistant.dialogue.load import Dialogue
from assistant.dialogue.result import DialogueResult, Judgement
from assistant.dialogue.step_store import StepStore, digest
from assistant.dialogue.stored_models import Lazy
from assistant.messages import ChatMessage, ReplyPiece, Samples, Step, Steps

_TASK = "You check the replies of a voice assistant. Answer Yes or No."
_YES, _NO = ("Yes", "yes", "YES"), ("No", "no", "NO")
_REASON_TOKENS = 60
_LEAST_CONTEXT_TOKENS = 2048


class Judge(Protocol):
    """Whoever tells whether a reply is as a script wants it."""

    @property
    def facts(self) -> dict[str, Any]:
        """Name, source and sha256, as of the other models in a result."""

    def judge(self, criterion: str, said: str, reply: str) -> Judgement:
        """Tell whether a reply to what was said does what the criterion says."""


class JudgingModel(Protocol):
    """A chat model that can be asked what it would rather say (models.verdict)."""

    def weigh(self, messages: Sequence[ChatMessage], answers: Sequence[str]) -> list[float]:
        """Log-probability of each answer's beginning."""

    def reply(self, messages: Sequence[ChatMessage]) -> Steps[ReplyPiece]:
        """See ports.ChatModel."""


def asks_for_judge(dialogue: Dialogue) -> bool:
    """Whether any entry does."""
    return any(entry.expect.reply.judge is not None for entry in dialogue.script.turns)


def judge_replies(result: DialogueResult, dialogue: Dialogue, judge: Judge) -> None:
    """Fill in the judgements of the entries that ask for one; where there is no reply nobody is asked."""
    for entry, seen in zip(dialogue.script.turns, result.turns, strict=True):
        criterion = entry.expect.reply.judge
        if criterion is not None and seen.reply:
            seen.judgement = judge.judge(criterion, entry.type or seen.transcript, seen.reply)
        elif criterion is not None:
            seen.judgement = Judgement(False, "There was no reply.", judge.facts["name"])
    result.models = {**result.models, "judge": judge.facts}


def question(criterion: str, said: str, reply: str) -> str:
    """What a judge is asked."""
    return (
        f'The user said: "{said}"\nThe assistant replied: "{reply}"\nThe reply should be one that {criterion}. Is it?'
    )


def judging_config(config: Config) -> Config:
    """That of a talk, with the judge for its language model: greedy, whatever the talk's replies are."""
    chat = config.chat.model_copy(
        update={
            "temperature": 0.0,
            "max_tokens": _REASON_TOKENS,
            "context_tokens": max(config.chat.context_tokens, _LEAST_CONTEXT_TOKENS),
        }
    )
    models = config.models.model_copy(update={"chat": config.judge.model or config.models.chat})
    return config.model_copy(update={"chat": chat, "models": models})


class LocalJudge:
    """A language model on this machine.

    Args:
        facts: What the result is to say of it.
        model: Loaded when a judgement is not in the store.
        key: A digest of model and settings.
        store: Judgements that need not be made again.
    """

    def __init__(self, facts: dict[str, Any], model: Lazy[JudgingModel], key: str, store: StepStore | None) -> None:
        self.facts = facts
        self._model, self._key, self._store = model, key, store

    def judge(self, criterion: str, said: str, reply: str) -> Judgement:
        """See Judge.

        Raises:
            InferenceError: The model failed.
        """
        asked = question(criterion, said, reply)
        if self._store is None:
            steps = self._ask(asked)
        else:
            steps = self._store.steps(digest(self._key, asked), Judgements(), lambda: self._ask(asked))
        (judgement,) = (value for step in steps for value in step.values)
        return judgement

    def _ask(self, asked: str) -> Steps[Judgement]:
        model = self._model.model
        messages = [ChatMessage("system", _TASK), ChatMessage("user", f"{asked} Answer Yes or No.")]
        weights = model.weigh(messages, _YES + _NO)
        passed = _sum(weights[: len(_YES)]) > _sum(weights[len(_YES) :])
        messages.append(ChatMessage("assistant", "Yes." if passed else "No."))
        messages.append(ChatMessage("user", "Give the reason in one short sentence."))
        yield Step(values=(Judgement(passed, _first_sentence(model.reply(messages)), self.facts["name"]),))


class Judgements:
    """Codec of judgements in the step store."""

    def encode(self, value: Judgement) -> tuple[Any, None]:
        """See step_store.Codec."""
        return asdict(value), None

    def decode(self, plain: Any, samples: Samples | None) -> Judgement:
        """See step_store.Codec."""
        return Judgement(**plain)


def _first_sentence(steps: Steps[ReplyPiece]) -> str:
    """Small models go on and on."""
    text = ""
    with closing(steps):
        for step in steps:
            text += "".join(piece.text for piece in step.values)
            if found := re.search(r"(?<=[.!?])\s|\n", text.lstrip()):
                text = text.lstrip()[: found.start()]
                break
    return " ".join(text.split())


def _sum(log_probabilities: Sequence[float]) -> float:
    """Of probabilities that exclude each other, as a logarithm."""
    return math.log(sum(math.exp(one) for one in set(log_probabilities)))
