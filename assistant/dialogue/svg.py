"""The few shapes of a picture, as SVG text; coordinates are pixels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from assistant.messages import Samples


def element(name: str, text: str = "", **attributes: object) -> str:
    """One element; in names `_` stands for a hyphen and `__` for a colon, numbers are rounded to a tenth."""
    names = {key: key.rstrip("_").replace("__", ":").replace("_", "-") for key in attributes}
    pairs = "".join(f" {names[key]}={quoteattr(_shown(value))}" for key, value in attributes.items())
    return f"<{name}{pairs}>{text}</{name}>" if text else f"<{name}{pairs}/>"


def label(x: float, y: float, text: str, class_: str, **attributes: object) -> str:
    """Text, its baseline at y."""
    return element("text", escape(text), x=x, y=y, class_=class_, **attributes)


def box(x: float, y: float, width: float, height: float, class_: str, title: str = "", **attributes: object) -> str:
    """A rectangle at least a pixel wide, so that short things can be seen; the title shows on hovering."""
    tooltip = element("title", escape(title)) if title else ""
    return element("rect", tooltip, x=x, y=y, width=max(width, 1), height=height, class_=class_, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> str:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def waveform(columns: Sequence[tuple[float, float]], x: float, middle: float, height: float, class_: str) -> str:
    """Peaks as one filled shape.

    Args:
        columns: (position, peak) with positions in pixels from x, and peaks of 0 to 1.
        x: Left edge.
        middle: Of the waveform.
        height: From the middle to a peak of 1.
        class_: Its style.
    """
    bars = "".join(f"M{_shown(x + at)} {_shown(middle - peak * height)}V{_shown(middle + peak * height)}"
                   for at, peak in columns)  # fmt: skip
    return element("path", d=bars, class_=class_) if bars else ""


def peaks(samples: Samples, count: int) -> list[float]:
    """The largest sample of each of `count` equal parts, over the largest of all (taken for 0.05 at least)."""
    edges = np.linspace(0, len(samples), count + 1).astype(int)
    loudest = [float(np.abs(samples[a:b]).max()) if b > a else 0.0 for a, b in pairwise(edges)]
    full = max([0.05, *loudest])
    return [peak / full for peak in loudest]


def wrap(text: str, width: float, character: float, lines: int) -> list[str]:
    """Break a text into lines that fit, the last with an ellipsis if it had to be cut.

    Args:
        text: What to break at spaces.
        width: Of a line.
        character: Mean width of one.
        lines: At most so many.
    """
    limit = max(int(width / character), 8)
    broken: list[str] = []
    for word in text.split():
        if broken and len(broken[-1]) + 1 + len(word) <= limit:
            broken[-1] += f" {word}"
        else:
            broken.append(word)
    if len(broken) > lines:
        broken = [*broken[: lines - 1], broken[lines - 1][: limit - 1] + "…"]
    return broken


def _shown(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
