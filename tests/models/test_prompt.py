"""What of a talk goes into the prompt. A token is a word here."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.messages import ChatMessage
from assistant.models.prompt import common_prefix, fit, merged

words: list[str] = []
"""Words by id, as far as they have been seen."""


def _encode(text: str) -> list[int]:
    for word in text.split():
        if word not in words:
            words.append(word)
    return [words.index(word) for word in text.split()]


def _decode(tokens: list[int]) -> str:
    return " ".join(words[token] for token in tokens)


def _fit(messages: list[ChatMessage], budget: int) -> list[ChatMessage]:
    return fit(messages, _encode, _decode, budget)


def _size(messages: list[ChatMessage]) -> int:
    return sum(len(message.text.split()) + 8 for message in messages)


def _talk(turns: int) -> list[ChatMessage]:
    """A system prompt, and turns of 24 tokens each."""
    talk = [ChatMessage("system", "be brief")]
    for turn in range(turns):
        talk.append(ChatMessage("user", f"question {turn} is this"))
        talk.append(ChatMessage("assistant", f"answer {turn} is that"))
    return talk


@pytest.mark.parametrize(("one", "other", "length"), [([], [], 0), ([1], [], 0), ([1, 2], [1], 1), ([1, 2], [3], 0)])
def test_common_prefix(one: list[int], other: list[int], length: int) -> None:
    """Up to the first difference, or to the end of the shorter."""
    assert common_prefix(one, other) == common_prefix(other, one) == length


def test_messages_of_one_role_are_merged() -> None:
    """Two questions in a row, as after a reply of which nothing was heard, are one message."""
    talk = [ChatMessage("user", "one"), ChatMessage("user", "two"), ChatMessage("assistant", "three")]
    assert merged(talk) == [ChatMessage("user", "one\ntwo"), ChatMessage("assistant", "three")]


def test_system_messages_come_first() -> None:
    """As one, wherever they were."""
    talk = [ChatMessage("system", "a"), ChatMessage("user", "b"), ChatMessage("system", "c")]
    assert merged(talk) == [ChatMessage("system", "a\nc"), ChatMessage("user", "b")]


def test_a_short_talk_is_left_alone() -> None:
    """Nothing to leave out, nothing at all included."""
    assert _fit(_talk(5), 1000) == _talk(5)
    assert _fit([], 100) == []


def test_the_oldest_turns_are_left_out() -> None:
    """The system message stays, and what is kept begins with a question."""
    talk = _talk(20)
    kept = _fit(talk, 256)
    assert kept[0] == talk[0]
    assert kept[1].role == "user"
    assert kept[1:] == talk[-len(kept) + 1 :]
    assert _size(kept) <= 256


def test_turns_go_in_blocks() -> None:
    """The beginning of the prompt, and so the cache, survives a good many turns at the limit."""
    talk = [*_talk(60), ChatMessage("user", "and now")]
    begins = [_fit(talk[: 2 * turns + 2], 512)[1] for turns in range(30, 60)]
    assert len(set(begins)) <= 8


def test_turns_go_before_the_question_is_asked() -> None:
    """Whatever is asked, up to an eighth of the budget, the talk begins at the same turn, which can be read before."""
    for turns in range(10, 60):
        talk = _talk(turns)
        begins = {_fit([*talk, ChatMessage("user", "what " * words)], 512)[1].text for words in (1, 8, 30, 56)}
        assert len(begins) == 1
    longer = _fit([*talk, ChatMessage("user", "what " * 300)], 512)
    assert longer[1].text not in begins


def test_the_end_of_a_huge_message_is_kept() -> None:
    """A ten-minute utterance: what matters is asked last."""
    kept = _fit([ChatMessage("system", "be brief"), ChatMessage("user", " ".join(map(str, range(5000))))], 256)
    assert kept[0].text == "be brief"
    assert kept[1].text.endswith("4998 4999")
    assert _size(kept) <= 256


def test_a_system_prompt_beyond_the_budget_leaves_room_for_the_question() -> None:
    """A quarter of the budget, so that something can be answered."""
    kept = _fit([ChatMessage("system", "x " * 500), ChatMessage("user", "y " * 500 + "what")], 256)
    assert len(kept[0].text.split()) == 500
    assert len(kept[1].text.split()) == 64


roles = st.sampled_from(["user", "assistant"])
texts = st.integers(0, 80).map(lambda count: " ".join(["word"] * count))


@given(st.lists(st.builds(ChatMessage, roles, texts), max_size=30), st.integers(64, 400))
def test_any_talk_fits(talk: list[ChatMessage], budget: int) -> None:
    """What is kept is the talk's end, within the budget, whatever the talk."""
    talk = merged([ChatMessage("system", "be brief"), *talk, ChatMessage("user", "so what")])
    kept = _fit(talk, budget)
    assert kept[0] == talk[0]
    assert kept[-1].text.endswith("so what")
    assert [message.role for message in kept[1:]] == [message.role for message in talk[-len(kept) + 1 :]]
    assert _size(kept) <= budget
