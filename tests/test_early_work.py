"""Work that begins before the pause means anything: begun early, concluded late. On fakes in virtual time."""

from __future__ import annotations

import pytest
from talks import Talk

from assistant.messages import Transcript

REPLY = "One two three four five six seven eight."


def test_nothing_but_silence_after_it_makes_its_pass_the_only_one() -> None:
    """The pass begun after 100 ms of silence is the turn's."""
    talk = Talk([REPLY])
    talk.starts(1.0)
    early, whole = talk.utterance(1.0, 2.0, "hello there"), talk.utterance(1.0, 2.0, "hello there")
    talk.falls_silent(early)
    talk.closes(whole)
    talk.run(10)
    (turn,) = talk.turns
    assert (turn.state, turn.transcript) == ("done", "hello there")
    assert turn.transcript_s == pytest.approx(2.1 + 0.056)
    assert len(talk.transcriber.heard) == 1
    assert talk.advice == [(32000, 800.0)]


@pytest.mark.parametrize(("words", "refused"), [("Mm.", ""), ("", "silence")])
def test_half_a_word_is_not_refused(words: str, refused: str) -> None:
    """A backchannel that goes on is none: the reply stays silent, and no turn counts as rejected."""
    talk = Talk([REPLY, "Yes."])
    talk.says(1.0, 2.0, "count for me")
    talk.starts(3.5)
    talk.falls_silent(talk.utterance(3.5, 3.8, words, refused))
    talk.resumes(3.99, pause_ms=190)
    whole = talk.utterance(3.5, 4.4, "Mm, no, stop counting.")
    talk.falls_silent(whole)
    talk.closes(whole)
    talk.run(12)
    assert [turn.state for turn in talk.turns] == ["cut", "discarded", "done"]
    assert talk.sounding_s(3.62, 5.0) == 0


def test_a_backchannel_is_refused_when_the_pause_is_reached() -> None:
    """Its words were known before; not one sample of the reply is lost."""
    talk = Talk([REPLY])
    talk.says(1.0, 2.0, "count for me")
    talk.starts(3.5)
    mm = talk.utterance(3.5, 3.8, "Mm-hm.")
    talk.falls_silent(mm)
    talk.closes(mm)
    talk.run(10)
    assert [turn.state for turn in talk.turns] == ["done", "rejected"]
    assert talk.turns[0].pauses[0].end_s == pytest.approx(4.0)
    assert talk.turns[0].reply_heard == REPLY


def test_a_short_pause_does_not_hold_up_an_interruption() -> None:
    """The time after which speech interrupts, whatever it says, runs on through it."""
    talk = Talk([REPLY, "Yes."], settings=["simulation.costs.whisper_encoder_ms_per_s_of_context=40"])
    talk.says(1.0, 2.0, "count for me")
    talk.starts(3.5)
    talk.falls_silent(talk.utterance(3.5, 3.9, "no"))
    talk.resumes(4.02, pause_ms=120)
    talk.closes(talk.utterance(3.5, 6.5, "no wait I wanted something else entirely"))
    talk.run(12)
    assert talk.turns[0].ended_s == pytest.approx(3.6 + 0.03 + 0.7)  # 30 ms the device has taken


def test_a_command_waits_until_the_pause_is_reached() -> None:
    """ "Repeat" may go on: "repeat after me"."""
    talk = Talk([REPLY, "After you."])
    talk.says(1.0, 2.0, "count for me")
    talk.starts(6.0)
    talk.falls_silent(talk.utterance(6.0, 6.5, "Repeat."))
    talk.resumes(6.65, pause_ms=150)
    talk.closes(talk.utterance(6.0, 7.5, "Repeat after me."))
    talk.run(14)
    assert [(turn.state, turn.command) for turn in talk.turns] == [("done", None), ("discarded", None), ("done", None)]


def test_short_silences_teach_no_patience() -> None:
    """Only pauses that could have been taken for the end are habits of the speaker."""
    for pause_ms, lesson in ((150, False), (480, True)):
        talk = Talk([REPLY])
        talk.starts(1.0)
        first = talk.utterance(1.0, 2.0, "Hello there.")
        talk.falls_silent(first)
        if pause_ms > 200:
            talk.pauses(first)
        talk.resumes(2.0 + pause_ms / 1000, pause_ms=pause_ms)
        talk.closes(talk.utterance(1.0, 3.5, "Hello there. How are you today?"))
        talk.run(10)
        assert (talk.advice[-1][1] > talk.advice[0][1]) is lesson


def test_a_knock_with_a_gap_in_it_does_not_lose_the_words_before() -> None:
    """They are still being made out when something knocks twice."""
    talk = Talk([REPLY], settings=["simulation.costs.whisper_encoder_ms_per_s_of_context=300"])
    talk.says(1.0, 2.0, "hello there")
    talk.starts(2.75)
    talk.falls_silent(talk.utterance(2.75, 2.8, "unused"))
    talk.resumes(2.95, pause_ms=150)
    talk.closes(talk.utterance(2.75, 3.0, "unused"))
    talk.utterance(1.0, 3.0, "hello there you")
    talk.run(20)
    assert talk.turns[-1].transcript == "hello there you"
    assert [turn.state for turn in talk.turns] == ["discarded", "done"]


@pytest.mark.parametrize(("configured", "told"), [("auto", ["", "de", "de"]), ("en", ["", "", ""])])
def test_the_language_of_the_talk_is_kept(configured: str, told: list[str]) -> None:
    """Found out with the first words; a configured one need not be."""
    talk = Talk([REPLY], settings=[f"transcribe.language={configured}"])
    for start_s, words in ((1.0, "eins"), (6.0, "zwei"), (11.0, "drei")):
        talk.says(start_s, start_s + 1, words)
        whole = talk.transcriber.says.popitem()[0]
        talk.transcriber.says[whole] = Transcript(words, language="de")
    talk.run(16)
    assert talk.transcriber.languages == told
