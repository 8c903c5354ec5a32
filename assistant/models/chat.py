"""A language model through mlx-lm, a step at a time, with a prompt cache that outlives its replies."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any, Literal, TypeAlias

import mlx.core as mx
from jinja2 import TemplateError
from mlx_lm.sample_utils import apply_top_p

from assistant.config import Chat
from assistant.errors import InferenceError
from assistant.messages import ChatMessage, ReplyPiece, Step, Steps, Work
from assistant.models.draft import Draft
from assistant.models.prompt import common_prefix, fit, merged
from assistant.models.reader import Reader, ids
from assistant.models.weights import ChatWeights

Sampler: TypeAlias = Callable[[mx.array], mx.array]
"""From log-probabilities (1, vocabulary) to a token (1,)."""

_PROBES = (ChatMessage("user", "a"), ChatMessage("user", "1"))
"""What the prompts with either of these have in common, the prompt with any message has."""
_NEVER_READ = 0
_NO_GUESS = -1

_LAST_TOKENS = 16
"""The end of a prompt, read in the pass that gives the first token. Longer, and most of that pass is wasted: what
would follow each token of it is worked out too."""
_BESIDE = Work("chat_prefill", 0)
"""What the draft reads is no part of the prompt, and costs nothing under the agreed costs."""
_KNOWN_TEXTS = 2048
"""Messages of which the tokens are remembered: more than the history holds, which is all gone through for a prompt."""


class MlxChat:
    """Satisfies ports.ChatModel; made and used on the thread that owns MLX, one reply at a time.

    It steps the model itself: mlx-lm's `stream_generate` keeps a stream open between tokens, for other models too, and
    its `BatchGenerator` copies the whole prompt cache several times for each reply.

    Args:
        weights: Of the model that writes.
        config: Sampling, and how long a reply, a prompt and a step of prefill may be.
        seed: Sampled replies are drawn from this and the prompt, so they repeat.
        draft: Of a small model with the same tokenizer that guesses ahead.

    Raises:
        ModelError: The draft cannot guess for the model.
    """

    def __init__(self, weights: ChatWeights, config: Chat, seed: int, draft: ChatWeights | None = None) -> None:
        self._weights, self._config, self._seed = weights, config, seed
        self._tokenizer = weights.tokenizer
        self._encode: Callable[[str], list[int]] = lru_cache(_KNOWN_TEXTS)(
            partial(weights.tokenizer.encode, add_special_tokens=False)
        )
        longest = weights.longest or config.context_tokens + config.max_tokens
        self._budget = min(config.context_tokens, max(longest - config.max_tokens, longest // 2))
        self._reader = Reader(weights.model)
        self._draft = Draft(draft, weights) if draft is not None else None
        self._busy = False
        self.last_fed_tokens = 0
        """Tokens of its prompt that the last call did not find in the cache."""

    @property
    def cached_tokens(self) -> int:
        """Tokens in the prompt cache, between calls."""
        return len(self._reader.tokens)

    def cached_text(self) -> str:
        """The prompt cache in words, special tokens included, between calls."""
        text: str = self._tokenizer.decode(self._reader.tokens)
        return text

    def reply(self, messages: Sequence[ChatMessage]) -> Steps[ReplyPiece]:
        """Write the next message of a talk.

        Closed early, it leaves in the cache what it yielded; what the next prompt does not begin
        with is cut off then, so a reply of which half was heard costs nothing twice.

        Args:
            messages: The talk, ending with what the user said.

        Yields:
            Steps of prefill, then one for each pass of the model: a token, or with a draft as many as it guessed right
            and one more. The last piece says why the reply ends.

        Raises:
            InferenceError: The model failed, or is asked for two replies at a time.
        """
        prompt = self._render(messages, answer=True)
        stops, detokenizer = self._tokenizer.eos_token_ids, self._tokenizer.detokenizer
        with self._alone():
            missing = self._reader.go_back(prompt)
            self.last_fed_tokens = len(missing)
            yield from self._read(missing[:-_LAST_TOKENS])
            rest = missing[-_LAST_TOKENS:]
            work: tuple[Work, ...] = (Work("chat_prefill", len(rest)),)
            written = 0
            finish: Literal["", "stop", "length"] = ""
            passes = self._one_by_one if self._draft is None else partial(self._drafted, self._draft)
            for tokens in passes(rest, self._sampler(prompt)):
                pieces = []
                for token in tokens:
                    written += 1
                    finish = "stop" if token in stops else "length" if written == self._config.max_tokens else ""
                    if finish != "stop":
                        detokenizer.add_token(token)
                    pieces.append(ReplyPiece(detokenizer.last_segment, finish))
                    if finish:  # what is held back now is half a character, and stays unsaid
                        break
                yield Step((*work, Work("chat_token", len(pieces))), tuple(pieces))
                work = ()
                if finish:
                    return

    def prefill(self, messages: Sequence[ChatMessage]) -> Steps[None]:
        """Feed what every later prompt will begin with that goes on from these messages, and keep no more.

        Args:
            messages: System prompt and history; with a user message last, the prompt of its reply.

        Yields:
            Steps of at most `chat.prefill_step_tokens`; none when nothing is missing.

        Raises:
            InferenceError: The model failed, or is writing a reply.
        """
        beginning = self._beginning(messages)
        with self._alone():
            missing = self._reader.go_back([*beginning, _NEVER_READ])[:-1]
            self.last_fed_tokens = len(missing)
            yield from self._read(missing)
            for _ in self._draft.read(beginning, self._config.prefill_step_tokens) if self._draft else ():
                yield Step((_BESIDE,))

    def _render(self, messages: Sequence[ChatMessage], answer: bool) -> list[int]:
        kept = fit(merged(messages), self._encode, self._tokenizer.decode, self._budget)
        plain = [{"role": message.role, "content": message.text} for message in kept]
        try:
            tokens: list[int] = self._tokenizer.apply_chat_template(
                plain, add_generation_prompt=answer, enable_thinking=False
            )
        except TemplateError as error:
            raise InferenceError(f"The chat template of {self._weights.name} refuses this talk: {error}.") from None
        return tokens

    def _beginning(self, messages: Sequence[ChatMessage]) -> list[int]:
        if messages and messages[-1].role == "user":
            return self._render(messages, answer=True)
        one, other = (self._render([*messages, probe], answer=False) for probe in _PROBES)
        return one[: common_prefix(one, other)]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Have the one prompt cache to oneself; afterwards it is evaluated, after a failure empty."""
        if self._busy:
            raise InferenceError("The language model was asked for a second reply while it writes one.")
        self._busy = True
        try:
            try:
                yield
            finally:
                self._reader.settle()
        except (RuntimeError, ValueError) as error:
            self._reader.forget()
            if self._draft is not None:
                self._draft.forget()
            raise InferenceError(f"The language model {self._weights.name} failed: {error}") from error
        finally:
            self._busy = False

    def _read(self, tokens: Sequence[int]) -> Iterator[Step[Any]]:
        for count in self._reader.read(tokens, self._config.prefill_step_tokens):
            yield Step((Work("chat_prefill", count),))

    def _one_by_one(self, rest: list[int], sampler: Sampler | None) -> Iterator[list[int]]:
        """The reply to a prompt that is read but for its rest: a token for each pass, without end."""
        reader = self._reader
        token = self._choose(reader.predict(mx.array(rest)), sampler)
        reader.tokens += rest
        while True:
            mx.async_eval(token)
            following = self._choose(reader.predict(token), sampler)  # put together while the token is computed
            reader.tokens += ids(token)
            yield reader.tokens[-1:]
            token = following

    def _drafted(self, draft: Draft, rest: list[int], sampler: Sampler | None) -> Iterator[list[int]]:
        """The same, several tokens for each pass: those that the draft guessed right, and one more."""
        reader, guesses = self._reader, list[int]()  # none for the first token, so that it is as soon as without
        while True:
            known = [*reader.tokens, *rest]
            logits = reader.predict(mx.array([*rest, *guesses]))[-len(guesses) - 1 :]
            mx.eval(logits)
            own: list[int] = []
            for index, guess in enumerate([*guesses, _NO_GUESS]):
                own += ids(self._choose(logits[index : index + 1], sampler))
                if own[-1] != guess:
                    break
            reader.tokens = [*known, *guesses]
            rest = reader.go_back([*known, *own])
            yield own
            if not guesses:
                for _ in draft.read(known, self._config.prefill_step_tokens):
                    yield []
            guesses = draft.guess([*reader.tokens, *rest], self._config.draft_tokens)

    def _choose(self, logits: mx.array, sampler: Sampler | None) -> mx.array:
        """(1,) token to follow the last of (n, vocabulary) logits."""
        last = logits[-1:]
        if sampler is None:
            return mx.argmax(last, axis=-1)
        return sampler(last - mx.logsumexp(last, axis=-1, keepdims=True))

    def _sampler(self, prompt: list[int]) -> Sampler | None:
        """None for the likeliest token; else draws that depend on the seed and the prompt alone."""
        temperature, top_p = self._config.temperature, self._config.top_p
        if temperature == 0:
            return None
        digest = hashlib.blake2b(f"{self._seed} {prompt}".encode(), digest_size=4).digest()
        keys = iter(mx.random.split(mx.random.key(int.from_bytes(digest)), self._config.max_tokens + 1))

        def sample(logprobs: mx.array) -> mx.array:
            likely = apply_top_p(logprobs, top_p) if 0 < top_p < 1 else logprobs
            return mx.random.categorical(likely / temperature, key=next(keys))

        return sample
