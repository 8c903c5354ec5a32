"""A word where the reply will be late: heard, and otherwise nowhere."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import FAKE_RATE_HZ
from talks import Talk

REPLY = "One two three four."
SLOW = "simulation.costs.chat_prefill_ms_per_token=100"  # two seconds to the first token
ON = ("acknowledge.after_ms=1000", "acknowledge.phrase=Wait", SLOW, "simulation.costs.voice_ms_per_s=20")


def test_a_late_reply_is_announced() -> None:
    """Once, between the end of the turn and the reply; it is no first audio, in no history and not heard."""
    talk = Talk([REPLY], ON)
    talk.types(2.0, "count")
    talk.run(12)
    (turn,) = talk.turns
    assert talk.sounding_s(0, 2.9) == 0
    assert talk.sounding_s(3.0, 3.3) == pytest.approx(0.25, abs=0.02)
    assert turn.sounded[0][0] > 4.0
    assert talk.sounding_s() == pytest.approx(1.25, abs=0.02)
    assert (turn.reply, turn.reply_heard) == (REPLY, REPLY)
    assert talk.history == [("user", "count"), ("assistant", REPLY)]


def test_it_is_said_at_once_where_the_first_sound_is_known_to_be_late() -> None:
    """A voice that takes three seconds for a fragment was met in the turn before."""
    talk = Talk(
        [REPLY], ["acknowledge.after_ms=1000", "acknowledge.phrase=Wait", "simulation.costs.voice_ms_per_s=3000"]
    )
    talk.types(2.0, "count")
    talk.run(12)
    (turn,) = talk.turns
    assert talk.sounding_s(2.0, 2.4) == pytest.approx(0.25, abs=0.02)
    assert turn.sounded[0][0] > 4.0


@pytest.mark.parametrize("settings", [(*ON, "acknowledge.after_ms=0"), (*ON, "acknowledge.after_ms=4000")])
def test_it_is_silent_when_off_or_when_the_reply_is_soon_enough(settings: tuple[str, ...]) -> None:
    talk = Talk([REPLY], settings)
    talk.types(2.0, "count")
    talk.run(12)
    assert talk.sounding_s(0, 4.0) == 0
    assert talk.sounding_s() == pytest.approx(1.0, abs=0.02)


def test_the_reply_waits_until_it_was_said() -> None:
    """They are not heard at once."""
    talk = Talk([REPLY], (*ON, "acknowledge.after_ms=2060"))
    talk.types(2.0, "count")
    talk.run(12)
    (turn,) = talk.turns
    assert np.abs(talk.played).max() == pytest.approx(0.1, abs=0.01)
    assert talk.sounding_s() == pytest.approx(1.25, abs=0.02)
    assert len(talk.played) / FAKE_RATE_HZ > turn.sounded[-1][1]


def test_a_command_is_not_announced() -> None:
    """What is said for it is there at once."""
    talk = Talk([REPLY], (*ON, "acknowledge.after_ms=1"))
    talk.says(2.0, 3.0, "what time is it")
    talk.run(12)
    assert talk.turns[0].command == "time"
    assert talk.sounding_s() == pytest.approx(0.25 * 4, abs=0.3)
