"""Holds what came of a dialogue against what the script expects; every failure is a sentence."""

from __future__ import annotations

import re

from assistant.dialogue.load import Dialogue
from assistant.dialogue.result import DialogueResult, EntryResult
from assistant.dialogue.script import EntryExpectation, ReplyExpectation, Script
from assistant.dialogue.trace import EntryTrace, Trace


def judge_expectations(result: DialogueResult, dialogue: Dialogue, trace: Trace) -> DialogueResult:
    """Fill in the failures of every entry and of the whole, and whether the dialogue passed."""
    for entry, seen in zip(trace.entries, result.turns, strict=True):
        before = result.turns[seen.index - 1] if seen.index else None
        seen.failures += entry_failures(entry, seen, before, dialogue.script)
    result.failures += dialogue_failures(result, dialogue.script)
    if trace.stopped:
        result.failures.append(f"stopped at {trace.seconds:.1f} s, before its end")
    result.passed = not result.failures and not any(seen.failures for seen in result.turns)
    return result


def entry_failures(trace: EntryTrace, seen: EntryResult, before: EntryResult | None, script: Script) -> list[str]:
    """What of an entry's expectations did not hold."""
    expect = trace.entry.expect
    failures = [f"not idle after {script.timeout_ms:g} ms"] if trace.stalled else []
    if seen.recognised != trace.entry.turns_expected:
        failures.append(f"turns: {seen.recognised} instead of {trace.entry.turns_expected}")
    if seen.wer is not None and seen.wer > expect.max_wer:
        failures.append(
            f'transcript: "{seen.transcript}" instead of "{expect.transcript}" '
            f"(word error rate {seen.wer:g} over {expect.max_wer:g})"
        )
    failures += _reply_failures(expect.reply, seen.reply)
    failures += _judge_failures(expect.reply, seen)
    failures += _budget_failures(expect, seen)
    failures += _interruption_failures(trace, expect, seen, before)
    return failures


def _reply_failures(expect: ReplyExpectation, reply: str) -> list[str]:
    words = len(reply.split())
    failures = []
    if expect.min_words is not None and words < expect.min_words:
        failures.append(f"reply.min_words: {words} under {expect.min_words}")
    if expect.max_words is not None and words > expect.max_words:
        failures.append(f"reply.max_words: {words} over {expect.max_words}")
    if expect.contains_any and not any(part.casefold() in reply.casefold() for part in expect.contains_any):
        failures.append(f'reply.contains_any: none of {", ".join(expect.contains_any)} in "{reply}"')
    if expect.matches is not None and not re.search(expect.matches, reply):
        failures.append(f'reply.matches: no {expect.matches} in "{reply}"')
    if expect.not_matches is not None and (found := re.search(expect.not_matches, reply)):
        failures.append(f'reply.not_matches: "{found[0]}" in "{reply}"')
    return failures


def _judge_failures(expect: ReplyExpectation, seen: EntryResult) -> list[str]:
    if expect.judge is None:
        return []
    judgement = seen.judgement
    if judgement is None:
        return ["reply.judge: not judged"]
    return [] if judgement.passed else [f"reply.judge: not {expect.judge}, says {judgement.model}: {judgement.reason}"]


def _budget_failures(expect: EntryExpectation, seen: EntryResult) -> list[str]:
    budget, marks = expect.first_audio_ms, seen.marks_ms
    if budget is None:
        return []
    since = marks.entered if marks.entered is not None else marks.speech_ended
    if marks.first_audio is None or since is None:
        return ["first_audio_ms: no audible reply"]
    late_ms = marks.first_audio - since
    return [f"first_audio_ms: {late_ms} over budget {budget:g}"] if late_ms > budget else []


def _interruption_failures(
    trace: EntryTrace, expect: EntryExpectation, seen: EntryResult, before: EntryResult | None
) -> list[str]:
    failures = []
    cut = before is not None and before.interrupted
    if expect.interrupted is True and (trace.missed or not cut):
        failures.append(f"interrupted: {_end_of_reply(before)}{_too_late(trace, before)}")
    if expect.interrupted is False and cut:
        failures.append(f"interrupted: {_end_of_reply(before)}")
    limit = expect.stopped_within_ms
    if limit is not None:
        if trace.missed or not cut or before is None or seen.stopped_ms is None:
            failures.append(f"stopped_within_ms: {_end_of_reply(before)}{_too_late(trace, before)}")
        elif seen.stopped_ms > limit:
            failures.append(f"stopped_within_ms: {seen.stopped_ms} over {limit:g}")
    return failures


def _end_of_reply(before: EntryResult | None) -> str:
    """What became of the reply of the entry before."""
    if before is None or before.marks_ms.last_audio is None:
        return "there was no audible reply before"
    how = "was cut" if before.interrupted else "ended"
    return f"the reply of entry {before.index} {how} at {before.marks_ms.last_audio} ms"


def _too_late(trace: EntryTrace, before: EntryResult | None) -> str:
    after_ms = trace.entry.interrupts_after_ms
    if not trace.missed or after_ms is None or before is None or before.marks_ms.last_audio is None:
        return ""
    return f", before {after_ms:g} ms of it had been heard"


def dialogue_failures(result: DialogueResult, script: Script) -> list[str]:
    """What of the whole dialogue's expectations did not hold."""
    seen = {
        "turns": (result.turns_recognised, script.expect.turns),
        "self_heard": (result.self_heard, script.expect.self_heard),
        "noise_heard": (result.noise_heard, script.expect.noise_heard),
    }
    return [
        f"{key}: {count} instead of {expected}"
        for key, (count, expected) in seen.items()
        if expected is not None and count != expected
    ]
