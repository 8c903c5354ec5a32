"""Voice-to-voice latency and its parts."""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st
from showing import answered, spoken

from assistant.screen.latency import Latency, latency
from assistant.screen.words import describe_latency

MOMENT = st.none() | st.floats(1, 9)


def test_what_was_ready_while_the_user_might_have_gone_on_cost_no_time() -> None:
    """The transcript was there before the endpoint."""
    assert latency(answered()) == Latency(1240, 800, 0, 100, 100, 240)


def test_before_the_reply_sounds_there_is_none() -> None:
    """And under way its first sound comes from the loudspeaker."""
    record = answered(sounded=[], state="open")
    assert latency(record) is None
    assert latency(record, 3.24) == Latency(1240, 800, 0, 100, 100, 240)


@given(MOMENT, MOMENT, MOMENT, MOMENT, st.floats(2, 9))
def test_the_parts_add_up(
    endpoint_s: float | None,
    transcript_s: float | None,
    token_s: float | None,
    sentence_s: float | None,
    sound_s: float,
) -> None:
    """Whatever is missing or early, no part is negative."""
    record = spoken(
        endpoint_s=endpoint_s, transcript_s=transcript_s, first_token_s=token_s, first_sentence_s=sentence_s
    )
    whole, *parts = dataclasses.astuple(latency(record, sound_s) or Latency(0, 0, 0, 0, 0, 0))
    assert whole == sum(parts)
    assert min(parts) >= 0


def test_how_it_is_put() -> None:
    """In seconds, without the parts that took none."""
    assert (
        describe_latency(Latency(1240, 800, 0, 100, 100, 240))
        == "1.24 s: end of turn 0.80, first token 0.10, first sentence 0.10, first audio 0.24"
    )
