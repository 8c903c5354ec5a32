"""Whom the assistant listened to, as the contract counts it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from assistant.metrics import ReplyPause, Span, TurnRecord, TurnState
from assistant.simulation.judge import Unasked, Verdict, judge
from assistant.simulation.room import RoomConfig

ROOM = RoomConfig(echo_gain_db=-6, echo_delay_ms=100, reverb_rt60_s=0.5)
REPLY: Span = (10.0, 12.0)
VOICED: Span = (1.0, 2.0)


def turn(start_s: float, end_s: float, state: TurnState = "done") -> TurnRecord:
    """A spoken turn."""
    return TurnRecord("spoken", start_s, end_s, end_s + 0.2, state, ended_s=end_s + 3)


def verdict(turns: Sequence[TurnRecord], room: RoomConfig | None = ROOM, voiced: Sequence[Span] = (VOICED,)) -> Verdict:
    """In a room in which one reply was played."""
    return judge(room, turns, [REPLY], voiced, end_s=20.0)


def test_the_user() -> None:
    """A turn with any voiced sample of a recording was asked for, even over a reply."""
    assert verdict([turn(0.9, 2.1)]) == Verdict(0, 0, 0)
    assert verdict([turn(10.5, 14)], voiced=[(13.9, 15.0)]) == Verdict(0, 0, 0)


@pytest.mark.parametrize(
    ("start_s", "self_heard"),
    # the reply, 100 ms later, and for 500 + 200 ms around it
    [(8.8, 0), (9.35, 1), (11.0, 1), (12.7, 1), (12.85, 0)],
)
def test_itself_or_the_room(start_s: float, self_heard: int) -> None:
    """What nobody said is the echo's while a reply can be heard in the room, else the noise's."""
    assert verdict([turn(start_s, start_s + 0.1)]) == Verdict(self_heard, 1 - self_heard, 0)


@pytest.mark.parametrize("room", [None, RoomConfig(noise="pink")])
def test_headphones_have_no_echo(room: RoomConfig | None) -> None:
    """There the room alone is to blame."""
    assert verdict([turn(11.0, 11.5)], room=room) == Verdict(0, 1, 0)


@pytest.mark.parametrize("state", ["held", "discarded"])
def test_turns_without_part_in_the_talk(state: TurnState) -> None:
    """They count nowhere."""
    assert verdict([turn(11.0, 11.5, state)]) == Verdict(0, 0, 0)


def test_refused() -> None:
    """A turn that did not enter the history is rejected, whatever caused it."""
    assert verdict([turn(11.0, 11.5, "rejected"), turn(1.0, 2.0, "rejected")]) == Verdict(0, 0, 2)


def test_typed() -> None:
    """Nobody is heard in a typed line."""
    line = turn(15.0, 15.0)
    line.kind = "typed"
    assert verdict([line]) == Verdict(0, 0, 0)


def test_a_cut_by_the_echo() -> None:
    """Counts once, with the turn of the same speech."""
    cut = turn(1.0, 2.0, "cut")
    cut.cut_by = (10.4, 11.0)
    assert verdict([cut]) == Verdict(1, 0, 0)
    assert verdict([cut, turn(10.4, 11.5)]) == Verdict(1, 0, 0)


def test_a_cut_by_the_user_or_a_key() -> None:
    """Is what was wanted."""
    cut = turn(1.0, 2.0, "cut")
    assert verdict([cut]) == Verdict(0, 0, 0)
    cut.cut_by = (10.4, 11.0)
    assert verdict([cut], voiced=[VOICED, (10.9, 11.4)]) == Verdict(0, 0, 0)


@pytest.mark.parametrize(("end_s", "heard"), [(10.69, 0), (10.71, 1), (None, 1)])
def test_pauses(end_s: float | None, heard: int) -> None:
    """Of more than 200 ms count, those never taken up again too."""
    paused = turn(1.0, 2.0)
    paused.ended_s = 13.0
    paused.pauses.append(ReplyPause(10.5, (10.4, 10.5), end_s))
    assert verdict([paused]) == Verdict(heard, 0, 0)


def test_a_pause_is_counted_though_its_turn_is_refused() -> None:
    """The reply was disturbed all the same."""
    paused = turn(1.0, 2.0)
    paused.pauses.append(ReplyPause(10.5, (10.4, 10.5), 11.9))
    assert verdict([paused, turn(10.4, 11.0, "rejected")]) == Verdict(1, 0, 1)


def test_the_speech_that_silenced_a_reply_is_taken_whole() -> None:
    """A detector may be quicker than the rule for voiced samples; the user spoke all the same."""
    paused = turn(1.0, 2.0)
    paused.pauses.append(ReplyPause(10.5, (10.4, 10.5), 11.9))
    spoken = turn(10.4, 11.4, "rejected")
    assert verdict([paused, spoken], voiced=[VOICED, (10.6, 11.3)]) == Verdict(0, 0, 1)


def test_where_it_listened_to_what() -> None:
    """The spans behind the counts, in order, for a picture."""
    found = verdict([turn(11.0, 11.5), turn(1.0, 2.0), turn(30.0, 30.5)]).unasked
    assert found == (Unasked((11.0, 11.5), "itself"), Unasked((30.0, 30.5), "noise"))
