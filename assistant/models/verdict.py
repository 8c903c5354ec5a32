"""A language model as a judge: how likely it begins its answer with one word or another."""

from __future__ import annotations

from collections.abc import Sequence

import mlx.core as mx

from assistant.errors import InferenceError
from assistant.messages import ChatMessage
from assistant.models.chat import MlxChat


class MlxJudge(MlxChat):
    """A chat model that can also be asked what it would rather say."""

    def weigh(self, messages: Sequence[ChatMessage], answers: Sequence[str]) -> list[float]:
        """Log-probability of each answer's first token as the first of the next message.

        Args:
            messages: The question, last the user's.
            answers: Such as "Yes" and "No"; what a tokenizer makes of more than a word is cut to its first token.

        Raises:
            InferenceError: The model failed.
        """
        prompt = self._render(messages, answer=True)
        try:
            logits = self._weights.model(mx.array([prompt]))[0, -1].astype(mx.float32)
            logprobs = logits - mx.logsumexp(logits)
            mx.eval(logprobs)
        except (RuntimeError, ValueError) as error:
            raise InferenceError(f"The language model {self._weights.name} failed: {error}") from error
        return [float(logprobs[self._encode(answer)[0]].item()) for answer in answers]
