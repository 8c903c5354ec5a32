"""The plan of a reply: how long fragments are and when a sentence may start, from the rates alone."""

from __future__ import annotations

import pytest
from talks import Talk

from assistant.config import load
from assistant.messages import Priority, Work
from assistant.metrics import Rates, StepRecord
from assistant.pacing import Pace

SPEECH = load("small").speech


def step(work: Work, took_s: float) -> StepRecord:
    return StepRecord(0.0, took_s, 0.0, Priority.PLAYBACK, (work,))


def rates(factor: float, fixed_s: float = 0.2, token_s: float = 0.0) -> Rates:
    """A voice that has spoken often, and text that takes so long."""
    known = Rates()
    for speech_s in (0.5, 1.0, 2.0, 3.0) * 3:
        known.learn(step(Work("voice", speech_s), factor * (speech_s + fixed_s)))
    for _ in range(200):
        known.learn(step(Work("chat_token", 1), token_s))
        known.spoken.learn(1.0, 1.0)
    return known


def pace(factor: float, queued_s: float = 0.0) -> Pace:
    return Pace(SPEECH, rates(factor), lambda: queued_s)


def test_the_rates_follow_what_steps_take() -> None:
    """A slope and a fixed part of the voice; tokens; what held two kinds of work tells nothing."""
    known = rates(0.5, fixed_s=0.4, token_s=0.08)
    assert known.voice_s(1.0) == pytest.approx(0.7, abs=0.01)
    assert known.voice_s(3.0) == pytest.approx(1.7, abs=0.03)
    assert known.text_s(2.0) == pytest.approx(2 * 3.6 * 0.08, rel=0.05)
    assert known.speech_in(known.voice_s(2.0), written_s=2.0) == pytest.approx(2.0)
    assert known.speech_in(known.voice_s(2.0) + known.text_s(1.0), written_s=1.0) == pytest.approx(2.0)
    before = known.voice_s(1.0)
    known.learn(StepRecord(0, 9, 0, Priority.HELD, (Work("voice", 1), Work("chat_token", 1))))
    assert known.voice_s(1.0) == before


def test_a_few_fragments_are_enough_to_know_a_slow_voice() -> None:
    """After the warm-up's one word the order is right, not that of the guess."""
    known = Rates()
    known.learn(step(Work("voice", 0.5), 1.2))
    assert known.voice_s(2.0) == pytest.approx(3.0, rel=0.2)


def test_where_models_are_fast_the_first_fragment_is_the_configured_one() -> None:
    """At a clause of half its length, at a conjunction after the whole."""
    aim = pace(0.2).aim(0.0, inside=False)
    assert (aim.clause_s, aim.conjunction_s, aim.most_s) == (1.0, 2.0, 3.0)


def test_where_models_are_slow_the_first_fragment_lasts_for_the_rest_of_its_sentence() -> None:
    """The slower, the more of it."""
    needed = [pace(factor).aim(0.0, inside=False).clause_s for factor in (0.2, 0.9, 1.1, 1.4)]
    assert needed == sorted(needed)
    assert needed[0] == 1.0 and 2.0 < needed[-1] <= SPEECH.max_fragment_s


@pytest.mark.parametrize("factor", [0.3, 0.5, 0.7])
def test_a_fragment_inside_a_sentence_comes_before_the_sound_runs_out(factor: float) -> None:
    """Whatever is queued, as long as a voice this fast can do it."""
    for queued_s in (0.8, 1.2, 2.0, 3.0):
        aim = pace(factor, queued_s).aim(0.0, inside=True)
        sound_s = queued_s + SPEECH.clause_gap_ms / 1000
        assert rates(factor).voice_s(aim.most_s) <= sound_s or aim.most_s == 0.6


def test_a_short_sentence_is_followed_by_a_short_fragment_rather_than_by_silence() -> None:
    """ "Maybe. It depends on ...": at half the speed of speech there is time for a second and a bit."""
    aim = pace(0.5, queued_s=0.6).aim(0.0, inside=False)
    assert 0.6 <= aim.most_s < 1.5


def test_a_sentence_waits_for_its_rest_where_that_would_be_late() -> None:
    """By just so much; one that is there, or comes in time, starts at once."""
    slow = pace(1.5)
    slow.cut(1.0, ends_sentence=False)
    slow.cut(3.0, ends_sentence=True)
    late_s = rates(1.5).voice_s(3.0) * 1.2 - 1.0
    assert slow.delay_s(1.0) == pytest.approx(late_s, rel=0.02)
    fast = pace(0.3)
    fast.cut(1.0, ends_sentence=False)
    fast.cut(2.0, ends_sentence=True)
    assert fast.delay_s(1.0) == 0
    whole = pace(1.5)
    whole.cut(1.0, ends_sentence=True)
    whole.cut(3.0, ends_sentence=True)
    assert whole.delay_s(1.0) == 0


def test_only_where_a_long_sentence_would_come_late_its_end_must_be_known() -> None:
    """And not beyond the end of the text, nor longer than the queue of fragments holds."""
    slow, fast = pace(1.5), pace(0.3)
    for one in (slow, fast):
        one.cut(2.0, ends_sentence=False)
    assert slow.must_know_more(2.0) and not fast.must_know_more(2.0)
    slow.finish()
    assert not slow.must_know_more(2.0)
    full = pace(1.5)
    for _ in range(5):
        full.cut(2.0, ends_sentence=False)
    assert not full.must_know_more(2.0)


def test_what_was_spoken_corrects_the_estimate_from_text() -> None:
    """A voice that speaks faster than estimated gets longer fragments."""
    known = rates(0.8)
    one = Pace(SPEECH, known, lambda: 1.5)
    before = one.aim(0.0, inside=True).most_s
    for _ in range(20):
        one.cut(2.0, ends_sentence=True)
        one.spoken(1.4)
    assert one.aim(0.0, inside=True).most_s > before


def talk() -> Talk:
    made = Talk(["One two three four five six. Seven, eight nine.", "Yes."], ["simulation.costs.voice_ms_per_s=900"])
    made.types(1.0, "count")
    made.types(9.0, "again")
    made.run(14)
    return made


def test_a_talk_learns_nothing_from_another() -> None:
    """In one process or in two, first or second: the same steps at the same moments."""
    first, second = talk(), talk()
    assert first.inference.log == second.inference.log
    assert first.turns == second.turns


def test_a_reply_interrupted_while_its_start_is_delayed_was_not_heard() -> None:
    """The line that follows is the next question; nothing of the reply is in the history."""
    slow = ["simulation.costs.voice_ms_per_s=3000", "simulation.costs.chat_token_ms=10"]
    made = Talk(["One two three four five six seven eight nine ten eleven twelve thirteen.", "Yes."], slow)
    made.types(1.0, "count")
    made.run(30)
    (turn,) = made.turns
    assert turn.first_fragment_s is not None
    delay_s = turn.sounded[0][0] - turn.first_fragment_s
    assert delay_s > 0.3
    again = Talk(["One two three four five six seven eight nine ten eleven twelve thirteen.", "Yes."], slow)
    again.types(1.0, "count")
    again.types(turn.first_fragment_s + delay_s / 2, "stop counting")
    again.run(40)
    assert [one.state for one in again.turns] == ["cut", "done"]
    assert again.turns[0].reply_heard == "" and again.turns[0].sounded == []
    assert again.history[-1] == ("assistant", "Yes.")
