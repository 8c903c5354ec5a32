"""The report: failures in plain words at their moments, everything in one file, every text harmless."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from typing import Any, get_args

import pytest
import soundfile
from happenings import happened, turn
from performances import heard_itself, judged, performance
from scripted import dialogue

from assistant.dialogue.lanes import Style, captions, lanes
from assistant.dialogue.palette import DARK, LIGHT
from assistant.dialogue.report import report as whole
from assistant.dialogue.report.report import Report, flags
from assistant.dialogue.report.sound import flac
from assistant.dialogue.report.view import describe_room, describe_settings, entries, latencies
from assistant.dialogue.report.why import Why, reasons
from assistant.dialogue.result import Judgement, Performance
from assistant.dialogue.trace import Trace
from assistant.metrics import ReplyPause, Span, TurnRecord
from assistant.simulation.judge import Unasked, Verdict

NASTY = "</script><b>&amp;"


def page(*performances: Performance, complete: bool = True) -> str:
    """The report of these."""
    report = Report()
    for one in performances:
        report.add(one)
    return report.html({"chat": {"name": "a-model"}}, complete)


def why(
    expect: dict[str, Any], turns: list[tuple[TurnRecord, list[Span]]], verdict: Verdict | None = None
) -> list[Why]:
    """Why a talk of one recording, voiced from 1 s to 2 s, failed."""
    script = dialogue({"user": "a.wav", "expect": expect})
    return reasons(judged(script, happened(script, turns, [0.5]), verdict))


ANSWERED = (turn(1.0, 2.0), [(3.2, 5.0)])


# why it failed


@pytest.mark.parametrize(
    ("expect", "turns", "what", "seen", "moment"),
    [
        ({}, [], "not taken up", "no turn", (1.0, 2.0)),
        ({}, [(turn(1.1, 1.9, "hm", "rejected", reason="backchannel"), [])], "not taken up", "backchannel", (1.0, 2.0)),
        ({}, [ANSWERED, (turn(6.0, 6.5, "two"), [])], "Something else was answered", "“hello”, “two”", (6.0, 6.5)),
        ({"turns": 2}, [ANSWERED], "Too little", "1 turn", (1.0, 2.0)),
        ({"turns": 0}, [ANSWERED], "What was said was answered", "1 turn", (1.0, 2.0)),
        ({"transcript": "other"}, [ANSWERED], "misheard", "“hello”, 25% of the words wrong", (1.0, 2.0)),
        ({"first_audio_ms": 900}, [ANSWERED], "too late", "1200 ms, the largest part of it end of turn", (2.0, 3.2)),
        ({"first_audio_ms": 900}, [(turn(1.0, 2.0), [])], "no reply to hear", "none", (2.0, 3.0)),
        ({"reply": {"min_words": 9}}, [ANSWERED], "too short", "3 words: “Well, hello there.”", (3.2, 5.0)),
        ({"reply": {"max_words": 1}}, [ANSWERED], "too long", "3 words", (3.2, 5.0)),
        ({"reply": {"contains_any": ["x"]}}, [ANSWERED], "lacks a word", "“Well, hello there.”", (3.2, 5.0)),
        ({"reply": {"matches": "x"}}, [ANSWERED], "does not match", "hello", (3.2, 5.0)),
        ({"reply": {"not_matches": "Well"}}, [ANSWERED], "must not", "hello", (3.2, 5.0)),
    ],
)
def test_a_failure_in_plain_words(
    expect: dict[str, Any], turns: list[tuple[TurnRecord, list[Span]]], what: str, seen: str, moment: Span
) -> None:
    """What was expected, what was seen, and when."""
    (found,) = why({"max_wer": 0.2, **expect} if "transcript" in expect else expect, turns)
    assert what in found.what
    assert seen in found.seen
    assert found.expected
    (first, *_) = found.moments_s
    assert first == pytest.approx(moment, abs=0.011)


def test_an_answer_to_silence() -> None:
    """Nobody spoke."""
    script = dialogue({"silence_ms": 2000})
    (found,) = reasons(judged(script, happened(script, [ANSWERED], [0.5])))
    assert found.what == "Something was answered though nobody spoke"


def test_a_reply_that_was_over_before_anyone_could_stop_it() -> None:
    """It did not talk over the user."""
    expect = {"stopped_within_ms": 100}
    script = dialogue({"user": "a.wav"}, {"user": "b.wav", "interrupts_after_ms": 9000, "expect": expect})
    trace = happened(script, [ANSWERED, (turn(6.0, 7.0), [])], [0.5, 5.5], missed=1)
    (found,) = reasons(judged(script, trace))
    assert found.what == "There was no reply left to stop"


def test_less_was_heard_than_a_script_expects() -> None:
    """Which is no reason to say that it was heard."""
    script = dialogue({"user": "a.wav"}, expect={"self_heard": 1, "noise_heard": 2})
    told = [found.what for found in reasons(judged(script, happened(script, [ANSWERED], [0.5])))]
    assert told == [
        "The assistant heard itself less often than expected",
        "Noise was taken for a voice less often than expected",
    ]


@pytest.mark.parametrize(
    ("expect", "cut", "what", "moment"),
    [
        ({"interrupted": True}, False, "did not interrupt", (6.0, 7.0)),
        ({"interrupted": False}, True, "was cut off", (6.0, 7.0)),
        ({"stopped_within_ms": 100}, True, "went on talking", (6.0, 6.4)),
        ({"stopped_within_ms": 100}, False, "went on talking", (6.0, 7.0)),
    ],
)
def test_interruptions(expect: dict[str, Any], cut: bool, what: str, moment: Span) -> None:
    """The second entry speaks from 6 s to 7 s, under a reply that is cut at 6.4 s, or is not."""
    script = dialogue({"user": "a.wav"}, {"user": "b.wav", "interrupts_after_ms": 100, "expect": expect})
    state, by = ("cut", (6.0, 7.0)) if cut else ("done", None)
    before = turn(1.0, 2.0, "hello", state, cut_by=by)  # type: ignore[arg-type]
    trace = happened(script, [(before, [(3.2, 6.4)]), (turn(6.0, 7.0), [])], [0.5, 5.5])
    (found,) = reasons(judged(script, trace))
    assert what in found.what and found.entry == 1
    assert found.moments_s[0] == pytest.approx(moment, abs=0.011)


def test_what_explains_the_rest_comes_first() -> None:
    """A reply cannot be late, nor words be wrong, before it is known that nobody spoke."""
    heard, *rest = reasons(heard_itself())
    assert (heard.what, heard.moments_s) == ("The assistant heard itself", ((3.0, 3.4),))
    assert heard.seen == "once, first at 3.0 s: its echo was taken for the user, and understood as “words”"
    assert [one.key for one in rest] == ["turns", "transcript", "first_audio_ms"]


def test_a_failure_that_nobody_has_words_for_is_shown_as_it_is() -> None:
    """What is added to the contract shows up without anything being done here."""
    one = performance()
    one.result.turns[1].failures.append("novelty: it was not new")
    one.result.failures.append("age: 3 instead of 2")
    found = {why.key: why for why in reasons(one)}
    assert (found["novelty"].seen, found["novelty"].moments_s) == ("it was not new", (one.trace.entries[1].voiced_s,))
    assert (found["age"].what, found["age"].seen) == ("age", "3 instead of 2")


def test_what_a_judge_says_is_shown_with_its_name() -> None:
    """Whether it finds fault or not."""
    script = dialogue({"user": "a.wav", "expect": {"reply": {"judge": "greets the user"}}})
    one = judged(script, happened(script, [ANSWERED], [0.5]))
    one.result.turns[0].judgement = Judgement(False, "It does not.", "some-model")
    one.result.turns[0].failures = ["reply.judge: not greets the user, says some-model: It does not."]
    (found,) = reasons(one)
    assert (found.expected, found.seen) == ("greets the user", "It does not. (some-model)")
    assert "no, says some-model: It does not." in page(one)


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
