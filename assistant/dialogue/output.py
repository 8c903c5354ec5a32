"""Writes what a run leaves behind: the JSON result, and what both sides sounded like."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import soxr

from assistant import files
from assistant.audio.wav import write_wav
from assistant.config import Config
from assistant.dialogue.formats import as_json, as_junit
from assistant.dialogue.report.report import Report
from assistant.dialogue.result import DialogueResult, Performance, costs_charged, models_used
from assistant.dialogue.sweep import points
from assistant.dialogue.sweep_plot import plot
from assistant.dialogue.trace import Trace
from assistant.errors import AssistantError
from assistant.messages import MIC_RATE_HZ, Samples
from assistant.simulation.clock import ClockMode

STANDARD_OUTPUT = Path("-")
_LONGEST_NAME = 60
"""Characters, of up to four bytes; a file's name has 255. A sweep over prompts makes long ones."""


class Outputs:
    """Results so far, and where they are to go.

    Args:
        config: Without any script's own.
        clock: That of all dialogues.
        json_file: For the result; "-" is standard output.
        audio_folder: For one stereo WAV per dialogue; made if it is not there.
        junit_file: For the result as JUnit XML.
        html_file: For the report.
        plot_file: For the picture of a sweep.

    Raises:
        AssistantError: One of them cannot be written to; better known now than after the run.
    """

    def __init__(
        self,
        config: Config,
        clock: ClockMode,
        json_file: Path | None,
        audio_folder: Path | None,
        junit_file: Path | None = None,
        html_file: Path | None = None,
        plot_file: Path | None = None,
    ) -> None:
        self.results: list[DialogueResult] = []
        self.steps_kept = self.steps_made = 0
        self._config = config
        self.clock = clock
        self._json_file = json_file
        self._audio_folder = audio_folder
        self._junit_file = junit_file
        self._html_file = html_file
        self._plot_file = plot_file
        self._report = Report()
        self._names: set[str] = set()
        if audio_folder is not None:
            with _sentence(audio_folder):
                audio_folder.mkdir(parents=True, exist_ok=True)
        if STANDARD_OUTPUT in (junit_file, html_file, plot_file):
            raise AssistantError("Only the JSON goes to standard output (-); give the other outputs a file.")
        check_writable(json_file, junit_file, html_file, plot_file)

    def add(self, performance: Performance) -> None:
        """Keep a dialogue's result, and write its sound at once."""
        self.results.append(performance.result)
        self.steps_kept += performance.steps_kept
        self.steps_made += performance.steps_made
        if self._html_file is not None:
            self._report.add(performance)
        if self._audio_folder is not None:
            write_audio(performance, self._audio_folder / f"{self._file_name(performance.result.label)}.wav")

    def write(self, complete: bool) -> None:
        """Write the JSON, the JUnit XML, the report and the picture of a sweep.

        Args:
            complete: Whether every dialogue was run to its end; what was not has not passed.
        """
        models, costs, sweep = models_used(self._config), costs_charged(self._config, self.clock), points(self.results)
        wanted: list[tuple[Path | None, Callable[[], str]]] = [
            (self._plot_file if sweep else None, lambda: plot(sweep)),
            (self._html_file, lambda: self._report.html(models, complete, self.steps_kept, self.steps_made)),
            (self._junit_file, lambda: as_junit(self.results)),
            (self._json_file, lambda: as_json(self.results, costs, models, complete)),
        ]
        with ExitStack() as writing:  # one that cannot be written costs none of the others
            for path, text in wanted:
                if path is not None:
                    writing.callback(write_json, path, text())

    def _file_name(self, name: str) -> str:
        stem = re.sub(r"[^\w.-]+", "-", name).strip("-.")[:_LONGEST_NAME] or "dialogue"
        unique, count = stem, 1
        while unique.casefold() in self._names:
            count += 1
            unique = f"{stem}-{count}"
        self._names.add(unique.casefold())
        return unique


def check_writable(*files: Path | None) -> None:
    """Raise an AssistantError if a file that was asked for cannot be written: better known now than after the run."""
    wanted = [file for file in files if file is not None]
    for index, file in enumerate(wanted):
        if file.resolve() in [other.resolve() for other in wanted[:index]]:
            raise AssistantError(f"{file} is given for two outputs; give each a file of its own.")
        if file != STANDARD_OUTPUT:
            with _sentence(file):
                file.open("a").close()


def write_audio(performance: Performance, path: Path) -> None:
    """Write both sides of a dialogue as a stereo WAV; its folder is made if it is not there."""
    with _sentence(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_wav(path, stereo(performance.trace), performance.trace.speaker_rate_hz)


def stereo(trace: Trace) -> Samples:
    """What the microphone heard and what the loudspeaker played, (n, 2) float32 at the loudspeaker's rate."""
    heard = soxr.resample(trace.microphone, MIC_RATE_HZ, trace.speaker_rate_hz)
    both = np.zeros((max(len(heard), len(trace.loudspeaker)), 2), np.float32)
    both[: len(heard), 0] = heard
    both[: len(trace.loudspeaker), 1] = trace.loudspeaker
    return both


def write_json(path: Path, text: str) -> None:
    """`write_whole`, or to standard output where the path is "-"."""
    if path == STANDARD_OUTPUT:
        sys.stdout.buffer.write(text.encode())  # whatever the terminal's encoding
        sys.stdout.flush()
    else:
        write_whole(path, text)


def write_whole(path: Path, text: str) -> None:
    """`files.write_whole`, with a sentence for whoever gave the path.

    Raises:
        AssistantError: It cannot be written.
    """
    with _sentence(path):
        files.write_whole(path, text)


@contextmanager
def _sentence(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AssistantError(f"{path} cannot be written: {error.strerror}; give another path.") from None
