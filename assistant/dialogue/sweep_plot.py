"""The results of a sweep as one picture: a panel for each measure, over the values of the first key swept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from assistant.dialogue.palette import LIGHT
from assistant.dialogue.svg import box, element, label, line
from assistant.dialogue.sweep import Point

_PANEL_WIDTH, _PANEL_HEIGHT = 400, 260
_COLUMNS = 3
_HEAD, _MARGIN = 64, 24
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 20, 36, 40
"""Of a panel, round its plot."""

_SERIES = [LIGHT[name] for name in ("user", "think", "play", "wait", "hear", "echo", "prompt")]
_STYLE = """
text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif;fill:#2b2a28}
.paper{fill:#fff}.plate{fill:#faf9f7}.title{font-size:19px;font-weight:600}.name{font-weight:600}
.muted,.tick{fill:#7d7970}.tick,.number{font-size:12px}.number{font-weight:600}.grid{stroke:#ebe8e2}.rule{stroke:#ddd9d1}
.curve{fill:none;stroke-width:2}
"""


@dataclass(frozen=True, slots=True)
class _Measure:
    """One panel."""

    name: str
    of: Callable[[Point], float | None]
    unit: str = ""
    full: float | None = None
    """The top of its axis; None: as the values are."""


_MEASURES = (
    _Measure("dialogues passed", lambda point: 100 * point.passed / point.dialogues, " %", 100),
    _Measure("voice to voice, median", lambda point: point.voice_to_voice_ms, " ms"),
    _Measure("word error rate, mean", lambda point: None if point.wer is None else 100 * point.wer, " %"),
    _Measure("heard itself", lambda point: point.self_heard),
    _Measure("heard noise", lambda point: point.noise_heard),
    _Measure("rejected", lambda point: point.rejected),
)


def plot(points: Sequence[Point]) -> str:
    """The picture as one self-contained SVG.

    Args:
        points: At least one.
    """
    key, *others = points[0].settings
    series: dict[str, list[Point]] = {}
    for point in points:
        name = ", ".join(f"{other} = {point.settings[other]}" for other in others)
        series.setdefault(name, []).append(point)
    keys_height = 20 * len(series) if others else 0
    rows = -(-len(_MEASURES) // _COLUMNS)
    width, height = _COLUMNS * _PANEL_WIDTH + 2 * _MARGIN, _HEAD + keys_height + rows * _PANEL_HEIGHT + _MARGIN
    parts = [
        element("style", _STYLE),
        box(0, 0, width, height, "paper"),
        label(_MARGIN, 32, f"Results by {key}", "title"),
        label(_MARGIN, 52, f"{points[0].dialogues} runs of dialogues for each value", "muted"),
    ]
    for index, name in enumerate(series if others else ()):
        y = _HEAD + 20 * index + 8
        parts += [_dot(_MARGIN + 6, y - 4, index), label(_MARGIN + 18, y, name, "muted")]
    axis = _Axis([point.settings[key] for point in points])
    for index, measure in enumerate(_MEASURES):
        x = _MARGIN + index % _COLUMNS * _PANEL_WIDTH
        y = _HEAD + keys_height + index // _COLUMNS * _PANEL_HEIGHT
        parts += _panel(measure, key, axis, list(series.values()), x, y)
    size = {"width": width, "height": height, "viewBox": f"0 0 {width} {height}"}
    return element("svg", "\n".join(parts), xmlns="http://www.w3.org/2000/svg", **size) + "\n"


class _Axis:
    """From values to a place between 0 and 1: numbers where they lie, all else one beside the other."""

    def __init__(self, values: Sequence[Any]) -> None:
        self.values = list(dict.fromkeys(map(_hashable, values)))
        self.numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in self.values)
        if self.numbers:
            self.values.sort()

    def at(self, value: Any) -> float:
        first, last = self.values[0], self.values[-1]
        if self.numbers:
            return 0.05 + 0.9 * (value - first) / (last - first) if last > first else 0.5
        return (self.values.index(_hashable(value)) + 0.5) / len(self.values)


def _panel(
    measure: _Measure, key: str, axis: _Axis, series: Sequence[Sequence[Point]], x: float, y: float
) -> Iterator[str]:
    left, right, top, bottom = x + _LEFT, x + _PANEL_WIDTH - _RIGHT, y + _TOP, y + _PANEL_HEIGHT - _BOTTOM
    values = [value for points in series for value in map(measure.of, points) if value is not None]
    full = measure.full or _round_up(max([*values, 0]))
    unit = element("tspan", measure.unit, class_="muted")
    yield element("text", measure.name + unit, x=left, y=y + 24, class_="name", xml__space="preserve")
    yield box(left, top, right - left, bottom - top, "plate")
    for part in (0, 0.5, 1):
        level = bottom - (bottom - top) * part
        yield line(left, level, right, level, "grid" if part else "rule")
        yield label(left - 6, level + 4, f"{full * part:g}", "tick", text_anchor="end")
    for value in axis.values:
        text = str(value) if len(str(value)) <= 16 else f"{str(value)[:15]}…"
        yield label(left + (right - left) * axis.at(value), bottom + 16, text, "tick", text_anchor="middle")
    yield label((left + right) / 2, bottom + 32, key, "tick", text_anchor="middle")
    for index, points in enumerate(series):
        dots = [
            (left + (right - left) * axis.at(point.settings[key]), bottom - (bottom - top) * value / full, value)
            for point in points
            if (value := measure.of(point)) is not None
        ]
        if axis.numbers:
            for (x1, y1, _), (x2, y2, _) in pairwise(sorted(dots)):
                yield element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_="curve", stroke=_colour(index))
        for at, level, value in dots:
            yield _dot(at, level, index)
            if len(series) == 1:
                above = level - 8 if level > top + 20 else level + 18
                yield label(at, above, f"{round(value, 1):g}", "number", text_anchor="middle")


def _dot(x: float, y: float, index: int) -> str:
    """Smaller for later series, which may lie on earlier ones."""
    return element("circle", cx=x, cy=y, r=max(6 - 1.5 * index, 3), fill=_colour(index))


def _colour(index: int) -> str:
    return _SERIES[index % len(_SERIES)]


def _round_up(value: float) -> float:
    """To 1, 2, 4, 6, 8 or 10 times a power of ten, and to 1 at least."""
    power = 1.0
    while value > 10 * power:
        power *= 10
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if value <= step * power)


def _hashable(value: Any) -> Any:
    return value if isinstance(value, str | int | float) else str(value)
