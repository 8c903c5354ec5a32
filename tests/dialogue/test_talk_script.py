"""What happened in a talk, told as the entries of a script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.audio.vad import voiced_span
from assistant.audio.wav import read_wav
from assistant.dialogue.script import Script
from assistant.dialogue.talk_script import RecordedEntry, Said, entries, key_margins_ms, lost_interruptions
from assistant.messages import MIC_RATE_HZ, Samples, Utterance
from assistant.metrics import Span, TurnRecord

SPEECH = read_wav(Path(__file__).parent.parent / "speech" / "rhasspy3_turn_on_the_lamp.wav")
PRE_ROLL_S = 0.4


def said(start_s: float, end_s: float, samples: Samples | None = None) -> Said:
    """An utterance with these voiced moments, its pre-roll, and 800 ms of silence after it."""
    first, last = round(start_s * MIC_RATE_HZ), round(end_s * MIC_RATE_HZ)
    begin = first - round(PRE_ROLL_S * MIC_RATE_HZ)
    if samples is None:
        samples = np.zeros(last - begin + 8 * MIC_RATE_HZ // 10, np.float32)
    return Said(Utterance(begin, samples, first, last, 500))


def turn(words: str, start_s: float, end_s: float, reply: Span | None, state: str = "done", **facts: Any) -> TurnRecord:
    """A spoken turn, and when its reply sounded."""
    record = TurnRecord("spoken", start_s, end_s, end_s + 0.2, transcript=words, endpoint_s=end_s + 0.6)
    record.state = state  # type: ignore[assignment]
    record.sounded = [reply] if reply else []
    record.ended_s = reply[1] if reply else end_s + 1
    for name, value in facts.items():
        setattr(record, name, value)
    return record


def line(words: str, at_s: float, reply: Span, state: str = "done") -> TurnRecord:
    """A typed turn."""
    return turn(words, at_s, at_s, reply, state, kind="typed", opened_s=at_s)


def values(recorded: list[RecordedEntry]) -> list[dict[str, Any]]:
    """What stands in the script, which must be one."""
    plain = [{**({"user": "a.wav"} if entry.samples is not None else {}), **entry.values} for entry in recorded]
    Script.model_validate({"turns": plain})
    return [{key: value for key, value in entry.items() if key != "user"} for entry in plain]


def test_silences_are_counted_from_the_end_of_the_reply_and_shortened() -> None:
    """The recording begins with the pre-roll and ends 300 ms after the last voiced sample."""
    recorded = entries(
        [said(60, 61), said(65.4, 66), said(600, 601)],
        [turn("One.", 60, 61, (62, 64)), turn("Two.", 65.4, 66, (67, 68)), turn("Three.", 600, 601, (602, 603))],
    )
    assert values(recorded) == [
        {"after_ms": 3000, "expect": {"transcript": "One."}},
        {"after_ms": 1000, "expect": {"transcript": "Two."}},
        {"after_ms": 3000, "expect": {"transcript": "Three."}},
    ]
    samples = recorded[0].samples
    assert samples is not None
    assert len(samples) / MIC_RATE_HZ == pytest.approx(PRE_ROLL_S + 1 + 0.3)


def test_who_interrupts_whom() -> None:
    """By voice, later and so early that the pre-roll reaches before the reply, which is cut off then."""
    recorded = entries(
        [said(1, 2), said(4, 5), said(6.6, 7)],
        [
            turn("One.", 1, 2, (3, 4.2), "cut", cut_by=(4.0, 4.2)),
            turn("Two.", 4, 5, (6.4, 6.8), "cut", cut_by=(6.6, 6.8)),
            turn("Three.", 6.6, 7, (8, 9)),
        ],
    )
    assert values(recorded)[1:] == [
        {"interrupts_after_ms": 600, "expect": {"interrupted": True, "transcript": "Two."}},
        {"interrupts_after_ms": 0, "expect": {"interrupted": True, "transcript": "Three."}},
    ]
    samples = recorded[2].samples
    assert samples is not None
    assert len(samples) / MIC_RATE_HZ == pytest.approx(0.2 + 0.4 + 0.3)


def test_a_backchannel_interrupts_nothing_and_is_no_turn() -> None:
    """What then cuts the same reply is timed by the backchannel, for a start key knows the entry before only."""
    recorded = entries(
        [said(1, 2), said(4, 5, SPEECH), said(7, 8)],
        [
            turn("One.", 1, 2, (3, 7.3), "cut", cut_by=(7.0, 7.3)),
            turn("Mm-hm.", 4, 5, None, "rejected", reason="backchannel"),
            turn("Two.", 7, 8, (9, 10)),
        ],
    )
    first, second, third = values(recorded)
    assert second["expect"] == {"interrupted": False, "turns": 0}
    assert "after_speech_ms" in third
    assert third["expect"] == {"transcript": "Two."}
    assert first == {"after_ms": 600, "expect": {"transcript": "One."}}


def test_speech_during_the_wait_comes_before_the_reply_of_the_replay_too() -> None:
    """A slow machine took three seconds; under agreed costs the reply would be there by then."""
    recorded = entries(
        [said(1, 2), said(5, 6)],
        [turn("Set a timer.", 1, 2, None, "discarded"), turn("Set a timer. For ten minutes.", 1, 6, (7, 8))],
    )
    assert values(recorded) == [
        {"after_ms": 600, "expect": {"turns": 0}},
        {"after_speech_ms": 300, "expect": {"transcript": "Set a timer. For ten minutes."}},
    ]


def test_lines_are_typed_again() -> None:
    """Between turns, over a reply, and while one is awaited."""
    recorded = entries(
        [said(10, 11)],
        [
            line("hello", 1, (2, 3)),
            line("and now", 4, (5, 5.5), "cut"),
            line("stop it", 5.5, (7, 8)),
            turn("One.", 10, 11, None, "cut", ended_s=11.5),
            line("never mind", 11.5, (13, 14)),
        ],
    )
    assert values(recorded) == [
        {"type": "hello", "after_ms": 1000},
        {"type": "and now", "after_ms": 1000},
        {"type": "stop it", "interrupts_after_ms": 500, "expect": {"interrupted": True}},
        {"after_ms": 1600, "expect": {"transcript": "One."}},
        {"type": "never mind", "interrupts_after_ms": 0},
    ]


@pytest.mark.parametrize(
    ("samples", "own"),
    [
        (None, turn("", 5, 6, None, "rejected", reason="silence")),
        (SPEECH, turn("one", 5, 6, None, "rejected", reason="echo")),
        (SPEECH, turn("a secret", 5, 6, None, "rejected", reason="asleep")),
        (SPEECH, turn("forget this", 5, 6, None, "discarded")),
        (SPEECH, None),
    ],
    ids=["no voice", "echo", "overheard asleep", "taken back by a key", "knock"],
)
def test_what_no_user_said_to_the_assistant_is_left_out(samples: Samples | None, own: TurnRecord | None) -> None:
    """A replay could not treat it alike, or it is nobody's business."""
    turns = [turn("One.", 1, 2, (3, 4)), *([own] if own is not None else [])]
    assert len(entries([said(1, 2), said(5, 6, samples)], turns)) == 1


def test_what_a_key_cut_is_counted() -> None:
    """A script has no such key."""
    turns = [turn("One.", 1, 2, (3, 4), "cut"), turn("Two.", 6, 7, (8, 9), "cut", cut_by=(8.5, 9.0))]
    turns.append(turn("Three.", 8.5, 9.5, (11, 12)))
    recorded = entries([said(1, 2), said(6, 7), said(8.5, 9.5)], turns)
    assert [entry.values["expect"].get("interrupted") for entry in recorded] == [None, None, True]
    assert lost_interruptions(turns, recorded) == 1


def test_the_key_goes_down_and_up_as_it_did() -> None:
    """At the median over the utterances."""
    pad = np.zeros(MIC_RATE_HZ, np.float32)
    samples = np.concatenate([pad, SPEECH, pad])
    utterance = Utterance(5 * MIC_RATE_HZ, samples, 0, 0, 500)
    with_key = Said(utterance, utterance.start + MIC_RATE_HZ // 2)
    lead_ms, tail_ms = key_margins_ms([with_key], post_roll_ms=120)
    span = voiced_span(samples)
    assert span is not None
    assert lead_ms == pytest.approx(span[0] / 16 - 500)
    assert tail_ms == pytest.approx((len(samples) - span[1]) / 16 - 120)
    assert key_margins_ms([], 120) == (150, 150)
