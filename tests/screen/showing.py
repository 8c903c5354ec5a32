"""Turns to show."""

from __future__ import annotations

from typing import Any

from assistant.metrics import TurnRecord


def spoken(transcript: str = "what time is it", **facts: Any) -> TurnRecord:
    """A turn whose speech ended at 2 s."""
    return TurnRecord("spoken", 1.0, 2.0, 2.2, transcript=transcript, **facts)


def answered(state: str = "done", **facts: Any) -> TurnRecord:
    """One whose reply was first heard 1.24 s later."""
    marks = {
        "endpoint_s": 2.8,
        "transcript_s": 2.5,  # while the silence lasted
        "first_token_s": 2.9,
        "first_sentence_s": 3.0,
        "first_fragment_s": 3.2,
        "ended_s": 5.0,
        "sounded": [(3.24, 4.0), (4.5, 5.0)],
        "reply": "It is nine. Anything else?",
        "reply_heard": "It is nine.",
    }
    return spoken(state=state, **{**marks, **facts})
