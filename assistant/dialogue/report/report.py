"""The page of a whole run: an overview, and every dialogue over its time axis, with its sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median_high
from typing import Any

from markupsafe import Markup

from assistant.dialogue.lanes import lanes, waves
from assistant.dialogue.report.page import render
from assistant.dialogue.report.sound import data_uri, flac
from assistant.dialogue.report.view import describe_room, entries, latencies
from assistant.dialogue.report.why import Why, reasons
from assistant.dialogue.result import DialogueResult, Performance
from assistant.dialogue.svg import waveform

SOUND_BYTES = 40_000_000
"""At most so much sound in one page, failed dialogues first: browsers grow slow beyond 60 MB of text."""

_COLUMNS_PER_S = 60
_MOST_COLUMNS = 6000
_WAVE_HEIGHT = 60


@dataclass(slots=True)
class _Section:
    """A dialogue, drawn."""

    id: str
    result: DialogueResult
    whys: list[Why]
    body: Markup
    sound: bytes

    @property
    def audio(self) -> str | None:
        """None: left out of the page."""
        return data_uri(self.sound) if self.sound else None

    @property
    def median_ms(self) -> int | None:
        """Of voice-to-voice latency."""
        return median_ms([self.result])


class Report:
    """Collects dialogues as they are run, and keeps of each only what the page needs."""

    def __init__(self) -> None:
        self._sections: list[_Section] = []

    def add(self, performance: Performance) -> None:
        """Draw a dialogue."""
        result, trace = performance.result, performance.trace
        whys = reasons(performance)
        seconds = max(trace.seconds, 0.1)
        columns = min(max(round(seconds * _COLUMNS_PER_S), 100), _MOST_COLUMNS)
        body = render(
            "dialogue.html",
            result=result,
            seconds=seconds,
            columns=columns,
            wave_height=_WAVE_HEIGHT,
            waves=[
                (wave.name, Markup(_path(wave.rest, "room")), Markup(_path(wave.voice, ("user", "play")[row])))
                for row, wave in enumerate(waves(performance, columns))
            ],
            lanes=lanes(performance),
            ticks=_ticks(seconds),
            whys=list(zip(range(1, len(whys) + 1), whys, _rows(whys, seconds), strict=True)),
            room=describe_room(performance.dialogue.script),
            entries=list(entries(performance, whys)),
            bars=latencies(performance.dialogue.script, result.turns),
        )
        sound = flac(trace) if len(trace.microphone) else b""
        self._sections.append(_Section(f"d{len(self._sections)}", result, whys, body, sound))

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


def _path(columns: list[tuple[float, float]], style: str) -> str:
    return waveform(columns, 0.0, _WAVE_HEIGHT / 2, _WAVE_HEIGHT * 0.46, f"w-{style}")


def _ticks(seconds: float) -> list[float]:
    """Moments with a number under them, about a dozen."""
    step = next((step for step in (1, 2, 5, 10, 20, 60, 120, 300) if seconds / step <= 14), 600)
    return [float(second) for second in range(0, int(seconds) + 1, step)]


def _rows(whys: Sequence[Why], seconds: float) -> list[int]:
    """In which row over the time axis a failure's number fits beside those before it."""
    rows: list[int] = []
    ends: list[float] = []
    for why in whys:
        at = why.moment_s[0] / seconds if why.moment_s is not None else 0.0
        row = next((row for row, end in enumerate(ends) if at >= end), len(ends))
        if row == len(ends):
            ends.append(0.0)
        ends[row] = at + 0.025
        rows.append(row)
    return rows
