"""When entries start: the rules of the contract, on an assistant whose answers are planned."""

from __future__ import annotations

import pytest
from scripted import ENDPOINT_S, LEAD_S, SPEECH_S, TAIL_S, THINKING_S, dialogue, play

from assistant.dialogue.trace import Trace

WAV_S = LEAD_S + SPEECH_S + TAIL_S
TO_REPLY_S = LEAD_S + SPEECH_S + ENDPOINT_S + THINKING_S
"""From a recording's first sample to the first sample of its reply."""


def starts(trace: Trace) -> list[float]:
    """Moments at which the entries began."""
    return [entry.start_s for entry in trace.entries if entry.start_s is not None]


def test_the_first_entry_counts_from_zero() -> None:
    """And after_ms is 500 if nothing is said."""
    assert starts(play(dialogue({"user": "a.wav"}))[0]) == [0.5]
    assert starts(play(dialogue({"user": "a.wav", "after_ms": 0}))[0]) == [0.0]


def test_after_idle() -> None:
    """The next entry counts from the reply's last sample when that is later than the recording's end."""
    trace, talk = play(dialogue({"user": "a.wav"}, {"user": "b.wav", "after_ms": 300}))
    reply_ends = 0.5 + TO_REPLY_S + 2.0
    assert starts(trace) == pytest.approx([0.5, reply_ends + 0.3], abs=1e-3)
    assert talk.said == starts(trace)


def test_after_the_recording() -> None:
    """It counts from the recording's end when nothing came of it."""
    trace, _ = play(dialogue({"silence_ms": 4000}, {"user": "b.wav"}))
    assert starts(trace) == pytest.approx([0.5, 0.5 + 4.0 + 0.5])


def test_a_recording_plays_to_its_end_before_the_next() -> None:
    """The recording that counts is the latest, whatever came between."""
    long = dialogue({"user": "a.wav"}, {"type": "hello", "interrupts_after_ms": 100}, {"user": "c.wav", "after_ms": 0})
    recording = long.recordings[0]
    samples = recording.samples.copy()
    samples.resize(20 * len(samples), refcheck=False)
    long.recordings[0] = type(recording)(samples, recording.voiced_s)
    trace, _ = play(long)
    assert starts(trace)[2] == pytest.approx(0.5 + 20 * WAV_S)


def test_interruption() -> None:
    """It starts so long after the first audible sample of the reply before."""
    trace, _ = play(dialogue({"user": "a.wav"}, {"user": "b.wav", "interrupts_after_ms": 700}))
    assert starts(trace)[1] == pytest.approx(0.5 + TO_REPLY_S + 0.7, abs=1e-3)
    assert not trace.entries[1].missed
    assert [turn.state for turn in trace.turns] == ["cut", "done"]


def test_interruption_of_a_reply_that_ends_too_soon() -> None:
    """The after_ms rule takes over, and the entry knows that it came too late."""
    trace, _ = play(dialogue({"user": "a.wav"}, {"user": "b.wav", "interrupts_after_ms": 5000}))
    assert starts(trace)[1] == pytest.approx(0.5 + TO_REPLY_S + 2.0 + 0.5, abs=1e-3)
    assert trace.entries[1].missed


def test_interruption_of_a_reply_that_never_starts() -> None:
    """As when nothing is said aloud."""
    trace, _ = play(dialogue({"user": "a.wav"}, {"user": "b.wav", "interrupts_after_ms": 0}), reply_s=[0.0, 1.0])
    assert starts(trace)[1] == pytest.approx(0.5 + LEAD_S + SPEECH_S + ENDPOINT_S + 0.5, abs=1e-3)
    assert trace.entries[1].missed


def test_speech_during_the_wait() -> None:
    """after_speech_ms counts from the last voiced sample, whatever the assistant does."""
    trace, _ = play(dialogue({"user": "a.wav"}, {"user": "b.wav", "after_speech_ms": 200}))
    assert starts(trace)[1] == pytest.approx(0.5 + LEAD_S + SPEECH_S + 0.2, abs=1e-3)


def test_typed_lines() -> None:
    """They are entered at their moment, interrupt, and are waited for like the rest."""
    trace, _ = play(
        dialogue({"type": "one", "after_ms": 0}, {"type": "two", "interrupts_after_ms": 400}, {"type": "three"})
    )
    assert starts(trace) == pytest.approx([0.0, THINKING_S + 0.4, THINKING_S + 0.4 + THINKING_S + 2.0 + 0.5], abs=1e-3)
    assert [turn.state for turn in trace.turns] == ["cut", "done", "done"]
    assert [trace.owned(index)[0].transcript for index in range(3)] == ["one", "two", "three"]


def test_a_typed_line_is_waited_for_even_without_a_pause_after_it() -> None:
    """after_ms: 0 counts from idle, not from the moment of entry."""
    trace, _ = play(dialogue({"type": "one"}, {"type": "two", "after_ms": 0}))
    assert starts(trace)[1] == pytest.approx(0.5 + THINKING_S + 2.0, abs=1e-3)


def test_settling() -> None:
    """The dialogue ends settle_ms after the last idle."""
    trace, _ = play(dialogue({"user": "a.wav"}, settle_ms=1500))
    assert trace.seconds == pytest.approx(0.5 + TO_REPLY_S + 2.0 + 1.5, abs=1e-3)


def test_what_opens_in_the_settling_time_is_waited_for() -> None:
    """And counts for the last entry."""
    settles = 0.5 + TO_REPLY_S + 1.0
    noise = (settles + 0.2, settles + 0.6)
    trace, _ = play(dialogue({"user": "a.wav"}, settle_ms=1000), reply_s=[1.0, 3.0], noises=[noise])
    assert trace.seconds == pytest.approx(noise[1] + ENDPOINT_S + THINKING_S + 3.0 + 1.0, abs=1e-3)
    assert len(trace.owned(0)) == 2


def test_what_opens_while_an_entry_waits_starts_its_wait_anew() -> None:
    """A script does not talk over a turn that nobody asked for."""
    idle = 0.5 + TO_REPLY_S + 1.0
    noise = (idle + 0.2, idle + 0.6)
    trace, _ = play(dialogue({"user": "a.wav"}, {"user": "b.wav"}), reply_s=[1.0, 3.0], noises=[noise])
    assert starts(trace)[1] == pytest.approx(noise[1] + ENDPOINT_S + THINKING_S + 3.0 + 0.5, abs=1e-3)


def test_a_talk_with_itself_comes_to_an_end() -> None:
    """Every reply causes another before it has settled: the last entry was not idle in time."""
    noises = [(2.0 + 5 * k, 2.4 + 5 * k) for k in range(100)]
    trace, _ = play(dialogue({"silence_ms": 1000}, timeout_ms=20_000, settle_ms=4000), [3.0], noises)
    assert trace.entries[0].stalled
    assert trace.seconds < 60


def test_time_out() -> None:
    """A reply without end is cancelled timeout_ms after the last voiced sample, and the next entry starts."""
    trace, talk = play(dialogue({"user": "a.wav"}, {"user": "b.wav"}, timeout_ms=5000), reply_s=[1e6, 1.0])
    moment = 0.5 + LEAD_S + SPEECH_S + 5.0
    assert talk.cancelled == pytest.approx([moment], abs=1e-3)
    assert starts(trace)[1] == pytest.approx(moment, abs=1e-3)
    assert [entry.stalled for entry in trace.entries] == [True, False]


def test_time_out_of_the_last_entry() -> None:
    """The dialogue ends there."""
    trace, talk = play(dialogue({"type": "go on"}, timeout_ms=3000), reply_s=[1e6])
    assert trace.seconds == pytest.approx(3.5, abs=1e-2)
    assert trace.entries[0].stalled and len(talk.cancelled) == 1


def test_time_out_while_waiting_to_interrupt() -> None:
    """A reply that goes on without reaching the moment counts as well."""
    script = dialogue({"user": "a.wav"}, {"type": "b", "interrupts_after_ms": 60_000}, timeout_ms=4000)
    trace, _ = play(script, reply_s=[1e6, 1.0])
    assert starts(trace)[1] == pytest.approx(0.5 + LEAD_S + SPEECH_S + 4.0, abs=1e-3)
    assert trace.entries[0].stalled and trace.entries[1].missed


@pytest.mark.parametrize(
    ("lead_ms", "tail_ms", "down_s", "up_s"),
    # the recording begins at 0.5 s, and is voiced from 1 to 2 s
    [(150, 150, 0.85, 2.15), (-100, -200, 1.1, 1.8), (700, 1000, 0.3, 3.0), (5000, 0, 0.0, 2.0)],
)
def test_the_key_follows_the_voice(lead_ms: float, tail_ms: float, down_s: float, up_s: float) -> None:
    """Down before the first voiced sample, before the recording if need be but never before 0; up after the last."""
    script = dialogue({"user": "a.wav"}, mode="push-to-talk", ptt_lead_ms=lead_ms, ptt_tail_ms=tail_ms)
    trace, talk = play(script)
    assert [way for way, _ in talk.keys] == ["down", "up"]
    assert [at_s for _, at_s in talk.keys] == pytest.approx([down_s, up_s])
    assert starts(trace) == talk.said == pytest.approx([0.5])


def test_the_key_may_go_down_before_the_recording_that_interrupts() -> None:
    """Which starts at its moment all the same, or by the after_ms rule."""
    keys = {"mode": "push-to-talk", "ptt_lead_ms": LEAD_S * 1000 + 200}
    interrupts, at_once = {"interrupts_after_ms": 700}, {"after_ms": 0}
    script = dialogue({"user": "a"}, {"user": "b", **interrupts}, {"user": "c"}, {"user": "d", **at_once}, **keys)
    trace, talk = play(script)
    second = 0.5 + TO_REPLY_S + 0.7
    third = second + TO_REPLY_S + 2.0 + 0.5
    fourth = third + TO_REPLY_S + 2.0
    assert starts(trace) == pytest.approx([0.5, second, third, fourth], abs=1e-3)
    downs = [at_s for way, at_s in talk.keys if way == "down"]
    assert downs == pytest.approx([0.3, second - 0.2, third - 0.2, fourth], abs=1e-3)


def test_the_key_stays_down_from_one_recording_to_the_next() -> None:
    """There is one key: coming up for the first, it would cut off the second."""
    script = dialogue({"user": "a"}, {"user": "b", "after_speech_ms": 100}, mode="push-to-talk", ptt_tail_ms=800)
    trace, talk = play(script)
    first, second = (entry.key_s for entry in trace.entries)
    assert first and second and second[0] < first[1] < second[1]
    assert [way for way, _ in talk.keys] == ["down", "down", "up"]
    assert talk.keys[-1][1] == pytest.approx(second[1])


def test_no_key_for_silence_and_lines() -> None:
    """Nor hands-free."""
    assert not play(dialogue({"silence_ms": 100}, {"type": "a"}, mode="push-to-talk"))[1].keys
    assert not play(dialogue({"user": "a.wav"}))[1].keys


def test_speech_that_joins_is_the_later_entrys() -> None:
    """An entry owns a turn by its last voiced moment."""
    trace, _ = play(dialogue({"user": "a.wav"}, {"user": "b.wav", "after_speech_ms": 200}))
    joined = trace.turns[-1]
    joined.speech_start_s = trace.turns[0].speech_start_s
    assert trace.owned(1) == [joined]


def test_the_same_timeline_every_time() -> None:
    """To the last bit."""
    script = dialogue({"user": "a.wav"}, {"user": "b.wav", "interrupts_after_ms": 333}, {"silence_ms": 77})
    assert play(script)[0].entries == play(script)[0].entries
