"""What the next prompt begins with is read while nobody waits, and gives way to whoever asks."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from fakes import FakeChat
from talks import Talk

from assistant.errors import InferenceError
from assistant.messages import ChatMessage, Priority, ReplyPiece, Step, Steps, Work

REPLY = "One two three four five six seven eight."


class Reader(FakeChat):
    """Serves one at a time, as the real one does; to read a prompt takes 10 steps of 40 ms."""

    def __init__(self, replies: Sequence[str]) -> None:
        super().__init__(replies)
        self.read: list[tuple[list[str], int]] = []
        """What was read, less the system prompt, and in how many steps."""
        self._reading = False

    def reply(self, messages: Sequence[ChatMessage]) -> Steps[ReplyPiece]:
        """See ports.ChatModel."""
        if self._reading:
            raise InferenceError("asked for a second reply")
        yield from super().reply(messages)

    def prefill(self, messages: Sequence[ChatMessage]) -> Steps[None]:
        """See ports.ChatModel."""
        self._reading, steps = True, 0
        try:
            for _ in range(10):
                yield Step((Work("chat_prefill", 20),))
                steps += 1
        finally:
            self._reading = False
            self.read.append(([message.text for message in messages[1:]], steps))


def talk_with(*replies: str) -> tuple[Talk, Reader]:
    """A talk on that model."""
    talk = Talk(replies)
    talk.chat = chat = Reader(replies)
    return talk, chat


def test_it_is_read_while_the_reply_is_heard() -> None:
    """As if it were heard to its end; then once more, as it was heard."""
    talk, chat = talk_with(REPLY)
    talk.says(1.0, 2.0, "hello there")
    talk.run(10)
    assert chat.read == [(["hello there", REPLY], 10), (["hello there", REPLY], 10)]
    (turn,) = talk.turns
    reads = [step for step in talk.inference.log if step.priority is Priority.AHEAD]
    assert turn.endpoint_s is not None
    assert reads[0].start_s == pytest.approx(turn.endpoint_s)
    assert turn.sounded[0][0] < reads[9].end_s < turn.sounded[-1][1] <= reads[10].start_s


def test_a_question_does_not_wait_for_it() -> None:
    """What is being read is given up at the end of its step, and the reply begins."""
    talk, chat = talk_with("One.", "Two.")
    talk.types(1.0, "first")
    talk.types(1.4, "second")
    talk.run(10)
    assert [turn.state for turn in talk.turns] == ["done", "done"]
    (texts, steps), *_ = chat.read
    assert texts == ["first", "One."]
    assert 0 < steps < 10
    token_s = talk.turns[1].first_token_s
    assert token_s is not None
    assert token_s - 1.4 <= 0.04 + 0.04 + 0.025  # the running step, its own prompt, a token


def test_nothing_is_read_while_somebody_interrupts() -> None:
    """Their words come first, and their own prompt reads what was heard."""
    talk, chat = talk_with(REPLY, "Sure.")
    talk.says(1.0, 2.0, "count for me")
    talk.says(3.5, 4.0, "now backwards", in_echo_window=True)
    talk.run(10)
    assert [turn.state for turn in talk.turns] == ["cut", "done"]
    texts = [texts for texts, _ in chat.read]
    assert texts[0] == ["count for me", REPLY]
    assert texts[1:] == [["count for me", "One two three four", "now backwards", "Sure."]] * 2
