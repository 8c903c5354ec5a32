"""Where the time between the user's last word and the reply's first goes, as one picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from assistant.bench.figures import typical
from assistant.bench.peer import PEER_PARTS, PeerTurn
from assistant.bench.turns import PARTS, MeasuredTurn
from assistant.dialogue.palette import LIGHT
from assistant.dialogue.svg import box, element, label, line
from assistant.messages import WorkKind

_WIDTH, _LEFT, _RIGHT = 1120, 270, 96
_HEAD, _ROW, _PEER_ROW, _BAR, _STRIP = 104, 46, 28, 18, 7

_STYLES = dict(zip(PARTS, ("wait", "hear", "prompt", "think", "voice", "play"), strict=True))
_PEER_STYLES = dict(zip(PEER_PARTS, ("wait", "hear", "think", "voice", "play"), strict=True))
_STEP_STYLES: dict[WorkKind, str] = {
    "whisper_encoder": "hear",
    "whisper_token": "hear",
    "chat_prefill": "prompt",
    "chat_token": "think",
    "voice": "voice",
    "turn_model": "wait",
}
"""By the first thing that a step did."""
_STYLE = "".join(f".s-{name}{{fill:{LIGHT[name]}}}" for name in {*_STYLES.values(), *_STEP_STYLES.values()})
_STYLE += """
text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif;fill:#2b2a28}
.paper{fill:#fff}.plate{fill:#faf9f7}.title{font-size:19px;font-weight:600}.muted,.tick{fill:#7d7970}
.tick,.share{font-size:12px}.tick{text-anchor:middle}.share{text-anchor:middle;fill:#fff}.s-dark{fill:#2b2a28}
.number{font-weight:600}.grid{stroke:#ebe8e2}.rule{stroke:#ddd9d1}.step{opacity:.55}
"""


def waterfall(turns: Sequence[MeasuredTurn], machine: str, peers: Sequence[PeerTurn] = ()) -> str:
    """The picture as one self-contained SVG: for each recording the run whose latency is the median.

    Args:
        turns: At least one.
        machine: Where they were measured.
        peers: Of a peer, drawn below ours.
    """
    shown = typical(turns)
    others = {turn.recording: turn for turn in typical(peers)}
    latencies_ms = [turn.voice_to_voice_ms for turn in shown] + [turn.voice_to_voice_ms for turn in others.values()]
    longest_ms = max(latencies_ms)
    step_ms = next((step for step in (50, 100, 200, 500, 1000, 2000, 5000) if longest_ms / step <= 12), 10_000)
    full_ms = max(-(-longest_ms // step_ms), 1) * step_ms
    px_per_ms = (_WIDTH - _LEFT - _RIGHT) / full_ms
    rows = [_ROW + _PEER_ROW * (turn.recording in others) for turn in shown]
    bottom = _HEAD + sum(rows)
    parts = [
        element("style", _STYLE),
        box(0, 0, _WIDTH, bottom + 40, "paper"),
        label(24, 32, "From the user's last word to the reply's first", "title"),
        label(24, 54, f"The median run of each recording, on {machine}", "muted"),
        *_legend(),
        box(_LEFT, _HEAD, _WIDTH - _LEFT - _RIGHT, bottom - _HEAD, "plate"),
    ]
    for ms in range(0, full_ms + 1, step_ms):
        x = _LEFT + ms * px_per_ms
        parts += [line(x, _HEAD, x, bottom, "grid"), label(x, bottom + 16, f"{ms / 1000:g} s", "tick")]
    parts.append(line(_LEFT, bottom, _WIDTH - _RIGHT, bottom, "rule"))
    for turn, top in zip(shown, accumulate(rows, initial=_HEAD), strict=False):
        parts += _row(turn, top, px_per_ms)
        if turn.recording in others:
            parts += _peer_row(others[turn.recording], top + _ROW, px_per_ms)
    size = {"width": _WIDTH, "height": bottom + 40, "viewBox": f"0 0 {_WIDTH} {bottom + 40}"}
    return element("svg", "\n".join(parts), xmlns="http://www.w3.org/2000/svg", **size) + "\n"


def _legend() -> Iterator[str]:
    x = 24.0
    for part, style in _STYLES.items():
        yield box(x, 72, 12, 12, f"s-{style}", rx=2)
        yield label(x + 18, 82, part, "muted")
        x += 18 + 7.2 * len(part) + 16
    yield label(x + 8, 82, "below each bar: the models at work, during the wait too", "muted")


def _row(turn: MeasuredTurn, top: float, px_per_ms: float) -> Iterator[str]:
    name = turn.recording.removesuffix(".wav")
    yield label(24, top + 22, name if len(name) <= 31 else f"{name[:30]}…", "")
    yield from _bar(turn.parts_ms, _STYLES, top + 8, px_per_ms)
    latency_ms = turn.voice_to_voice_ms
    for step in turn.steps:
        start_ms = max(1000 * (step.start_s - turn.since_s), 0.0)
        until_ms = min(1000 * (step.end_s - turn.since_s), latency_ms)
        if until_ms > start_ms:
            style = f"s-{_STEP_STYLES[step.work[0].kind]} step"
            title = " and ".join(work.kind for work in step.work)
            x = _LEFT + start_ms * px_per_ms
            yield box(x, top + 10 + _BAR, (until_ms - start_ms) * px_per_ms, _STRIP, style, title)


def _peer_row(turn: PeerTurn, top: float, px_per_ms: float) -> Iterator[str]:
    yield label(40, top + 13, "mlx-audio's VoicePipeline", "muted")
    yield from _bar(turn.parts_ms, _PEER_STYLES, top, px_per_ms)


def _bar(parts_ms: Mapping[str, int], styles: Mapping[str, str], top: float, px_per_ms: float) -> Iterator[str]:
    """Parts after one another, and their sum."""
    ends = list(accumulate(parts_ms.values()))
    for (part, ms), end_ms in zip(parts_ms.items(), ends, strict=True):
        if not ms:
            continue
        x, width = _LEFT + (end_ms - ms) * px_per_ms, ms * px_per_ms
        yield box(x, top, width, _BAR, f"s-{styles[part]}", f"{part}: {ms} ms", rx=2)
        if width > 8 + 7 * len(str(ms)):
            dark = " s-dark" if styles[part] in ("wait", "think", "voice") else ""
            yield label(x + width / 2, top + 13, str(ms), f"share{dark}")
    yield label(_LEFT + ends[-1] * px_per_ms + 8, top + 13, f"{ends[-1]} ms", "number")
