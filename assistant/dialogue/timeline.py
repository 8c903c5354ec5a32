"""A dialogue as one picture: both sides' sound over one time axis, and what went on in between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from assistant.dialogue.lanes import lanes, waves
from assistant.dialogue.palette import LIGHT
from assistant.dialogue.result import EntryResult, Performance
from assistant.dialogue.summary import describe
from assistant.dialogue.svg import box, element, label, line, waveform, wrap

_LEFT, _RIGHT = 112, 24
_WIDTH = 1280
_PX_PER_S = 30
"""At least; a longer dialogue makes a wider picture."""
_HEAD, _WAVE, _LANE, _LINE = 66, 76, 22, 17
_CHARACTER, _COLUMN = 6.7, 170
_JOIN_S = 0.03
"""Steps of inference closer than this are drawn as one."""
_COLUMN_PX = 1.5
_LANES = ("user speech", "end of turn", "transcription", "prompt", "tokens", "voice", "playback", "echo window")

_COLOURS = "".join(f".s-{name}{{fill:{colour}}}" for name, colour in LIGHT.items())
_STYLE = f"""{_COLOURS}
.room{{stroke:{LIGHT["room"]}}}.user{{stroke:{LIGHT["user"]}}}.assistant{{stroke:{LIGHT["play"]}}}
.unasked{{stroke:{LIGHT["wrong"]}}}"""
_STYLE += """
text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif;fill:#2b2a28}
.paper{fill:#fff}.plate{fill:#faf9f7}.title{font-size:19px;font-weight:600}.muted,.lane,.tick{fill:#7d7970}
.lane,.tick{font-size:12px}.tick{text-anchor:middle}.grid{stroke:#ebe8e2}.rule{stroke:#ddd9d1}
.pass{fill:#1c8a5a;font-weight:600}.fail{fill:#c9372c;font-weight:600}.failure{fill:#c9372c;font-size:12px}
.held{opacity:.45}.s-pause{fill:none;stroke:#0f8f77;stroke-dasharray:2 2}
.cut{stroke:#c9372c;stroke-width:1.5;stroke-dasharray:4 3}
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
    top = _HEAD + 2 * _WAVE + 14
    bottom = top + len(_LANES) * _LANE + 8
    texts, height = _texts(performance, axis, bottom + 48)
    width = axis.right + _RIGHT
    parts = [
        element("style", _STYLE),
        box(0, 0, width, height, "paper"),
        box(_LEFT, _HEAD, axis.right - _LEFT, bottom - _HEAD, "plate"),
        *_grid(axis, bottom),
        *_title(performance, axis),
        *_waves(performance, axis),
        *_lanes(performance, axis, top),
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
    columns = max(round((axis.right - _LEFT) / _COLUMN_PX), 1)
    for row, wave in enumerate(waves(performance, columns)):
        middle = _HEAD + _WAVE * (row + 0.5)
        yield label(24, middle + 4, wave.name, "lane")
        yield line(_LEFT, middle, axis.right, middle, "grid")
        for drawn, style in (
            (wave.rest, "room"),
            (wave.voice, "assistant" if row else "user"),
            (wave.wrong, "unasked"),
        ):
            bars = [(_COLUMN_PX * column, peak) for column, peak in drawn]
            yield waveform(bars, _LEFT, middle, _WAVE * 0.45, style)


def _lanes(performance: Performance, axis: _Axis, top: float) -> Iterator[str]:
    shown = [lane for lane in lanes(performance, _JOIN_S) if lane.name in _LANES]
    for row, lane in enumerate(shown):
        y = top + row * _LANE
        yield label(24, y + 14, lane.name, "lane")
        for piece in lane.pieces:
            classes = f"s-{piece.style}" + (" held" if piece.held else "")
            x = axis.x(piece.start_s)
            yield box(x, y + 4, axis.x(piece.end_s) - x, _LANE - 9, classes, piece.text, rx=2)


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
