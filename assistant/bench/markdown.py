"""The tables of a bench as Markdown, as they stand in a README."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from assistant.bench.document import Bench
from assistant.bench.figures import typical
from assistant.bench.ratios import Summary
from assistant.bench.turns import PARTS

_NOT_YET = "not measured yet"


def markdown(bench: Bench) -> str:
    """The machine, then three tables: the figures, the recordings in parts, and the comparison with a peer."""
    models = ", ".join(model["name"] for model in bench.models.values())
    commit = f", commit {bench.commit}" if bench.commit else ""
    runs = f"medians of {bench.repeat} runs of {len(bench.recordings)} recordings"
    lines = [f"{bench.machine}; {models}; `{bench.clock}` clock; {runs}; {bench.date[:10]}{commit}.", ""]
    lines += _table(("", "this machine", "Mac"), ([name, value, _NOT_YET] for name, value in _figures(bench)))
    lines += _table(("recording", *PARTS, "voice to voice, ms"), _recordings(bench))
    if bench.compared:
        heads = ("against mlx-audio's VoicePipeline", "sentences", "ours, ms", "mlx-audio, ms", "times sooner")
        lines += _table((*heads, "less both waits", "as if it transcribed like us"), _comparisons(bench))
    lines += [f"- Not compared: {one.recording}, run {one.run + 1}: {one.reason}." for one in bench.not_compared]
    return "\n".join(lines).rstrip() + "\n"


def _figures(bench: Bench) -> Iterator[tuple[str, str]]:
    found = bench.found
    latency = found.voice_to_voice_ms
    yield "voice to voice, median (90th percentile)", f"{latency.median / 1000:.2f} s ({latency.p90 / 1000:.2f} s)"
    overhead = f"{found.overhead_ms.median:.1f} ms, {found.overhead_share.median:.1%}"
    yield "orchestration overhead", overhead
    hidden = f"{found.hidden_share.median:.0%} ({found.hidden_share_of_possible.median:.0%})"
    yield "transcription and prefill done during the wait (of what could be)", hidden
    yield "transcription, compute for a second of speech", f"{found.transcription_factor.median:.2f} s"
    yield "voice, compute for a second of reply", f"{found.voice_factor.median:.2f} s"
    yield "language model", f"{found.tokens_per_s.median:.1f} tokens/s"
    yield "longest step", f"{found.longest_step.ms:.0f} ms ({found.longest_step.work})"
    if not bench.measured.peers:  # whose share nobody could tell
        yield "memory at its peak", f"{bench.memory.process / 2**20:.0f} MiB"
    if bench.talk.growth is not None:
        last = bench.talk.turns[-1]
        grown = f"{last.first_token_ms:.0f} ms, {last.fed_tokens} tokens fed"
        yield f"first token at turn {last.index} (times turn 2)", f"{grown} ({bench.talk.growth:.2f})"
    for name, over in (("any reply", bench.overall), ("replies of two sentences or more", bench.of_long_replies)):
        if over is not None:
            yield f"sooner than mlx-audio's VoicePipeline, {name}", f"{over.ratio:.2f} times, {over.least:.2f} at least"


def _recordings(bench: Bench) -> Iterator[list[str]]:
    for turn in typical(bench.measured.turns):
        parts = [str(turn.parts_ms[part]) for part in PARTS]
        yield [turn.recording.removesuffix(".wav"), *parts, f"**{turn.voice_to_voice_ms}**"]


def _comparisons(bench: Bench) -> Iterator[list[str]]:
    for one in bench.compared:
        name = one.recording.removesuffix(".wav") + ("" if one.same_reply else " (another reply)")
        facts = [name, str(one.sentences), f"{one.ours_ms:.0f}", f"{one.peer_ms:.0f}", f"**{one.ratio:.2f}**"]
        yield [*facts, f"{one.ratio_without_wait:.2f}", f"{one.ratio_of_one_transcription:.2f}"]
    for name, over in (("all", bench.overall), ("two sentences or more", bench.of_long_replies)):
        if over is not None:
            yield _overall(f"{name}: median of {over.recordings}", over)


def _overall(name: str, over: Summary) -> list[str]:
    last = [f"{over.ratio_without_wait:.2f}", f"{over.ratio_of_one_transcription:.2f}"]
    return [f"**{name}**", "", "", "", f"**{over.ratio:.2f}**", *last]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    rule = "|---" + "|---:" * (len(heads) - 1) + "|"
    first, *others = (f"| {' | '.join(row)} |" for row in (heads, *rows))
    return [first, rule, *others, ""]
