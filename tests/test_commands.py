"""Voice commands: what is taken for one, and what each does to the talk, on fakes in virtual time."""

from __future__ import annotations

import pytest
from talks import Talk

from assistant import config
from assistant.commands import find_command, tell_time
from assistant.messages import Transcript

REPLY = "One two three four five six seven eight."
HEARD = "One two three four"
"""What has sounded of it when the user, from 3.5 s on, is noticed at 3.6 s."""
COMMANDS = config.load("small").commands


def interrupted_by(words: str, *more: tuple[float, float, str]) -> Talk:
    """A reply of eight words that sounds from 2.7 s on, half heard when the user speaks; then what else is said."""
    talk = Talk([REPLY, "From the model."])
    talk.says(1.0, 2.0, "count for me")
    talk.says(3.5, 4.0, words, in_echo_window=True)
    for start_s, end_s, said in more:
        talk.says(start_s, end_s, said)
    talk.run(14)
    return talk


@pytest.mark.parametrize(
    ("text", "language", "command"),
    [
        ("Stop.", "en", "stop"),
        ("Never mind!", "en", "never_mind"),
        ("What's the time?", "en", "time"),
        ("What time is it?", "en", "time"),
        ("Stop listening.", "en", "sleep"),
        ("Lauter!", "de", "louder"),
        ("Quelle heure est-il ?", "fr", "time"),
        ("Stop the timer.", "en", None),
        ("What time is it in Tokyo?", "en", None),
        ("Lauter!", "en", None),
        ("Stop.", "xx", None),
    ],
)
def test_a_command_is_the_whole_of_what_was_said(text: str, language: str, command: str | None) -> None:
    """In the language of the transcript, whatever its case and punctuation."""
    assert find_command(Transcript(text, language=language), COMMANDS) == command


def test_words_that_go_on_an_unanswered_question_may_take_all_of_it_back() -> None:
    """ "Never mind" ends a sentence that was joined; in one breath it is the model's to understand."""
    text = Transcript("What is the weather? Never mind.")
    assert find_command(text, COMMANDS, joined=True) == "never_mind"
    assert find_command(text, COMMANDS) is None
    assert find_command(Transcript("What is the weather? Louder."), COMMANDS, joined=True) is None


def test_an_empty_list_is_no_command() -> None:
    """Then the words go to the model."""
    commands = config.load("small", settings=["commands.stop.en=[]"]).commands
    assert find_command(Transcript("Stop."), commands) is None


def test_stop_ends_the_reply_and_asks_the_model_nothing() -> None:
    """What was heard stays in the history; the command does not enter it."""
    talk = interrupted_by("stop")
    first, second = talk.turns
    assert (first.state, second.state, second.command, second.reply) == ("cut", "done", "stop", "")
    assert talk.history == [("user", "count for me"), ("assistant", HEARD)]
    assert len(talk.chat.told) == 1
    assert talk.sounding_s(3.62) == 0


def test_never_mind_forgets_the_question_too() -> None:
    """As if it had not been asked."""
    assert interrupted_by("never mind").history == []


def test_never_mind_takes_back_one_question_and_not_the_one_before() -> None:
    """Joined to what cut a reply and is not yet answered: that alone is forgotten."""
    talk = Talk([REPLY, "From the model."], settings=["simulation.costs.voice_ms_per_s=2000"])
    talk.says(1.0, 2.0, "count for me")
    start_s = 7.8
    talk.starts(start_s, in_echo_window=True)
    talk.closes(talk.utterance(start_s, start_s + 0.9, "what is the weather", in_echo_window=True))
    talk.starts(start_s + 1.8)
    joined = talk.utterance(start_s + 1.8, start_s + 2.5, "")
    talk.transcriber.says[round(2.5 * 16_000)] = Transcript("What is the weather? Never mind.")
    talk.closes(joined)
    talk.run(14)
    assert [turn.state for turn in talk.turns] == ["cut", "discarded", "done"]
    assert talk.turns[2].command == "never_mind"
    assert [role for role, _ in talk.history] == ["user", "assistant"]


def test_never_mind_in_silence_leaves_what_was_said_and_done() -> None:
    """Only what it interrupts is forgotten."""
    talk = Talk(["Yes."])
    talk.says(1.0, 2.0, "is it so")
    talk.says(6.0, 6.7, "never mind")
    talk.run(10)
    assert talk.history == [("user", "is it so"), ("assistant", "Yes.")]


@pytest.mark.parametrize("words", ["go on", "louder", "slower"])
def test_some_commands_let_the_reply_go_on(words: str) -> None:
    """Not a sample of it is lost."""
    talk = interrupted_by(words)
    assert [turn.state for turn in talk.turns] == ["done", "done"]
    assert talk.history == [("user", "count for me"), ("assistant", REPLY)]
    assert talk.sounding_s() == pytest.approx(2.0, abs=0.02)


def test_go_on_after_a_cut_says_the_rest_and_the_history_holds_it() -> None:
    """Two pieces of one message."""
    talk = interrupted_by("stop", (6.0, 6.7, "go on"))
    assert talk.turns[2].command == "go_on"
    assert talk.sounding_s(6.0) == pytest.approx(4 * 0.25, abs=0.02)
    assert talk.history == [("user", "count for me"), ("assistant", REPLY)]


def test_go_on_with_nothing_left_is_the_models_to_answer() -> None:
    """It may have more to say."""
    talk = Talk(["Yes.", "More."])
    talk.says(1.0, 2.0, "is it so")
    talk.says(6.0, 6.7, "go on")
    talk.run(10)
    assert (talk.turns[1].command, talk.turns[1].reply) == (None, "More.")


def test_repeat_says_the_last_reply_again() -> None:
    """All of it, once heard or not; the history has it once."""
    talk = interrupted_by("repeat that")
    assert talk.sounding_s(4.2) == pytest.approx(8 * 0.25, abs=0.02)
    assert talk.history == [("user", "count for me"), ("assistant", HEARD)]


def test_the_time_is_told_from_the_clock() -> None:
    """Without the model."""
    talk = Talk([])
    talk.says(1.0, 2.0, "what time is it")
    talk.run(8)
    assert (talk.turns[0].command, talk.turns[0].reply, talk.history) == ("time", "", [])
    assert talk.sounding_s() == pytest.approx(4 * 0.25, abs=0.02)  # It is nine o'clock, or whatever it is: 4 words
    assert tell_time("9:05", "en") == "It is 9:05."
    assert tell_time("9:05", "xx") == "9:05."


def test_louder_and_quieter_change_what_is_played() -> None:
    """By 3 dB."""
    talk = Talk(["Yes.", "No."])
    talk.says(1.0, 2.0, "is it so")
    talk.says(5.0, 5.6, "louder")
    talk.says(8.0, 9.1, "and this")
    talk.run(13)
    assert talk.played.max() == pytest.approx(0.1 * 10**0.15, rel=1e-3)


def test_faster_changes_the_voice() -> None:
    """Of what is made from then on."""
    talk = Talk(["Yes."])
    talk.says(1.0, 1.6, "faster")
    talk.run(4)
    assert talk.synthesizer.speed == pytest.approx(1.15)


def test_asleep_nothing_is_answered_until_it_is_woken() -> None:
    """A television talks; then its name is called; then a question is answered."""
    talk = Talk(["Here."])
    talk.says(1.0, 1.8, "stop listening")
    talk.says(4.0, 6.0, "and now the news")
    talk.says(9.0, 9.7, "wake up")
    talk.says(12.0, 13.0, "are you there")
    talk.run(17)
    assert [turn.state for turn in talk.turns] == ["done", "rejected", "done", "done"]
    assert [turn.command for turn in talk.turns] == ["sleep", None, "wake", None]
    assert talk.turns[1].reason == "asleep"
    assert talk.history == [("user", "are you there"), ("assistant", "Here.")]


def test_asleep_without_a_phrase_to_wake_nothing_is_even_transcribed() -> None:
    """A key, or a typed line, still is heard."""
    talk = Talk(["Here.", "There."], settings=["commands.wake={en=[]}"])
    talk.says(1.0, 1.8, "stop listening")
    talk.says(4.0, 6.0, "and now the news")
    talk.types(8.0, "are you there")
    talk.run(12)
    assert len(talk.transcriber.heard) == 1
    assert talk.history == [("user", "are you there"), ("assistant", "Here.")]
    assert talk.conversation.asleep


def test_awake_the_phrase_that_wakes_is_like_any_other() -> None:
    """It goes to the model."""
    talk = Talk(["Good morning."])
    talk.says(1.0, 2.0, "wake up")
    talk.run(6)
    assert (talk.turns[0].command, talk.turns[0].reply) == (None, "Good morning.")
