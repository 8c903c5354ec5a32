"""What the language model is told of the talk."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assistant.history import History
from assistant.messages import ChatMessage


class SetClock:
    """A clock that is set by hand."""

    now_s = 0.0

    def time_s(self) -> float:
        """See ports.Clock."""
        return self.now_s

    def time_of_day(self) -> str:
        """See ports.Clock."""
        return f"9:{self.now_s // 60:02.0f}"

    def date_and_time(self) -> str:
        """See ports.Clock."""
        return f"minute {self.now_s / 60:.0f}"


def test_messages_begin_with_the_system_prompt_of_the_moment() -> None:
    """Date and time come from the clock, and stay for a while so that the prompt cache lives."""
    clock = SetClock()
    history = History("It is {date_and_time}.", clock)
    assert history.messages("hi") == (ChatMessage("system", "It is minute 0."), ChatMessage("user", "hi"))
    clock.now_s = 14 * 60
    assert history.messages()[0].text == "It is minute 0."
    clock.now_s = 15 * 60
    assert history.messages()[0].text == "It is minute 15."


def test_the_time_is_renewed_sooner_while_nobody_waits() -> None:
    """Then a question finds it fresh enough."""
    clock = SetClock()
    history = History("It is {date_and_time}.", clock)
    assert history.messages(early=True)[0].text == "It is minute 0."
    clock.now_s = 3 * 60
    assert history.messages(early=True)[0].text == "It is minute 0."
    clock.now_s = 4 * 60
    assert history.messages()[0].text == "It is minute 0."
    assert history.messages(early=True)[0].text == history.messages()[0].text == "It is minute 4."


def test_an_earlier_talk_goes_on() -> None:
    """Its messages come before what is said now, and the list it came from is left alone."""
    earlier = [ChatMessage("user", "hello"), ChatMessage("assistant", "Hello.")]
    history = History("Be brief.", SetClock(), earlier)
    history.add_user("who are you")
    assert [message.text for message in history.messages()] == ["Be brief.", "hello", "Hello.", "who are you"]
    assert len(earlier) == 2


def test_a_talk_of_days_forgets_its_beginning_in_large_pieces() -> None:
    """Not a message at every turn, since the prompt cache holds what every prompt begins with."""
    history = History("", SetClock())
    history.add_user("nothing was heard of its answer")
    beginnings = set()
    for turn in range(2000):
        history.add_user(f"question {turn}")
        history.add_assistant("Yes.")
        beginnings.add(history.messages()[1].text)
        assert len(history.messages()) <= 1002  # with the system prompt and the latest reply
        assert history.messages()[1].role == "user"
    assert len(beginnings) <= 9
    assert history.messages()[-2].text == "question 1999"


def test_braces_in_a_prompt_are_left_alone() -> None:
    """A prompt with JSON in it is no template."""
    assert History('Answer like {"a": 1}.', SetClock()).messages()[0].text == 'Answer like {"a": 1}.'


def test_what_was_not_yet_whole_is_taken_back() -> None:
    """More speech joined the utterance before its reply was heard."""
    history = History("", SetClock())
    history.add_user("turn on")
    history.take_back_user()
    history.add_user("turn on the lamp")
    assert [message.text for message in history.messages()[1:]] == ["turn on the lamp"]


@given(st.lists(st.tuples(st.text(min_size=1), st.text())))
def test_only_what_was_heard_is_kept(turns: list[tuple[str, str]]) -> None:
    """A reply of which nothing was heard leaves no message."""
    history = History("", SetClock())
    for said, heard in turns:
        history.add_user(said)
        history.add_assistant(heard)
    kept = [(message.role, message.text) for message in history.messages()[1:]]
    assert kept == [pair for said, heard in turns for pair in (("user", said), ("assistant", heard)) if pair[1]]
