"""What was said, as the language model is told it: assistant texts hold what was heard."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from assistant.messages import ChatMessage
from assistant.ports import Clock

_REFRESH_S = 15 * 60
"""The date and time in the system prompt is renewed after this long; sooner, it would empty the prompt cache."""
_EARLY_REFRESH_S = 4 * 60
"""The same where nobody waits for what is then read anew. Idle warm-ups see to it that it rarely must be."""
_MOST = 1000
"""Messages kept. All of them are read for every reply, to find those that the model's context holds."""


class Messages:
    """What was said and heard, in order.

    Args:
        earlier: What was said before, where an earlier talk goes on.
    """

    def __init__(self, earlier: Sequence[ChatMessage] = ()) -> None:
        self._messages = list(earlier)

    def __iter__(self) -> Iterator[ChatMessage]:
        return iter(self._messages)

    def add_user(self, text: str) -> None:
        """The user said this. Of a talk of days the oldest half is forgotten at once: that empties the prompt cache."""
        if len(self._messages) >= _MOST:
            kept = self._messages[_MOST // 2 :]
            self._messages = list(itertools.dropwhile(lambda message: message.role == "assistant", kept))
        self._messages.append(ChatMessage("user", text))

    def take_back_user(self) -> None:
        """The last message was not yet the whole of what the user said."""
        assert self._messages[-1].role == "user"
        self._messages.pop()

    def add_assistant(self, text: str) -> None:
        """The user heard this; nothing heard leaves no message, and the rest of a message goes on with it."""
        if not text:
            return
        if self._messages and self._messages[-1].role == "assistant":
            text = self._messages.pop().text + text
        self._messages.append(ChatMessage("assistant", text))

    def forget_last(self) -> None:
        """Take back the last user message and what answered it."""
        while self._messages and self._messages[-1].role == "assistant":
            self._messages.pop()
        if self._messages:
            self._messages.pop()


class History(Messages):
    """The messages of a talk, with the system prompt.

    Args:
        system_prompt: Template; `{date_and_time}` is filled in from the clock.
        clock: Tells when the system prompt is to be renewed, and what it says.
        earlier: What was said before, where an earlier talk goes on.
    """

    def __init__(self, system_prompt: str, clock: Clock, earlier: Sequence[ChatMessage] = ()) -> None:
        super().__init__(earlier)
        self._system_prompt = system_prompt
        self._clock = clock
        self._system: ChatMessage | None = None
        self._stamped_s = 0.0

    def messages(self, user_text: str | None = None, early: bool = False) -> tuple[ChatMessage, ...]:
        """System prompt and all messages so far, with one more from the user when given.

        Args:
            user_text: What the user says now.
            early: Nobody waits for what is made of them.
        """
        now_s = self._clock.time_s()
        if self._system is None or now_s - self._stamped_s >= (_EARLY_REFRESH_S if early else _REFRESH_S):
            text = self._system_prompt.replace("{date_and_time}", self._clock.date_and_time())
            self._system, self._stamped_s = ChatMessage("system", text), now_s
        more = () if user_text is None else (ChatMessage("user", user_text),)
        return (self._system, *self._messages, *more)
