"""Speech that goes on before the reply to it sounds: one turn, or two. On fakes in virtual time."""

from __future__ import annotations

import pytest
from talks import Talk

REPLY = "One two three four five six seven eight."


def test_speech_before_the_first_sound_joins_the_utterance_before() -> None:
    """One user message, one turn, though the endpointer had called it over."""
    talk = Talk(["Too early.", REPLY], settings=["simulation.costs.chat_token_ms=600"])
    talk.says(1.0, 2.0, "turn on")
    talk.starts(2.9)
    talk.closes(talk.utterance(2.9, 3.5, "the lamp"))
    talk.utterance(1.0, 3.5, "turn on the lamp")
    talk.run(20)
    assert [turn.state for turn in talk.turns] == ["discarded", "done"]
    assert talk.turns[1].transcript == "turn on the lamp"
    assert [role for role, _ in talk.history] == ["user", "assistant"]
    assert talk.history[0] == ("user", "turn on the lamp")


def test_a_cough_before_the_first_sound_does_not_lose_the_reply() -> None:
    """What joins adds no word: the reply goes on."""
    talk = Talk([REPLY], settings=["simulation.costs.chat_token_ms=600"])
    talk.says(1.0, 2.0, "turn on the lamp")
    talk.starts(2.9)
    talk.closes(talk.utterance(2.9, 3.2, ""))
    talk.utterance(1.0, 3.2, "Turn on the lamp.")
    talk.run(20)
    assert [turn.state for turn in talk.turns] == ["done", "rejected"]
    assert talk.history == [("user", "turn on the lamp"), ("assistant", REPLY)]


@pytest.mark.parametrize("encoder_ms", [90, 140])
def test_speech_before_the_words_are_known_joins_too(encoder_ms: int) -> None:
    """A slow transcriber answers after the user has begun again, or paused again: no word is lost."""
    talk = Talk([REPLY], settings=[f"simulation.costs.whisper_encoder_ms_per_s_of_context={encoder_ms}"])
    talk.says(1.0, 2.0, "turn on")
    talk.says(2.8, 3.2, "unused")
    talk.utterance(1.0, 3.2, "turn on the lamp")
    talk.run(20)
    assert talk.sounding_s(0, 3.9) == 0
    assert talk.turns[-1].state == "done"
    assert talk.history == [("user", "turn on the lamp"), ("assistant", REPLY)]
    assert talk.idle


def test_a_knock_before_the_words_are_known() -> None:
    """It changes nothing, not even when the utterance ended."""
    talk = Talk([REPLY], settings=["simulation.costs.whisper_encoder_ms_per_s_of_context=300"])
    talk.says(1.0, 2.0, "hello there")
    talk.says(2.75, 2.8, "unused")
    talk.run(20)
    (turn,) = talk.turns
    assert turn.state == "done"
    assert turn.endpoint_s == pytest.approx(2.7)
    assert talk.idle


def test_what_goes_on_after_the_reply_became_audible_does_not_join() -> None:
    """Its first part added nothing; the question before it has been answered meanwhile."""
    talk = Talk([REPLY, "Yes."], settings=["simulation.costs.chat_token_ms=60"])
    talk.says(1.0, 2.0, "count for me")
    talk.starts(2.8)
    talk.utterance(1.0, 3.0, "count for me")
    talk.pauses(talk.utterance(2.8, 3.0, ""))
    talk.resumes(3.75)
    talk.closes(talk.utterance(2.8, 4.1, "and stop"))
    talk.run(20)
    assert talk.turns[0].sounded[0][0] < 3.75
    assert [text for role, text in talk.history if role == "user"] == ["count for me", "and stop"]
