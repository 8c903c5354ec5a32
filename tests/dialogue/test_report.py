"""The report: failures in plain words at their moments, everything in one file, every text harmless."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from typing import get_args

import pytest
import soundfile
from happenings import ANSWERED, happened, turn
from performances import heard_itself, judged, page, performance
from scripted import dialogue

from assistant.dialogue.lanes import Style, captions, lanes
from assistant.dialogue.palette import DARK, LIGHT
from assistant.dialogue.report import report as whole
from assistant.dialogue.report.report import flags
from assistant.dialogue.report.sound import flac
from assistant.dialogue.report.view import describe_room, describe_settings, entries, latencies
from assistant.dialogue.report.why import Why, reasons
from assistant.dialogue.result import Performance
from assistant.dialogue.trace import Trace
from assistant.metrics import ReplyPause, Span
from assistant.simulation.judge import Unasked

NASTY = "</script><b>&amp;"


def test_flags_stand_free_of_each_other() -> None:
    """Those at the end have their words before them, those without a moment are not there."""

    def one(*moments_s: Span) -> Why:
        return Why(None, "It went wrong somehow", "", "", "key: text", moments_s)

    placed = flags([one((1.0, 2.0)), one((1.5, 1.6)), one(), one((9.0, 9.5)), one((5.0, 6.0))], 10.0)
    assert [(flag.number, flag.row, flag.leftward) for flag in placed] == [
        (1, 0, False),
        (2, 1, False),
        (4, 0, True),
        (5, 0, False),
    ]


# what a page shows


def lane(name: str, one: Performance) -> list[tuple[float, float, bool]]:
    """A lane's pieces, and whether they are pale."""
    (found,) = [lane for lane in lanes(one) if lane.name == name]
    return [(round(piece.start_s, 3), round(piece.end_s, 3), piece.held) for piece in found.pieces]


def test_lanes() -> None:
    """Every step is drawn, by what was done and whether behind the gate; windows, pauses, waits and held work too."""
    one = performance()
    one.trace.echo_windows = [(3.0, 4.5)]
    one.trace.turns[0].opened_s = 2.2
    assert lane("transcription", one) == [(2.2, 2.3, True)]
    assert lane("tokens", one) == [(2.31, 2.4, True), (2.41, 2.5, False)]
    assert lane("prompt", one) == []
    assert lane("echo window", one) == [(3.0, 4.5, False)]
    assert lane("end of turn", one) == [(2.0, 2.7, False)]
    assert lane("held work", one)[0] == (2.2, 2.7, False)
    assert lane("user speech", one)[0] == (1.0, 2.0, False)
    playback = next(lane for lane in lanes(one) if lane.name == "playback").pieces
    assert [piece.style for piece in playback][:2] == ["play", "pause"]
    assert lane("interruption", one) == [(4.2, 4.3, False)]


def test_steps_may_be_joined() -> None:
    """For small pictures; work behind the gate stays apart."""
    joined = next(lane for lane in lanes(performance(), join_s=0.1) if lane.name == "tokens").pieces
    assert [piece.held for piece in joined] == [True, False]


def test_what_nobody_said_is_told_from_what_was() -> None:
    """In the lane, in the captions, and in the conversation."""
    one = heard_itself()
    speech = next(lane for lane in lanes(one) if lane.name == "taken for speech").pieces
    assert [piece.style for piece in speech] == ["heard", "wrong"]
    assert [caption.wrong for caption in captions(one)[0]] == [False, True]
    (entry,) = entries(one, reasons(one))
    assert [line.speaker for line in entry.lines if line.speaker != "assistant"] == ["you", "itself"]
    assert entry.diff == [("same", "words"), ("added", "words")]
    assert [number for number, _ in entry.whys] == [2, 3, 4]


def test_refused_turns_are_in_the_conversation_and_discarded_ones_are_not() -> None:
    """With the reason."""
    script = dialogue({"user": "a.wav"})
    refused = turn(1.0, 1.5, "mm", "rejected", reason="backchannel")
    trace = happened(script, [(refused, []), (turn(1.0, 1.8, "half", "discarded"), []), ANSWERED], [0.5])
    trace.turns[2].pauses.append(ReplyPause(4.0, (3.9, 4.0), 4.5))
    (entry,) = entries(judged(script, trace), [])
    assert [(line.speaker, line.text, line.note) for line in entry.lines] == [
        ("refused", "mm", "backchannel"),
        ("you", "hello", ""),
        ("assistant", "Well, hello there.", "paused once"),
    ]


def test_the_parts_of_latency_add_up() -> None:
    """To the one number called latency, and from a typed line's entering on."""
    script = dialogue({"user": "a.wav", "expect": {"first_audio_ms": 900}}, {"type": "hello"})
    typed = turn(10.0, 10.0, endpoint_s=None, transcript_s=None)
    typed.kind = "typed"
    one = judged(script, happened(script, [ANSWERED, (typed, [(11.5, 12.0)])], [0.5, 10.0]))
    spoken, line = latencies(script.script, one.result.turns).bars
    assert spoken.total_ms == one.result.turns[0].voice_to_voice_ms == 1200
    assert [(name, ms) for name, _, ms in spoken.parts] == [
        ("end of turn", 700),
        ("transcription", 100),
        ("first token", 100),
        ("first sentence", 100),
        ("first audio", 200),
    ]
    assert (spoken.budget_ms, line.total_ms, line.typed) == (900, 1500, True)
    assert one.result.turns[1].voice_to_voice_ms is None


def test_settings_of_a_script() -> None:
    """A key each."""
    assert describe_settings({"echo": {"device": "headphones", "overlap": 1}, "chat": {}}) == [
        "echo.device = headphones",
        "echo.overlap = 1",
    ]


def test_rooms() -> None:
    """In plain words."""
    room = {"echo_gain_db": -6.0, "echo_delay_ms": 120.0, "reverb_rt60_s": 0.3, "noise": "pink", "noise_dbfs": -50.0}
    assert describe_room(dialogue({"user": "a.wav"}, room=room).script) == (
        "loudspeakers whose echo comes back at -6 dB after 120 ms, 0.3 s of reverberation, pink noise at -50 dBFS"
    )
    assert describe_room(dialogue({"user": "a.wav"}, mode="push-to-talk").script) == (
        "push-to-talk, headphones, no noise"
    )


def test_everything_drawn_has_a_colour() -> None:
    """By day and by night, in the page's own style too."""
    assert set(get_args(Style)) <= set(LIGHT) == set(DARK)
    css = page(performance())
    for style in set(get_args(Style)) - {"pause"}:  # which is a dashed line
        assert f"--part: var(--{style})" in css, style


# the file


def test_failed_ones_come_first() -> None:
    """And are open; the others are one click away."""
    good = performance("good")
    good.result.passed, good.result.turns[0].failures = True, []
    html = page(good, heard_itself())
    assert html.index("hears itself") < html.index(">good<")
    assert re.findall(r'<details class="dialogue" id="(\w+)"( open)?>', html) == [("d1", " open"), ("d0", "")]
    assert "1 of 2 dialogues failed" in html
    assert "Stopped before its end" not in html
    assert "Stopped before its end" in page(good, complete=False)


def test_nothing_is_fetched_and_no_text_becomes_markup() -> None:
    """Neither names, nor transcripts, nor replies."""
    one = performance(NASTY)
    record = one.trace.turns[0]
    record.transcript = record.reply = record.reply_heard = NASTY
    one.result.turns[0].failures = [f"transcript: {NASTY}", f"novelty {NASTY}: {NASTY}"]
    html = page(one)
    assert "<b>&" not in html
    assert html.count("</script>") == 1
    assert not re.findall(r"https?:|//\w+\.\w|url\(|@import", re.sub(r'src="data:[^"]*"', "", html))
    assert re.findall(r'(?:src|href)="(?!data:audio/flac;base64,|#)[^"]*"', html) == []
    assert "default-src 'none'" in html


def test_the_sound_is_in_it() -> None:
    """Both sides, whole, at 16 kHz; the microphone on the left."""
    one = performance()
    (sound,) = re.findall(r'src="data:audio/flac;base64,([^"]*)"', page(one))
    samples, rate_hz = soundfile.read(io.BytesIO(base64.b64decode(sound)))
    assert (rate_hz, samples.shape[1]) == (16_000, 2)
    assert len(samples) / rate_hz == pytest.approx(one.trace.seconds + 0.02, abs=0.01)
    assert samples[len(samples) // 2] == pytest.approx([0.1, 0.5], abs=1e-3)


def test_sound_that_would_make_the_page_too_large_is_left_out_of_what_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is said."""
    good = performance("good")
    good.result.passed, good.result.turns[0].failures = True, []
    monkeypatch.setattr(whole, "SOUND_BYTES", len(flac(heard_itself().trace)))
    html = page(good, heard_itself())
    assert html.count("<audio") == 1 and html.index("<audio") < html.index("<h2>", html.index("<h2>") + 1)
    assert html.count("The sound was left out") == 1


def test_a_dialogue_that_was_stopped_before_it_began() -> None:
    """Has neither sound nor moments, and is shown all the same."""
    script = dialogue({"user": "a.wav"})
    trace: Trace = happened(script, [], [])
    trace.seconds, trace.stopped, trace.loudspeaker = 0.0, True, trace.loudspeaker[:0]
    assert "stopped at 0.0 s" in page(judged(script, trace))


def test_the_same_page_twice() -> None:
    """Nothing in it depends on when it was made."""
    assert page(heard_itself()) == page(heard_itself())
    assert page(replace(heard_itself(), unasked=(Unasked((1.0, 2.0), "noise"),))) != page(heard_itself())
