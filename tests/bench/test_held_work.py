"""How much of transcription and prefill the wait hides, and the latency that the rest leaves."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from measured import STEPS, TURN, step

from assistant.bench.held import HeldWork, held_work

SINCE_S = 1.5
MS = st.floats(0, 5000)


def test_what_lies_before_the_certain_end_is_hidden() -> None:
    """Of 640 ms of Whisper and 300 ms of prefill a quarter of a second; the wait of 500 ms has room for 400 ms."""
    held = held_work(TURN, SINCE_S, STEPS)
    assert (held.wait_ms, held.room_ms) == (500, 400)
    assert held.transcription_ms == pytest.approx(640)
    assert held.prefill_ms == pytest.approx(300)
    assert held.hidden_ms == pytest.approx(250)
    assert held.share == pytest.approx(250 / 940)
    assert held.share_of_possible == pytest.approx(250 / 400)


def test_the_bound_on_latency() -> None:
    """Wait, what had no room in it, the first fragment's tokens and sound, and 15 %; other tokens are no part of it."""
    held = held_work(TURN, SINCE_S, STEPS)
    assert held.fragment_ms == pytest.approx(300 + 780)
    assert held.bound_ms == pytest.approx(1.15 * (500 + 940 - 400 + 1080))


def test_work_of_turns_that_were_discarded_is_not_counted() -> None:
    """What ran before the accepted turn opened was for another."""
    before = (step(0.9, 1.2, "whisper_encoder", 10), step(1.2, 1.4, "chat_prefill", 20))
    assert held_work(TURN, SINCE_S, (*before, *STEPS)) == held_work(TURN, SINCE_S, STEPS)


def test_a_transcript_that_was_there_already_leaves_prefill_to_hide() -> None:
    """An earlier pass was good for this turn too."""
    held = held_work(replace(TURN, transcript_s=1.75, first_token_s=2.0), SINCE_S, (step(1.8, 2.0, "chat_prefill"),))
    assert held.transcription_ms == 0
    assert held.prefill_ms == pytest.approx(200)
    assert held.share == 1


def test_nothing_to_hide_is_hidden_whole() -> None:
    """A wait without room leaves nothing to ask for; a turn without marks has no work."""
    assert HeldWork(80, 500, 100, 0, 400).share_of_possible == 1
    assert held_work(replace(TURN, transcript_s=None, first_token_s=None), SINCE_S, ()).share == 1


@given(MS, MS, MS, MS, st.floats(0, 1))
def test_shares_are_shares(
    wait_ms: float, transcription_ms: float, prefill_ms: float, more: float, part: float
) -> None:
    """Whatever was measured; the bound is never below the wait."""
    held = HeldWork(wait_ms, transcription_ms, prefill_ms, part * (transcription_ms + prefill_ms), more)
    assert 0 <= held.share <= 1.0001
    assert 0 <= held.share_of_possible <= 1
    assert held.bound_ms >= wait_ms
