"""A language model through mlx-lm, a step at a time, with a prompt cache that outlives its replies."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import mlx.core as mx
from jinja2 import TemplateError
from mlx_lm import load
from mlx_lm.generate import BatchGenerator
from mlx_lm.models.cache import can_trim_prompt_cache, make_prompt_cache, trim_prompt_cache
from mlx_lm.sample_utils import apply_top_p

from assistant.config import Chat
from assistant.errors import InferenceError, ModelError
from assistant.messages import ChatMessage, ReplyPiece, Step, Steps, Work
from assistant.models import cpu
from assistant.models.prompt import common_prefix, fit, merged

_PROBES = (ChatMessage("user", "a"), ChatMessage("user", "1"))
"""What the prompts with either of these have in common, the prompt with any message has."""
_NEVER_FED = 0

_last = threading.local()
"""What each thread loaded last: dialogues ask for one model under many settings, and every load is 0.7 s."""


class MlxChat:
    """Satisfies ports.ChatModel; made and used on the thread that owns MLX, one reply at a time.

    It steps `BatchGenerator`, which holds nothing between steps and gives its cache back; while
    `stream_generate` is suspended its stream stays the thread's default, for other models too.

    Args:
        folder: A model of mlx-lm with a chat template.
        config: Sampling, and how long a reply, a prompt and a step of prefill may be.
        seed: Sampled replies are drawn from this and the prompt, so they repeat.

    Raises:
        ModelError: The folder holds no such model.
    """

    _batch: BatchGenerator
    _busy: bool
    _cache: list[Any]
    """A cache for each layer."""
    _cached: list[int]
    """The tokens these hold."""

    def __init__(self, folder: Path, config: Chat, seed: int) -> None:
        self._model, self._tokenizer, facts = _load(folder)
        if not self._tokenizer.has_chat_template:
            raise ModelError(f"{folder.name} has no chat template; choose an instruct model for models.chat.")
        cpu.to_float32(self._model)
        cpu.evaluate(self._model)
        self._name, self._config, self._seed = folder.name, config, seed
        longest = facts.get("max_position_embeddings", config.context_tokens + config.max_tokens)
        self._budget = min(config.context_tokens, max(longest - config.max_tokens, longest // 2))
        self._reset()
        self.last_fed_tokens = 0
        """Tokens of its prompt that the last call did not find in the cache."""

    @property
    def cached_tokens(self) -> int:
        """Tokens in the prompt cache, between calls."""
        return len(self._cached)

    def cached_text(self) -> str:
        """The prompt cache in words, special tokens included, between calls."""
        text: str = self._tokenizer.decode(self._cached)
        return text

    def reply(self, messages: Sequence[ChatMessage]) -> Steps[ReplyPiece]:
        """Write the next message of a talk.

        Closed early, it leaves in the cache all that it yielded; what the next prompt does not
        begin with is cut off then, so a reply of which half was heard costs nothing twice.

        Args:
            messages: The talk, ending with what the user said.

        Yields:
            Steps of prefill, then one for each token; the last piece says why the reply ends.

        Raises:
            InferenceError: The model failed, or is asked for two replies at a time.
        """
        prompt = self._render(messages, answer=True)
        detokenizer = self._tokenizer.detokenizer
        with self._sequence(prompt, self._config.max_tokens, self._sampler(prompt)) as missing:
            self.last_fed_tokens = missing
            fed = 0
            work: tuple[Work, ...] = ()
            finish: Literal["", "stop", "length"] = ""
            while not finish:
                prefilled, generated = self._next()
                if not generated:
                    fed, before = prefilled[0].progress[0], fed
                    work = (Work("chat_prefill", fed - before),)
                    if fed < missing:  # the prompt's last token shares its step with the reply's first
                        yield Step(work)
                    continue
                (response,) = generated
                finish = response.finish_reason or finish
                if finish != "stop":
                    detokenizer.add_token(response.token)
                if finish:  # what is held back now is half a character, and stays unsaid
                    self._keep(response.prompt_cache, response.all_tokens)
                yield Step((*work, Work("chat_token", 1)), (ReplyPiece(detokenizer.last_segment, finish),))
                work = ()

    def prefill(self, messages: Sequence[ChatMessage]) -> Steps[None]:
        """Feed what every later prompt will begin with that goes on from these messages, and keep no more.

        Args:
            messages: System prompt and history; with a user message last, the prompt of its reply.

        Yields:
            Steps of at most `chat.prefill_step_tokens`; none when nothing is missing.

        Raises:
            InferenceError: The model failed, or is writing a reply.
        """
        with self._sequence([*self._beginning(messages), _NEVER_FED]) as missing:
            self.last_fed_tokens = missing - 1
            fed = 0
            while fed < self.last_fed_tokens:
                prefilled, _ = self._next()
                fed, before = prefilled[0].progress[0], fed
                yield Step((Work("chat_prefill", fed - before),))

    def _render(self, messages: Sequence[ChatMessage], answer: bool) -> list[int]:
        kept = fit(merged(messages), self._encode, self._tokenizer.decode, self._budget)
        plain = [{"role": message.role, "content": message.text} for message in kept]
        try:
            tokens: list[int] = self._tokenizer.apply_chat_template(
                plain, add_generation_prompt=answer, enable_thinking=False
            )
        except TemplateError as error:
            raise InferenceError(f"The chat template of {self._name} refuses this talk: {error}.") from None
        return tokens

    def _encode(self, text: str) -> list[int]:
        tokens: list[int] = self._tokenizer.encode(text, add_special_tokens=False)
        return tokens

    def _beginning(self, messages: Sequence[ChatMessage]) -> list[int]:
        if messages and messages[-1].role == "user":
            return self._render(messages, answer=True)
        one, other = (self._render([*messages, probe], answer=False) for probe in _PROBES)
        return one[: common_prefix(one, other)]

    @contextmanager
    def _sequence(
        self, tokens: list[int], max_tokens: int = 1, sampler: Callable[[mx.array], mx.array] | None = None
    ) -> Iterator[int]:
        """Put one sequence into the batch, less what is cached of it; afterwards take the cache back.

        Yields:
            How many tokens are missing in the cache, at least one.
        """
        if self._busy:
            raise InferenceError("The language model was asked for a second reply while it writes one.")
        samplers = [sampler] if sampler else None
        kept = self._cut(min(common_prefix(self._cached, tokens), len(tokens) - 1))
        (uid,) = self._batch.insert([tokens[kept:]], [max_tokens], [self._cache], [[*self._cached]], samplers)
        self._busy = True
        try:
            yield len(tokens) - kept
        except InferenceError:
            self._reset()
            raise
        finally:
            self._busy = False
            for cache, fed in self._batch.remove([uid], return_prompt_caches=True).values():
                self._keep(cache, fed)

    def _next(self) -> tuple[list[Any], list[Any]]:
        try:
            prefilled, generated = self._batch.next()
        except (RuntimeError, ValueError) as error:
            raise InferenceError(f"The language model {self._name} failed: {error}") from error
        return prefilled, generated

    def _cut(self, length: int) -> int:
        """Cut the cache to its first tokens; what cannot be cut is emptied."""
        excess = len(self._cached) - length
        if excess and not can_trim_prompt_cache(self._cache):
            self._keep(make_prompt_cache(self._model), [])
        elif excess:
            trim_prompt_cache(self._cache, excess)
            self._keep(self._cache, self._cached[:length])
        return len(self._cached)

    def _keep(self, cache: list[Any], tokens: list[int]) -> None:
        mx.eval([layer.state for layer in cache])
        self._cache, self._cached = cache, tokens

    def _reset(self) -> None:
        self._batch = BatchGenerator(
            self._model,
            stop_tokens=[[token] for token in self._tokenizer.eos_token_ids],
            completion_batch_size=1,
            prefill_batch_size=1,
            prefill_step_size=self._config.prefill_step_tokens,
        )
        self._keep(make_prompt_cache(self._model), [])
        self._busy = False

    def _sampler(self, prompt: list[int]) -> Callable[[mx.array], mx.array] | None:
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


def _load(folder: Path) -> tuple[Any, Any, dict[str, Any]]:
    """The model, its tokenizer, and its `config.json`."""
    if getattr(_last, "folder", None) != folder:
        _last.folder = _last.loaded = None  # first: two large models may not fit
        _last.loaded = _read(folder)
        _last.folder = folder
    loaded: tuple[Any, Any, dict[str, Any]] = _last.loaded
    return loaded


def _read(folder: Path) -> tuple[Any, Any, dict[str, Any]]:
    try:
        if not folder.is_dir():  # mlx-lm would look for it on the hub
            raise FileNotFoundError("there is no such folder")
        loaded: Any = load(str(folder), return_config=True)
    except (OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        cure = f"run: assistant models pull {folder.name}"
        raise ModelError(f"{folder} holds no language model that can be loaded ({error}); {cure}") from None
    model, tokenizer, config = loaded
    return model, tokenizer, config
