"""Every failure in plain words, with the moments of the dialogue at which it can be seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from assistant.dialogue.lanes import overlap, speaker
from assistant.dialogue.result import EntryResult, Performance
from assistant.dialogue.script import EntryExpectation
from assistant.dialogue.trace import EntryTrace
from assistant.dialogue.wer import Edit, word_diff
from assistant.metrics import Span, TurnRecord
from assistant.simulation.judge import Unasked

_QUOTED = 3
"""At most so many turns are quoted for one failure."""


@dataclass(frozen=True, slots=True)
class Why:
    """One failure."""

    entry: int | None
    """None: of the whole dialogue."""
    what: str
    """What went wrong, as one would say it."""
    expected: str
    seen: str
    failure: str
    """As the result has it."""
    moments_s: tuple[Span, ...]
    """In order; none where there is nothing to be seen."""
    diff: tuple[tuple[Edit, str], ...] = ()
    """Words expected and words understood."""

    @property
    def key(self) -> str:
        """Of the expectation, as in the script."""
        return self.failure.partition(":")[0]


@dataclass(frozen=True, slots=True)
class _Case:
    """What is known of an entry that failed."""

    performance: Performance
    trace: EntryTrace
    seen: EntryResult

    @property
    def expect(self) -> EntryExpectation:
        return self.trace.entry.expect

    @property
    def before(self) -> EntryResult | None:
        """The entry before it."""
        return self.performance.result.turns[self.seen.index - 1] if self.seen.index else None

    @property
    def speech_s(self) -> tuple[Span, ...]:
        """When the user speaks, or does whatever the entry says."""
        if self.trace.start_s is None:
            return ()
        return (self.trace.voiced_s or (self.trace.start_s, self.trace.end_s),)

    @property
    def reply_s(self) -> tuple[Span, ...]:
        """When the reply is heard; where there is none, when it should have begun."""
        marks = self.seen.marks_ms
        if marks.first_audio is not None and marks.last_audio is not None:
            return ((marks.first_audio / 1000, marks.last_audio / 1000),)
        return tuple((end_s, end_s + 1.0) for _, end_s in self.speech_s)


_Words: TypeAlias = tuple[str, str, str, tuple[Span, ...]]
"""What went wrong, what was expected, what was seen, and when."""


def reasons(performance: Performance) -> list[Why]:
    """Every failure of a dialogue: first what explains the others, then in the order of the entries."""
    result = performance.result
    whole = [_of_dialogue(performance, failure) for failure in result.failures]
    causes = [why for why in whole if why.failure.startswith(("self_heard", "noise_heard"))]
    entries = [
        _of_entry(_Case(performance, trace, seen), failure)
        for trace, seen in zip(performance.trace.entries, result.turns, strict=True)
        for failure in seen.failures
    ]
    return causes + entries + [why for why in whole if why not in causes]


def _of_entry(case: _Case, failure: str) -> Why:
    key, _, detail = failure.partition(":")
    explain = next((explain for prefix, explain in _ENTRY.items() if key.startswith(prefix)), _as_it_is)
    what, expected, seen, moments_s = explain(case, key, detail.strip())
    diff: tuple[tuple[Edit, str], ...] = ()
    if key == "transcript" and case.expect.transcript is not None:
        language = case.performance.dialogue.config.transcribe.language
        diff = tuple(word_diff(case.expect.transcript, case.seen.transcript, language))
    return Why(case.seen.index, what, expected, seen, failure, moments_s, diff)


def _turns(case: _Case, key: str, detail: str) -> _Words:
    trace, expected = case.performance.trace, case.trace.entry.turns_expected
    turns = [turn for turn in trace.owned(case.seen.index) if turn.kind == "spoken"]
    if len(turns) > expected:
        extra = [turn for turn in turns if speaker(turn, trace) is not case.trace] or turns[expected:]
        unasked = "What was said was answered" if case.trace.voiced_s else "Something was answered though nobody spoke"
        what = "Something else was answered too" if expected else unasked
        return what, count(expected, "turn"), f"{count(len(turns), 'turn')}: {_quotes(turns)}", tuple(_spans(extra))
    refused = [
        turn for turn in trace.turns if turn.state == "rejected" and trace.owner(turn.speech_end_s) is case.trace
    ]
    why = f", refused as {', '.join(turn.reason for turn in refused)}: {_quotes(refused)}" if refused else ""
    what = "What was said was not taken up" if not turns else "Too little was taken up"
    return what, count(expected, "turn"), f"{count(len(turns), 'turn')}{why}", case.speech_s


def _transcript(case: _Case, key: str, detail: str) -> _Words:
    limit = f"{case.expect.max_wer:.0%}"
    seen = f"“{case.seen.transcript}”, {case.seen.wer or 0:.0%} of the words wrong"
    return "It misheard", f"“{case.expect.transcript}”, at most {limit} of the words wrong", seen, case.speech_s


def _late(case: _Case, key: str, detail: str) -> _Words:
    budget, taken = case.expect.first_audio_ms or 0.0, case.seen.latency
    if taken is None:
        return "There was no reply to hear", f"a reply within {budget:g} ms", "none", case.reply_s
    longest = max(taken.parts_ms.items(), key=lambda part: part[1])
    seen = f"{taken.voice_to_voice_ms} ms, the largest part of it {longest[0]} ({longest[1]} ms)"
    first_s = (case.seen.marks_ms.first_audio or 0) / 1000
    moment_s = (first_s - taken.voice_to_voice_ms / 1000, first_s)
    return "The reply came too late", f"within {budget:g} ms", seen, (moment_s,)


def _interrupted(case: _Case, key: str, detail: str) -> _Words:
    if case.expect.interrupted is False:
        return "The reply before was cut off", "it goes on to its end", detail, case.speech_s
    return "The user did not interrupt the reply", "the reply before is cut off", detail, case.speech_s


def _stopped(case: _Case, key: str, detail: str) -> _Words:
    limit, stopped_ms = case.expect.stopped_within_ms or 0.0, case.seen.stopped_ms
    seen = detail if stopped_ms is None else f"silent after {stopped_ms} ms"
    cut_ms = case.before.marks_ms.interrupted if case.before is not None else None
    moments_s = case.speech_s
    if cut_ms is not None:
        moments_s = tuple((min(start_s, cut_ms / 1000), cut_ms / 1000) for start_s, _ in moments_s)
    last_ms, started_ms = case.before.marks_ms.last_audio if case.before else None, case.seen.marks_ms.speech_started
    over = last_ms is None or (stopped_ms is None and started_ms is not None and last_ms < started_ms)
    what = "There was no reply left to stop" if over else "It went on talking over the user"
    return what, f"silent within {limit:g} ms", seen, moments_s


def _stalled(case: _Case, key: str, detail: str) -> _Words:
    timeout_ms = case.performance.dialogue.script.timeout_ms
    since_s = case.trace.voiced_s[1] if case.trace.voiced_s else case.trace.end_s
    end_s = min(since_s + timeout_ms / 1000, case.performance.trace.seconds)
    return "It never came to rest", f"quiet within {timeout_ms:g} ms", "still busy then", ((since_s, end_s),)


def _reply(case: _Case, key: str, detail: str) -> _Words:
    expect = case.expect.reply
    name = key.removeprefix("reply.")
    reply = f"“{case.seen.reply}”" if case.seen.reply else "no reply"
    words = count(len(case.seen.reply.split()), "word")
    table = {
        "min_words": ("The reply is too short", f"at least {expect.min_words} words", f"{words}: {reply}"),
        "max_words": ("The reply is too long", f"at most {expect.max_words} words", f"{words}: {reply}"),
        "contains_any": ("The reply lacks a word", " or ".join(f"“{w}”" for w in expect.contains_any or []), reply),
        "matches": ("The reply does not match", f"pattern {expect.matches}", reply),
        "not_matches": ("The reply says what it must not", f"nothing like {expect.not_matches}", reply),
    }
    if case.seen.judgement is not None and expect.judge is not None:
        judgement = case.seen.judgement
        table["judge"] = "A judge finds fault with the reply", expect.judge, f"{judgement.reason} ({judgement.model})"
    what, expected, seen = table.get(name, (f"The reply fails {name}", "", detail))
    return what, expected, seen, case.reply_s


def _as_it_is(case: _Case, key: str, detail: str) -> _Words:
    return key, "", detail, case.speech_s


_ENTRY: dict[str, Callable[[_Case, str, str], _Words]] = {
    "turns": _turns,
    "transcript": _transcript,
    "reply": _reply,
    "first_audio_ms": _late,
    "interrupted": _interrupted,
    "stopped_within_ms": _stopped,
    "not idle": _stalled,
}
"""By how the failure begins."""


def _of_dialogue(performance: Performance, failure: str) -> Why:
    key, _, detail = failure.partition(":")
    result, expect = performance.result, performance.dialogue.script.expect
    if key == "turns":
        expected, seen = count(expect.turns or 0, "spoken turn"), count(result.turns_recognised, "spoken turn")
        return Why(None, "The number of turns is wrong", expected, seen, failure, ())
    if key == "self_heard":
        return _unasked(performance, failure, "itself", result.self_heard, expect.self_heard)
    if key == "noise_heard":
        return _unasked(performance, failure, "noise", result.noise_heard, expect.noise_heard)
    return Why(None, key, "", detail.strip(), failure, ())


def _unasked(performance: Performance, failure: str, source: str, seen: int, expected: int) -> Why:
    found = [one for one in performance.unasked if one.source == source]
    turns = [turn for one in found for turn in _caused(one, performance)]
    itself = source == "itself"
    what = "The assistant heard itself" if itself else "Noise was taken for a voice"
    if seen < expected:
        what += " less often than expected"
    told = times(seen)
    if found:
        told += f", first at {found[0].span[0]:.1f} s: {'its echo' if itself else 'noise'} was taken for the user"
    if turns:
        told += f", and understood as {_quotes(turns)}"
    return Why(None, what, times(expected), told, failure, tuple(one.span for one in found))


def _caused(unasked: Unasked, performance: Performance) -> Iterable[TurnRecord]:
    for turn in performance.trace.turns:
        if turn.transcript and overlap(unasked.span, (turn.speech_start_s, turn.speech_end_s)):
            yield turn


def _spans(turns: list[TurnRecord]) -> Iterable[Span]:
    return ((turn.speech_start_s, turn.speech_end_s) for turn in turns)


def _quotes(turns: list[TurnRecord]) -> str:
    """What was understood, the first few."""
    said = [f"“{turn.transcript}”" if turn.transcript else "no words" for turn in turns]
    more = f" and {len(said) - _QUOTED} more" if len(said) > _QUOTED else ""
    return ", ".join(said[:_QUOTED]) + more


def count(number: int, thing: str) -> str:
    """Like "no turn", "1 turn", "2 turns"."""
    return f"no {thing}" if number == 0 else f"{number} {thing}" + ("s" if number > 1 else "")


def times(number: int) -> str:
    """Like "never", "once", "3 times"."""
    return {0: "never", 1: "once"}.get(number, f"{number} times")
