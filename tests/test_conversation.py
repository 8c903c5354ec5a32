"""Turn taking, on fakes in virtual time."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from fakes import FakeChat
from talks import Talk

from assistant.messages import ChatMessage, ReplyPiece, Step, Steps, Work

REPLY = "One two three four five six seven eight."


def test_a_question_is_answered_after_its_end() -> None:
    """The reply is ready before the end of the turn is certain, and waits for it."""
    talk = Talk([REPLY])
    talk.says(1.0, 2.0, "hello there")
    talk.run(10)
    (turn,) = talk.turns
    assert (turn.state, turn.transcript, turn.reply, turn.reply_heard) == ("done", "hello there", REPLY, REPLY)
    assert turn.first_fragment_s is not None and turn.endpoint_s is not None
    assert turn.first_fragment_s < turn.endpoint_s == pytest.approx(2.7)
    assert talk.sounding_s(0, 2.69) == 0
    assert talk.sounding_s() == pytest.approx(2.0, abs=0.01)
    assert talk.history == [("user", "hello there"), ("assistant", REPLY)]
    assert talk.idle


def test_a_pause_inside_a_sentence_makes_one_turn() -> None:
    """Work begun at the pause is dropped; the next pause carries the whole utterance."""
    talk = Talk([REPLY])
    talk.starts(1.0)
    talk.pauses(talk.utterance(1.0, 2.0, "set a timer"))
    talk.resumes(2.5)
    talk.closes(talk.utterance(1.0, 3.5, "set a timer for ten minutes"))
    talk.run(10)
    assert [turn.state for turn in talk.turns] == ["discarded", "done"]
    assert talk.history == [("user", "set a timer for ten minutes"), ("assistant", REPLY)]


def test_an_interruption_silences_at_once_and_leaves_what_was_heard() -> None:
    """Hushed when speech starts, cut when it has words; history and record end at the last word heard."""
    talk = Talk([REPLY, "Sure."])
    talk.says(1.0, 2.0, "count for me")
    talk.says(3.5, 4.0, "now backwards", in_echo_window=True)
    talk.run(10)
    first, second = talk.turns
    assert (first.state, second.state) == ("cut", "done")
    assert talk.sounding_s(3.62, 4.7) == 0
    assert first.reply_heard == "One two three four"  # 2.7 s to 3.6 s is three words and more than half of the fourth
    assert first.pauses[0].start_s == pytest.approx(3.6)
    assert talk.history == [
        ("user", "count for me"),
        ("assistant", "One two three four"),
        ("user", "now backwards"),
        ("assistant", "Sure."),
    ]
    told = [message.text for message in talk.chat.told[1]]
    assert told[1:] == ["count for me", "One two three four", "now backwards"]


@pytest.mark.parametrize(
    ("words", "refused", "reason"),
    [
        ("Mm-hm.", "", "backchannel"),
        ("three four", "", "echo"),
        ("", "silence", "silence"),
        ("You", "invented", "invented"),
    ],
)
def test_what_is_no_interruption_resumes_the_reply_where_it_stopped(words: str, refused: str, reason: str) -> None:
    """A backchannel, an echo of the words just played, a noise: not one sample of the reply is lost."""
    talk = Talk([REPLY])
    talk.says(1.0, 2.0, "count for me")
    talk.says(3.5, 3.8, words, in_echo_window=True, refused=refused)
    talk.run(10)
    first, second = talk.turns
    assert (first.state, second.state, second.reason) == ("done", "rejected", reason)
    assert first.reply_heard == REPLY
    assert first.pauses[0].end_s is not None and first.pauses[0].end_s < 4.2
    assert talk.sounding_s() == pytest.approx(2.0, abs=0.02)
    assert talk.history == [("user", "count for me"), ("assistant", REPLY)]


def test_long_speech_interrupts_before_its_words_are_known() -> None:
    """Speech that goes on after the sound stopped is no echo of it."""
    talk = Talk([REPLY, "Yes."])
    talk.says(1.0, 2.0, "count for me")
    talk.says(3.5, 6.5, "no wait I wanted something else entirely", in_echo_window=True)
    talk.run(12)
    assert talk.turns[0].state == "cut"
    assert talk.turns[0].ended_s == pytest.approx(3.6 + 0.03 + 0.7)  # 30 ms the device has taken
    assert talk.turns[1].state == "done"


def test_a_late_echo_is_not_long_speech() -> None:
    """What was played before the sound stopped is heard for so much longer."""
    talk = Talk([REPLY])
    talk.says(1.0, 2.0, "count for me")
    talk.starts(3.5, in_echo_window=True, echo_after_ms=400)
    talk.closes(talk.utterance(3.5, 4.4, "three four", in_echo_window=True))
    talk.run(12)
    assert [turn.state for turn in talk.turns] == ["done", "rejected"]


def test_what_a_slow_device_has_taken_is_not_long_speech() -> None:
    """It sounds on for 400 ms after the reply was silenced, and its echo with it."""
    talk = Talk([REPLY], device_s=0.4)
    talk.says(1.0, 2.0, "count for me")
    talk.starts(3.5, in_echo_window=True)
    talk.closes(talk.utterance(3.5, 4.4, "three four", in_echo_window=True))
    talk.run(12)
    assert [turn.state for turn in talk.turns] == ["done", "rejected"]


def test_what_sounds_like_the_echo_is_nobody() -> None:
    """However Whisper misheard it: the reply goes on as soon as a pause says so, and again after the next word."""
    talk = Talk([REPLY])
    talk.says(1.0, 2.0, "count for me")
    talk.starts(3.5, in_echo_window=True)
    for start_s, end_s in ((3.5, 3.7), (3.5, 4.1)):
        misheard = talk.utterance(start_s, end_s, "reform", in_echo_window=True, is_echo=True)
        talk.falls_silent(misheard)
        talk.pauses(misheard)
    talk.resumes(3.95)
    talk.ends(misheard)
    talk.run(10)
    (turn,) = talk.turns
    assert turn.state == "done" and turn.reply_heard == REPLY
    assert [pause.end_s for pause in turn.pauses] == pytest.approx([3.9, 4.3])
    assert len(talk.transcriber.heard) == 1


def test_speech_refused_while_the_next_is_open_resumes_nothing() -> None:
    """A late word about the first noise does not let the reply speak over the user."""
    talk = Talk([REPLY, "Yes."], settings=["simulation.costs.whisper_encoder_ms_per_s_of_context=150"])
    talk.types(0.0, "count for me")
    talk.says(1.6, 1.8, "Mm-hm.")
    talk.starts(3.0)
    talk.run(4.0)
    assert talk.turns[1].reason == "backchannel"
    assert talk.sounding_s(1.72) == 0


def test_speech_too_short_for_a_turn_resumes_the_reply() -> None:
    """The endpointer may start and end an utterance without ever calling it a pause."""
    talk = Talk([REPLY])
    talk.says(1.0, 2.0, "count for me")
    talk.starts(3.5)
    talk.ends(talk.utterance(3.5, 3.55, ""))
    talk.run(10)
    (turn,) = talk.turns
    assert (turn.state, turn.reply_heard) == ("done", REPLY)


def test_a_knock_is_no_turn() -> None:
    """Less speech than `endpoint.min_voiced_ms` is not even transcribed."""
    talk = Talk([REPLY])
    talk.says(1.0, 1.1, "you")
    talk.run(5)
    assert talk.turns == []
    assert talk.idle


def test_a_typed_line_interrupts_like_a_key() -> None:
    """No confirmation is needed; the new turn counts as typed."""
    talk = Talk([REPLY, "It is nine."])
    talk.says(1.0, 2.0, "count for me")
    talk.types(3.5, "what time is it")
    talk.run(10)
    assert [(turn.kind, turn.state) for turn in talk.turns] == [("spoken", "cut"), ("typed", "done")]
    assert talk.history[1][1] == "One two three"
    assert talk.history[2:] == [("user", "what time is it"), ("assistant", "It is nine.")]


@pytest.mark.parametrize(("by_key", "kinds"), [(False, ["typed"]), (True, ["typed", "spoken"])])
def test_a_typed_line_takes_the_place_of_what_is_being_said(by_key: bool, kinds: list[str]) -> None:
    """Its end would be a turn that cuts the reply to the line; who holds a key means what he says."""
    talk = Talk(["It is nine.", REPLY])
    talk.starts(1.0, by_key=by_key)
    talk.types(1.5, "what time is it")
    talk.closes(talk.utterance(1.0, 2.0, "what time"))
    talk.run(15)
    assert [turn.kind for turn in talk.turns] == kinds
    assert talk.turns[-1].state == "done"
    assert talk.idle


def test_a_typed_line_ends_the_waiting_for_a_confirmation() -> None:
    """Else an "mm" to the new reply cut it, 700 ms after the speech that was given up had begun."""
    talk = Talk([REPLY, "It is nine."])
    talk.says(1.0, 2.0, "count for me")
    talk.starts(3.5)
    talk.types(3.8, "what time is it")
    talk.says(4.0, 4.4, "mm")
    talk.run(12)
    assert [(turn.kind, turn.state) for turn in talk.turns if turn.state != "rejected"] == [
        ("spoken", "cut"),
        ("typed", "done"),
    ]


@pytest.mark.parametrize(("at_s", "heard"), [(2.0, ""), (7.0, "One two three four five six seven eight")])
def test_a_reply_is_not_heard_before_it_is_voiced(at_s: float, heard: str) -> None:
    """All of its text is there, and nothing waits to be played: the voice is at work."""
    text = REPLY if not heard else f"{REPLY} Nine ten eleven twelve thirteen fourteen fifteen sixteen."
    talk = Talk([text, "It is nine."], settings=["simulation.costs.voice_ms_per_s=1500"])
    talk.types(1.0, "count for me")
    talk.types(at_s, "what time is it")
    talk.run(20)
    assert talk.turns[0].reply == text
    assert [(turn.state, turn.reply_heard) for turn in talk.turns] == [("cut", heard), ("done", "It is nine.")]


def test_a_key_cuts_the_reply_when_it_goes_down() -> None:
    """Push-to-talk: nothing has to be understood first."""
    talk = Talk([REPLY, "Yes."])
    talk.says(1.0, 2.0, "count for me")
    talk.starts(3.4, by_key=True)
    talk.closes(talk.utterance(3.6, 4.0, "wait"))
    talk.run(10)
    assert talk.turns[0].state == "cut"
    assert talk.turns[0].ended_s == pytest.approx(3.5)
    assert talk.turns[1].state == "done"


def test_a_reply_of_nothing_ends_the_turn() -> None:
    """No token, no sound, no message; the next turn is answered."""
    talk = Talk(["", "Yes."])
    talk.says(1.0, 2.0, "hello")
    talk.says(5.0, 6.0, "are you there")
    talk.run(12)
    assert [(turn.state, turn.reply) for turn in talk.turns] == [("done", ""), ("done", "Yes.")]
    assert [role for role, _ in talk.history] == ["user", "user", "assistant"]


class Lingering(FakeChat):
    """Has an end that takes as long as forty tokens, in which nothing more is written."""

    def reply(self, messages: Sequence[ChatMessage]) -> Steps[ReplyPiece]:
        """See ports.ChatModel."""
        yield from super().reply(messages)
        yield Step((Work("chat_token", 40),))


def test_a_reply_that_is_complete_is_spoken_before_its_model_has_come_to_an_end() -> None:
    """Its last fragment waited for a step that writes nothing."""
    talk = Talk(["Yes."])
    talk.chat = Lingering(["Yes."])
    talk.says(1.0, 2.0, "are you there")
    talk.run(10)
    (turn,) = talk.turns
    assert turn.first_token_s is not None and turn.first_fragment_s is not None
    assert turn.first_fragment_s < turn.first_token_s + 0.5
    assert (turn.state, turn.reply_heard) == ("done", "Yes.")


def test_held_work_of_an_interrupter_waits_until_the_reply_is_cut() -> None:
    """While a reply is live a held turn only transcribes, so that one prompt cache is enough."""
    talk = Talk([REPLY, "Yes."])
    talk.says(1.0, 2.0, "count for me")
    talk.says(3.5, 3.8, "Mm-hm.", in_echo_window=True)
    talk.run(10)
    assert len(talk.chat.told) == 1


def test_a_cut_reply_closes_its_generator() -> None:
    """A long reply still being written is abandoned, not finished in silence."""
    talk = Talk([" ".join(["word"] * 200) + ".", "Yes."])
    talk.says(1.0, 2.0, "tell me a story")
    talk.says(4.0, 4.5, "stop", in_echo_window=True)
    talk.run(10)
    assert talk.turns[0].state == "cut"
    assert talk.chat.closed_early == 1


def test_a_long_utterance_is_not_transcribed_again_from_its_start() -> None:
    """Beyond twenty seconds a pause settles what was said so far."""
    talk = Talk([REPLY])
    talk.starts(1.0)
    talk.pauses(talk.utterance(1.0, 26.0, "a long story"))
    talk.resumes(27.0)
    talk.closes(talk.utterance(1.0, 30.0, "unused"))
    talk.utterance(26.0, 30.0, "and its end")
    talk.run(40)
    assert talk.turns[-1].transcript == "a long story and its end"
    assert talk.transcriber.heard == [25 * 16000, 4 * 16000]
