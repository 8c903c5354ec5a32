"""The wait for the end of a turn follows the words and the speaker, within its bounds."""

from __future__ import annotations

import pytest
from talks import Talk

from assistant.config import load
from assistant.messages import MIC_RATE_HZ
from assistant.patience import Patience
from assistant.turn_end import Ending


def patience(*settings: str) -> Patience:
    """With finished 500, ordinary 800, unfinished 1600 ms, where not set."""
    return Patience(load("small", settings=settings).endpoint)


def test_the_words_decide_before_anything_is_learned() -> None:
    """Short after a finished sentence, shorter still if it sounds final, long after an unfinished one."""
    new = patience()
    endings: tuple[Ending, ...] = ("final", "finished", "unknown", "unfinished")
    assert [round(new.wait_ms(ending)) for ending in endings] == [340, 500, 800, 1600]


def test_a_speaker_who_pauses_long_after_sentences_is_given_time_and_one_who_does_not_is_not() -> None:
    """Quickly longer, slowly shorter, never beyond the ordinary wait nor below the least."""
    speaker = patience()
    speaker.learn("finished", 480)
    assert speaker.wait_ms("finished") == pytest.approx(562, abs=1)
    for _ in range(5):
        speaker.learn("finished", 700)
    assert speaker.wait_ms("finished") == 800
    for _ in range(100):
        speaker.learn("finished", 220)
    assert speaker.wait_ms("finished") == 500
    assert speaker.wait_ms("unfinished") == pytest.approx(1600)


def test_short_pauses_in_mid_sentence_shorten_the_long_wait() -> None:
    """Down to the ordinary one."""
    speaker = patience()
    for _ in range(100):
        speaker.learn("unfinished", 250)
    assert speaker.wait_ms("unfinished") == 800


@pytest.mark.parametrize("words", ["final", "finished", "unknown", "unfinished"])
def test_without_adaptation_the_wait_is_always_the_same(words: str) -> None:
    """As it is where `end_ms` alone is to count."""
    fixed = patience("endpoint.adaptive=false", "endpoint.end_ms=700")
    fixed.learn(words, 3000)  # type: ignore[arg-type]
    assert fixed.wait_ms(words) == 700  # type: ignore[arg-type]


def test_a_short_ordinary_wait_is_not_lengthened_after_a_finished_sentence() -> None:
    """`end_ms` below `finished_ms` holds."""
    brisk = patience("endpoint.end_ms=300")
    assert [brisk.wait_ms("final"), brisk.wait_ms("finished")] == [300, 300]


def test_a_long_ordinary_wait_is_never_shortened() -> None:
    """Who asks for it pauses in mid-speech."""
    orator = patience("endpoint.end_ms=1200")
    assert [orator.wait_ms("final"), orator.wait_ms("finished"), orator.wait_ms("unknown")] == [1200] * 3
    assert round(orator.wait_ms("unfinished")) == 1600


def test_the_conversation_advises_the_endpointer() -> None:
    """Of the utterance that it has the words of: 500 ms after a whole sentence, 1600 ms after "and"."""
    talk = Talk(["Yes.", "No."])
    talk.says(1.0, 2.0, "Is it so?")
    talk.says(6.0, 7.1, "I want this and")
    talk.run(12)
    assert talk.advice == [(2 * MIC_RATE_HZ, 500), (round(7.1 * MIC_RATE_HZ), 1600)]


def test_pauses_after_which_the_speaker_goes_on_are_learned() -> None:
    """The second pause after a finished sentence is given longer."""
    talk = Talk(["Yes."])
    talk.starts(1.0)
    talk.pauses(talk.utterance(1.0, 2.0, "I like tea."))
    talk.resumes(2.5, pause_ms=480)
    talk.pauses(talk.utterance(1.0, 3.5, "I like tea. And cake."))
    talk.run(6)
    assert [wait_ms for _, wait_ms in talk.advice] == [500, pytest.approx(562, abs=1)]
