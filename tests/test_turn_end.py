"""Whether a pause is the end: words and sound together, and when the turn model is asked. On fakes in virtual time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes import FakeTurnModel
from talks import Talk

from assistant.config import Config
from assistant.messages import Priority
from assistant.text.completeness import Completeness
from assistant.turn_end import Ending, hear, weigh

REPLY = "One two three four five six seven eight."


@pytest.mark.parametrize(
    ("words", "end_probability", "together"),
    [
        ("unfinished", 0.99, "unfinished"),
        ("unknown", 0.9, "final"),
        ("unknown", 0.5, "unknown"),
        ("unknown", 0.29, "unknown"),
        ("finished", 0.95, "final"),
        ("final", 0.5, "final"),
        ("final", 0.29, "unknown"),
        ("finished", 0.5, "finished"),
        ("finished", 0.29, "unknown"),
        ("unfinished", 0.1, "unfinished"),
    ],
)
def test_words_that_cannot_be_the_last_outweigh_the_sound_and_a_sound_that_goes_on_a_full_stop(
    config: Config, words: Ending, end_probability: float, together: Ending
) -> None:
    settings = config.endpoint.model_copy(update={"sounds_finished": 0.9, "sounds_unfinished": 0.3})
    assert weigh(words, end_probability, settings) == together


@pytest.mark.parametrize(
    ("words", "finality", "together"),
    [
        (None, 0.9, "final"),
        (None, 0.5, "unknown"),
        ("finished", 0.9, "final"),
        ("finished", 0.5, "finished"),
        ("unknown", 0.9, "unknown"),
        ("unfinished", 0.9, "unfinished"),
    ],
)
def test_a_melody_that_ends_stands_for_words_until_they_are_known(
    config: Config, words: Completeness | None, finality: float, together: Ending
) -> None:
    settings = config.endpoint.model_copy(update={"final_probability": 0.8})
    assert hear(words, finality, settings) == together


@pytest.mark.parametrize(
    ("says", "finality", "waits_ms"),
    [
        ("Turn on the lamp.", 0.99, [340, 340]),
        ("Turn on the lamp.", 0.01, [500]),
        ("I want to go to the", 0.99, [340, 1600]),
    ],
)
def test_what_sounds_final_is_not_kept_waiting_for_its_words(says: str, finality: float, waits_ms: list[float]) -> None:
    """They still lengthen the wait when they come."""
    talk = Talk([REPLY])
    utterance = replace(talk.utterance(1.0, 2.0, says), finality=finality)
    talk.starts(1.0)
    talk.pauses(utterance)
    talk.run(4)
    assert talk.advice == [(32000, wait_ms) for wait_ms in waits_ms]


def heard(talk: Talk) -> list[int]:
    assert talk.turn_model is not None
    return talk.turn_model.heard


@pytest.mark.parametrize(
    ("end_probability", "says", "wait_ms"),
    [
        (0.99, "turn on the lamp", 340),
        (0.99, "I want to go to the", 1600),
        (0.01, "Stop.", 500),
        (0.01, "turn on the lamp", 800),
        (0.01, "Turn on the lamp.", 800),
        (0.6, "turn on the lamp", 800),
    ],
)
def test_the_wait_follows_the_sound(end_probability: float, says: str, wait_ms: float) -> None:
    """Words may lengthen what the sound had shortened; a command waits for nothing else."""
    talk = Talk([REPLY], turn_model=FakeTurnModel(end_probability))
    talk.says(1.0, 2.0, says)
    talk.run(8)
    sound_alone = [(32000, 340)] if end_probability > 0.98 else []
    assert talk.advice == [*sound_alone, (32000, wait_ms)]
    assert heard(talk) == [16000]
    assert talk.turns[0].state == "done"


def test_it_is_asked_before_the_transcriber() -> None:
    """15 ms of held work, by the agreed cost: what sounds final is not kept waiting for its words."""
    talk = Talk([REPLY], turn_model=FakeTurnModel(0.99))
    talk.says(1.0, 2.0, "turn on the lamp")
    talk.run(8)
    kinds = [step.work[0].kind for step in talk.inference.log]
    assert kinds[:3] == ["turn_model", "whisper_encoder", "whisper_token"]
    step = talk.inference.log[0]
    assert step.priority == Priority.HELD
    assert step.end_s - step.start_s == pytest.approx(0.015)
    assert talk.turns[0].transcript_s == pytest.approx(step.end_s + 0.056)


def test_a_melody_that_ends_is_doubted_where_the_turn_model_hears_more_coming() -> None:
    talk = Talk([REPLY], turn_model=FakeTurnModel(0.01))
    utterance = replace(talk.utterance(1.0, 2.0, "Turn on the lamp."), finality=0.99)
    talk.starts(1.0)
    talk.pauses(utterance)
    talk.run(4)
    assert talk.advice == [(32000, 800)]


def test_speech_that_goes_on_is_heard_anew_at_the_next_pause() -> None:
    """And what the pause was after is learned from words and sound together."""
    talk = Talk([REPLY], turn_model=FakeTurnModel(0.01))
    talk.starts(1.0)
    talk.pauses(talk.utterance(1.0, 2.0, "Turn on the lamp."))
    talk.resumes(2.9, pause_ms=900)
    talk.closes(talk.utterance(1.0, 3.5, "Turn on the lamp by the door."))
    talk.run(10)
    assert heard(talk) == [16000, 40000]
    assert talk.advice[0] == (32000, 800)
    assert [turn.state for turn in talk.turns] == ["discarded", "done"]
