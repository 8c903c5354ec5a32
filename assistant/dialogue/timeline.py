"""A dialogue as one picture: both sides' sound over one time axis, and what went on in between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from assistant.dialogue.result import EntryResult, Performance
from assistant.dialogue.summary import describe
from assistant.dialogue.svg import box, element, label, line, peaks, waveform, wrap
from assistant.messages import Priority
from assistant.metrics import Span, StepRecord

_LEFT, _RIGHT = 112, 24
_WIDTH = 1280
_PX_PER_S = 30
"""At least; a longer dialogue makes a wider picture."""
_HEAD, _WAVE, _LANE, _LINE = 66, 76, 22, 17
_CHARACTER, _COLUMN = 6.7, 170
_JOIN_S = 0.03
"""Steps of inference closer than this are drawn as one."""

_STYLE = """
text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif;fill:#2b2a28}
.paper{fill:#fff}.plate{fill:#faf9f7}.title{font-size:19px;font-weight:600}.muted,.lane,.tick{fill:#7d7970}
.lane,.tick{font-size:12px}.tick{text-anchor:middle}.grid{stroke:#ebe8e2}.rule{stroke:#ddd9d1}
.pass{fill:#1c8a5a;font-weight:600}.fail{fill:#c9372c;font-weight:600}.failure{fill:#c9372c;font-size:12px}
.room{stroke:#c4bfb5}.user{stroke:#2a66d9}.assistant{stroke:#0f8f77}.s-user{fill:#2a66d9}.s-wait{fill:#e9b949}
.s-hear{fill:#8257d8}.s-think{fill:#d1508f}.s-voice{fill:#4fb79f}.s-play{fill:#0f8f77}.held{opacity:.45}
.s-pause{fill:#c9372c;opacity:.25}.cut{stroke:#c9372c;stroke-width:1.5;stroke-dasharray:4 3}
.latency{stroke:#2b2a28;stroke-width:1.5}.number{font-size:12px;font-weight:600;text-anchor:middle}
.says{fill:#2a66d9;font-weight:600}.reply{fill:#0b6b59}.unheard{fill:#a8a399;text-decoration:line-through}
.small{font-size:12px;fill:#7d7970}
"""


@dataclass(frozen=True, slots=True)
class _Axis:
    """From seconds to pixels."""

    seconds: float
    px_per_s: float

    def x(self, moment_s: float) -> float:
        return _LEFT + moment_s * self.px_per_s

    @property
    def right(self) -> float:
        return self.x(self.seconds)


def draw(performance: Performance) -> str:
    """The picture of a dialogue as one self-contained SVG."""
    seconds = max(performance.trace.seconds, 1.0)
    axis = _Axis(seconds, max((_WIDTH - _LEFT - _RIGHT) / seconds, _PX_PER_S))
    waves, lanes = list(_waves(performance, axis)), list(_lanes(performance, axis, _HEAD + 2 * _WAVE + 14))
    bottom = _HEAD + 2 * _WAVE + 14 + 6 * _LANE + 8
    texts, height = _texts(performance, axis, bottom + 48)
    width = axis.right + _RIGHT
    parts = [
        element("style", _STYLE),
        box(0, 0, width, height, "paper"),
        box(_LEFT, _HEAD, axis.right - _LEFT, bottom - _HEAD, "plate"),
        *_grid(axis, bottom),
        *_title(performance, axis),
        *waves,
        *lanes,
        *_latencies(performance, axis),
        *_cuts(performance, axis, bottom),
        *texts,
    ]
    size = {"width": round(width), "height": round(height), "viewBox": f"0 0 {width:.0f} {height:.0f}"}
    return element("svg", "\n".join(parts), xmlns="http://www.w3.org/2000/svg", **size) + "\n"


def _title(performance: Performance, axis: _Axis) -> Iterator[str]:
    result = performance.result
    yield label(24, 30, result.name, "title")
    counts = (
        f"{result.turns_recognised} spoken turns · self-heard {result.self_heard} · noise-heard {result.noise_heard}"
    )
    facts = element("tspan", f"   {counts} · {result.seconds:.1f} s on the {result.clock} clock", class_="muted")
    verdict = element("tspan", "passed" if result.passed else "failed", class_="pass" if result.passed else "fail")
    yield element("text", verdict + facts, x=24, y=52, xml__space="preserve")
    yield label(axis.right, 52, "pale: work done before the end of the turn was certain", "small", text_anchor="end")
    for row, failure in enumerate(result.failures[:2]):
        yield label(axis.right, 14 + 16 * row, f"✗ {failure}", "failure", text_anchor="end")


def _grid(axis: _Axis, bottom: float) -> Iterator[str]:
    step = next(step for step in (1, 2, 5, 10, 30, 60, 300) if step * axis.px_per_s >= 28)
    for second in range(0, int(axis.seconds) + 1, step):
        yield line(axis.x(second), _HEAD, axis.x(second), bottom, "grid")
        yield label(axis.x(second), bottom + 16, f"{second} s" if second == 0 else str(second), "tick")
    yield line(_LEFT, bottom, axis.right, bottom, "rule")


def _waves(performance: Performance, axis: _Axis) -> Iterator[str]:
    trace = performance.trace
    spoken = [entry.voiced_s for entry in trace.entries if entry.voiced_s is not None]
    columns = round((axis.right - _LEFT) / 1.5)
    for row, (name, samples, rate_hz) in enumerate(
        [("microphone", trace.microphone, 16_000), ("loudspeaker", trace.loudspeaker, trace.speaker_rate_hz)]
    ):
        middle = _HEAD + _WAVE * (row + 0.5)
        yield label(24, middle + 4, name, "lane")
        yield line(_LEFT, middle, axis.right, middle, "grid")
        within = samples[: round(axis.seconds * rate_hz)]
        sounded_s = len(within) / rate_hz
        heard = peaks(within, max(round(columns * sounded_s / axis.seconds), 1))
        drawn = [(1.5 * k, peak, 1.5 * k / axis.px_per_s) for k, peak in enumerate(heard) if peak > 0.004]
        own = [(at, peak) for at, peak, moment_s in drawn if row == 1 or _within(moment_s, spoken)]
        rest = [(at, peak) for at, peak, moment_s in drawn if row == 0 and not _within(moment_s, spoken)]
        yield waveform(rest, _LEFT, middle, _WAVE * 0.45, "room")
        yield waveform(own, _LEFT, middle, _WAVE * 0.45, "assistant" if row else "user")


def _lanes(performance: Performance, axis: _Axis, top: float) -> Iterator[str]:
    trace, steps = performance.trace, performance.trace.steps
    waits = [
        (entry.voiced_s[1], turn.endpoint_s, False)
        for entry in trace.entries
        if entry.voiced_s is not None
        for turn in trace.owned(entry.index)[-1:]
        if turn.endpoint_s is not None
    ]
    rows: list[tuple[str, str, Iterable[tuple[float, float, bool]]]] = [
        ("user", "s-user", [(*entry.voiced_s, False) for entry in trace.entries if entry.voiced_s]),
        ("end of turn", "s-wait", waits),
        ("transcription", "s-hear", _spans(steps, "whisper")),
        ("model", "s-think", _spans(steps, "chat")),
        ("voice", "s-voice", _spans(steps, "voice")),
        ("playback", "s-play", [(*span, False) for reply in trace.replies for span in reply]),
    ]
    for row, (name, style, spans) in enumerate(rows):
        y = top + row * _LANE
        yield label(24, y + 14, name, "lane")
        for start_s, end_s, held in spans:
            about = f"{name}, {1000 * (end_s - start_s):.0f} ms" + (", behind the gate" if held else "")
            x, classes = axis.x(start_s), style + (" held" if held else "")
            yield box(x, y + 4, axis.x(end_s) - x, _LANE - 9, classes, about, rx=2)
    for turn in trace.turns:
        for pause in turn.pauses:
            end_s = pause.end_s if pause.end_s is not None else turn.ended_s or trace.seconds
            x, y = axis.x(pause.start_s), top + 5 * _LANE
            yield box(x, y + 4, axis.x(end_s) - x, _LANE - 9, "s-pause", "paused", rx=2)


def _spans(steps: Iterable[StepRecord], kind: str) -> list[tuple[float, float, bool]]:
    """Stretches of one model's work: start, end, and whether it was done behind the gate."""
    joined: list[tuple[float, float, bool]] = []
    for step in steps:
        if not any(work.kind.startswith(kind) for work in step.work):
            continue
        held = step.priority is Priority.HELD
        if joined and joined[-1][2] == held and step.start_s - joined[-1][1] < _JOIN_S:
            joined[-1] = (joined[-1][0], step.end_s, held)
        else:
            joined.append((step.start_s, step.end_s, held))
    return joined


def _latencies(performance: Performance, axis: _Axis) -> Iterator[str]:
    """Voice-to-voice latency, from the end of a voice to the start of the other, between the two waveforms."""
    y = _HEAD + _WAVE
    for entry in performance.result.turns:
        marks, latency_ms = entry.marks_ms, entry.voice_to_voice_ms
        if latency_ms is None or marks.speech_ended is None or marks.first_audio is None:
            continue
        start, end = axis.x(marks.speech_ended / 1000), axis.x(marks.first_audio / 1000)
        yield line(start, y, end, y, "latency")
        yield line(start, y - 4, start, y + 4, "latency")
        yield line(end, y - 4, end, y + 4, "latency")
        yield label((start + end) / 2, y - 7, f"{latency_ms} ms", "number")


def _cuts(performance: Performance, axis: _Axis, bottom: float) -> Iterator[str]:
    entries = performance.result.turns
    for entry in entries:
        if entry.marks_ms.interrupted is None:
            continue
        x = axis.x(entry.marks_ms.interrupted / 1000)
        stopped = next((by.stopped_ms for by in entries if by.interrupts == entry.index), None)
        yield line(x, _HEAD, x, bottom, "cut")
        yield label(x + 5, _HEAD + 2 * _WAVE + 8, "cut" if stopped is None else f"silent in {stopped} ms", "failure")


def _texts(performance: Performance, axis: _Axis, top: float) -> tuple[list[str], float]:
    """What was said, in a column under each entry; and where the picture ends."""
    begun = [axis.x(entry.start_s) for entry in performance.trace.entries if entry.start_s is not None]
    drawn: list[str] = []
    lowest = top
    columns: list[tuple[float, float]] = []  # right edge and lower end of those already there
    for seen, left, following in zip(performance.result.turns, begun, [*begun[1:], axis.right + _RIGHT], strict=False):
        width = max(following - left - 14, _COLUMN)
        first = y = max([bottom for right, bottom in columns if right > left], default=top)
        for text, style in _column(performance, seen, width):
            drawn.append(label(left, y, text, style))
            y += _LINE
        drawn.append(line(left - 6, first - 13, left - 6, max(y - _LINE + 4, first), "rule"))
        columns.append((left + width, y + 4))
        lowest = max(lowest, y)
    return drawn, lowest + 6


def _column(performance: Performance, entry: EntryResult, width: float) -> Iterator[tuple[str, str]]:
    script = performance.dialogue.script.turns[entry.index]
    said = entry.transcript or describe(script)
    for text in wrap(said, width, _CHARACTER + 1.0, 3):
        yield text, "says" if entry.transcript else "small"
    heard = entry.reply_heard if entry.interrupted else entry.reply
    for text in wrap(f"({entry.command})" if entry.command else heard, width, _CHARACTER, 6):
        yield text, "reply"
    if entry.interrupted:
        for text in wrap(entry.reply.removeprefix(entry.reply_heard), width, _CHARACTER, 2):
            yield text, "unheard"
    for failure in entry.failures:
        for text in wrap(f"✗ {failure}", width, _CHARACTER, 3):
            yield text, "failure"


def _within(moment_s: float, spans: Iterable[Span]) -> bool:
    return any(start_s <= moment_s <= end_s for start_s, end_s in spans)
