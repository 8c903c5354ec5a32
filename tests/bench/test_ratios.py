"""Pairs of runs, ours and a peer's: which are compared, and how."""

from __future__ import annotations

from dataclasses import replace

import pytest
from against import peer_turns
from measured import performance

from assistant.bench.ratios import comparisons, sentences, summary
from assistant.bench.turns import MeasuredTurn, measured_turn


def ours(sounds_s: float, recording: str = "one.wav", run: int = 0) -> MeasuredTurn:
    """A turn whose reply sounds then; the last voiced sample is at 1.5 s, the wait 500 ms."""
    turn = measured_turn(performance(sounds_s=sounds_s, recording=recording, run=run))
    assert turn is not None
    return turn


@pytest.mark.parametrize(
    ("reply", "count"),
    [
        ("", 0),
        ("It is nine.", 1),
        ("It is nine", 1),
        ("It is nine. Dr. Smith has the 3.5 km", 2),
        ("Well... so I see! Is it 9 a.m. there? Yes.", 3),
    ],
)
def test_sentences_of_a_reply(reply: str, count: int) -> None:
    """As the voice tells them apart; one that was cut short counts."""
    assert sentences(reply) == count


def test_ratios_are_those_of_pairs() -> None:
    """Run by run, then the median: not the ratio of the medians."""
    mine = [ours(2.5 + 1.5 + run, run=run) for run in range(3)]  # 2500, 3500, 4500 ms
    (one,), left_out = comparisons(mine, peer_turns("one.wav", 9000, 7000, 5000))
    assert not left_out
    assert (one.recording, one.runs, one.sentences, one.same_reply) == ("one.wav", 3, 1, True)
    assert (one.ours_ms, one.peer_ms) == (3500, 7000)
    assert one.ratio == 2.0
    assert one.ratio_without_wait == pytest.approx(6400 / 3000, abs=0.01)
    assert one.ratio_of_one_transcription == pytest.approx((7000 - 100 + 640) / 3500, abs=0.01)


def test_runs_without_their_pair_are_not_compared() -> None:
    """We gave no answer to the first, the peer none to the second; in the third it waited too long."""
    mine = [ours(4.0, run=1), ours(4.0, run=2)]
    first, second, third = peer_turns("one.wav", 9000, 9000, 9000)
    deaf = replace(third, parts_ms=third.parts_ms | {"end of turn": 2001})
    compared, left_out = comparisons(mine, [first, deaf])
    assert compared == []
    assert [(one.run, one.reason) for one in left_out] == [(2, "the peer waited 2.0 s for the end of the turn")]
    assert comparisons(mine, [second])[0][0].runs == 1


def test_an_answer_that_came_too_early_is_no_gain() -> None:
    """What followed was a turn of its own, with hardly a wait."""
    compared, left_out = comparisons([replace(ours(4.0), turns=2)], peer_turns("one.wav", 9000))
    assert compared == []
    assert [one.reason for one in left_out] == ["we answered before its end"]


def test_another_reply_is_told() -> None:
    """Their lengths differ, and with them the time they take."""
    (peer,) = peer_turns("one.wav", 9000)
    assert not comparisons([ours(4.0)], [replace(peer, reply="It is ten.")])[0][0].same_reply


def test_over_recordings() -> None:
    """The median recording, and the one in which the peer comes closest."""
    names = ("one.wav", "two.wav", "three.wav")
    mine = [ours(4.0, name) for name in names]
    against = [turn for name, ms in zip(names, (2250, 5000, 10_000), strict=True) for turn in peer_turns(name, ms)]
    over = summary(comparisons(mine, against)[0])
    assert over is not None
    assert (over.recordings, over.ratio, over.least) == (3, 2.0, 0.9)
    assert summary([]) is None
