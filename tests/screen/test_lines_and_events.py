"""The talk as plain lines and as JSON."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from showing import answered, spoken

from assistant.metrics import DeskStatus
from assistant.screen.display import Display, Now
from assistant.screen.events import JsonEvents
from assistant.screen.lines import PlainLines


def a_talk(display: Display) -> None:
    """Devices, a turn that is answered, one that is cut, a cough, and sleep."""
    display.progress("loading whisper-tiny.en")
    display.progress("")
    desk = DeskStatus("a microphone", "a loudspeaker")
    display.desk(desk)
    display.desk(desk)
    display.now(Now("listening", -60, keys="q quit"))
    record = spoken()
    display.turn(record)
    display.now(Now("thinking", -60, keys="x interrupt"))
    record.state = "open"
    display.turn(record)
    display.now(Now("speaking", -60, first_sound_s=3.24))
    done = answered()
    record.state, record.sounded, record.reply, record.reply_heard = "done", done.sounded, done.reply, done.reply
    display.turn(record)
    display.turn(answered("cut", transcript="and now"))
    display.turn(spoken("hm", state="rejected", reason="backchannel"))
    display.now(Now("asleep", -60))
    display.now(Now("listening", -60))
    desk.xruns, desk.problem = 2, "The microphone has gone."
    display.desk(desk)
    display.note("This talk is kept.")
    display.close()
    display.close()


def test_plain_lines() -> None:
    """A line when something is certain; none is taken back."""
    out = io.StringIO()
    a_talk(PlainLines(out))
    assert out.getvalue().splitlines() == [
        "loading whisper-tiny.en ...",
        "ready",
        "microphone a microphone, loudspeaker a loudspeaker",
        "[q quit]",
        "you: what time is it",
        "assistant: It is nine. Anything else?",
        "  1.24 s: first audio 1.24",
        "you: and now",
        "assistant: It is nine. [interrupted]",
        "  1.24 s: end of turn 0.80, first token 0.10, first sentence 0.10, first audio 0.24",
        "asleep",
        "listening again",
        "The microphone has gone.",
        "This talk is kept.",
    ]


@pytest.fixture
def events() -> list[dict[str, Any]]:
    """What was written of a talk."""
    out = io.StringIO()
    a_talk(JsonEvents(out))
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_every_event_has_a_name(events: list[dict[str, Any]]) -> None:
    """And comes once, when something has changed."""
    names = [event["event"] for event in events]
    assert names == [
        "progress", "progress", "desk", "state", "turn", "state", "turn", "state", "turn", "turn", "turn", "turn",
        "state", "state", "desk", "note", "ended",
    ]  # fmt: skip


def test_turns_are_numbered_and_told_as_they_change(events: list[dict[str, Any]]) -> None:
    """The latency is there with the first sound."""
    turns = [event for event in events if event["event"] == "turn"]
    assert [(turn["number"], turn["state"]) for turn in turns] == [
        (0, "held"), (0, "open"), (0, "open"), (0, "done"), (1, "cut"), (2, "rejected"),
    ]  # fmt: skip
    assert turns[1]["latency_ms"] is None
    assert turns[2]["latency_ms"]["voice_to_voice_ms"] == 1240
    assert turns[3]["reply"] == "It is nine. Anything else?"
    assert turns[4]["spoken_s"] == 1.26
    assert turns[5]["reason"] == "backchannel"


def test_the_desk_is_told_with_all_its_fields(events: list[dict[str, Any]]) -> None:
    """As metrics.DeskStatus names them."""
    assert [event for event in events if event["event"] == "desk"][-1] == {
        "event": "desk", "microphone": "a microphone", "loudspeaker": "a loudspeaker", "loudspeakers": True,
        "xruns": 2, "problem": "The microphone has gone.", "warning": "",
    }  # fmt: skip
