"""The page of a whole run: an overview, and every dialogue over its time axis, with its sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median_high
from typing import Any

from markupsafe import Markup

from assistant.dialogue.lanes import Wave, captions, lanes, overlap, waves
from assistant.dialogue.report.page import render
from assistant.dialogue.report.sound import data_uri, flac
from assistant.dialogue.report.view import describe_room, describe_settings, entries, latencies
from assistant.dialogue.report.why import Why, reasons
from assistant.dialogue.result import DialogueResult, Performance
from assistant.dialogue.svg import waveform
from assistant.metrics import Span

SOUND_BYTES = 40_000_000
"""At most so much sound in one page, failed dialogues first: browsers grow slow beyond 60 MB of text."""

_COLUMNS_PER_S = 60
_LEAST_COLUMNS, _MOST_COLUMNS = 1200, 6000
_WAVE_HEIGHT = 60
_EXPONENT = 0.6
"""Of the waveforms' height: echo and noise 20 dB under a voice would be a line otherwise."""
_LETTER = 0.0068
"""Mean width of a letter over that of the time axis in a window of common size."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A failure over the time axis."""

    number: int
    why: Why
    row: int
    leftward: bool
    """Its words stand before its number: after it there is no room."""


@dataclass(slots=True)
class _Section:
    """A dialogue, and what its part of the page shows."""

    id: str
    result: DialogueResult
    whys: list[Why]
    facts: dict[str, object]
    sound: bytes

    @property
    def median_ms(self) -> int | None:
        """Of voice-to-voice latency."""
        return median_ms([self.result])

    def body(self) -> Markup:
        """As HTML."""
        return render(
            "dialogue.html",
            result=self.result,
            whys=self.whys,
            audio=data_uri(self.sound) if self.sound else None,
            **self.facts,
        )


class Report:
    """Collects dialogues as they are run, and keeps of each only what the page needs."""

    def __init__(self) -> None:
        self._sections: list[_Section] = []

    def add(self, performance: Performance) -> None:
        """Take in a dialogue."""
        trace, script = performance.trace, performance.dialogue.script
        seconds = max(trace.seconds, 0.1)
        columns = min(max(round(seconds * _COLUMNS_PER_S), _LEAST_COLUMNS), _MOST_COLUMNS)
        whys = reasons(performance)
        microphone, loudspeaker = waves(performance, columns)
        understood, said = captions(performance)
        facts = {
            "seconds": seconds,
            "columns": columns,
            "wave_height": _WAVE_HEIGHT,
            "sides": [
                (microphone.name, _drawn(microphone, "user"), "understood", understood),
                (loudspeaker.name, _drawn(loudspeaker, "play"), "said", said),
            ],
            "lanes": lanes(performance),
            "ticks": _ticks(seconds),
            "flags": flags(whys, seconds),
            "room": describe_room(script),
            "settings": describe_settings(script.config),
            "entries": list(entries(performance, whys)),
            "bars": latencies(script, performance.result.turns),
        }
        sound = flac(trace) if len(trace.microphone) else b""
        self._sections.append(_Section(f"d{len(self._sections)}", performance.result, whys, facts, sound))

    def html(self, models: Mapping[str, Any], complete: bool, steps_kept: int = 0, steps_made: int = 0) -> str:
        """The page.

        Args:
            models: By role, as in the result.
            complete: Whether every dialogue was run to its end.
            steps_kept: Steps of models that came from the step store.
            steps_made: Those that were taken.
        """
        sections = sorted(self._sections, key=lambda section: section.result.passed)
        left = SOUND_BYTES
        for section in sections:
            if len(section.sound) > left:
                section.sound = b""
            left -= len(section.sound)
        results = [section.result for section in sections]
        return render(
            "report.html",
            sections=sections,
            results=results,
            failed=[section for section in sections if not section.result.passed],
            median_ms=median_ms(results),
            models=models,
            clock=results[0].clock if results else "",
            complete=complete,
            steps=(steps_kept, steps_kept + steps_made),
        )


def median_ms(results: Sequence[DialogueResult]) -> int | None:
    """Of the voice-to-voice latencies of all turns; None where nothing was answered aloud."""
    taken = [
        seen.voice_to_voice_ms for result in results for seen in result.turns if seen.voice_to_voice_ms is not None
    ]
    return median_high(taken) if taken else None


def flags(whys: Sequence[Why], seconds: float) -> list[Flag]:
    """Failures that have a moment, each in the first row in which its words and its time stand free."""
    taken: list[list[Span]] = []
    placed: list[Flag] = []
    for number, why in enumerate(whys, 1):
        if not why.moments_s:
            continue
        start, end = why.moments_s[0][0] / seconds, why.moments_s[-1][1] / seconds
        words = (len(why.what) + 4) * _LETTER
        leftward = start + words > 1 and start > words
        span = (start - words, max(end, start + _LETTER * 3)) if leftward else (start, max(end, start + words))
        free = (row for row, spans in enumerate(taken) if not any(overlap(span, one) for one in spans))
        row = next(free, len(taken))
        if row == len(taken):
            taken.append([])
        taken[row].append(span)
        placed.append(Flag(number, why, row, leftward))
    return placed


def _drawn(wave: Wave, voice: str) -> Markup:
    parts = ((wave.rest, "room"), (wave.voice, voice), (wave.wrong, "wrong"))
    return Markup("").join(Markup(_path(columns, style)) for columns, style in parts)


def _path(columns: list[tuple[float, float]], style: str) -> str:
    louder = [(column, peak**_EXPONENT) for column, peak in columns]
    return waveform(louder, 0.0, _WAVE_HEIGHT / 2, _WAVE_HEIGHT * 0.46, f"w-{style}")


def _ticks(seconds: float) -> list[float]:
    """Moments with a number under them, about a dozen."""
    step = next((step for step in (1, 2, 5, 10, 20, 60, 120, 300) if seconds / step <= 14), 600)
    return [float(second) for second in range(0, int(seconds) + 1, step)]
