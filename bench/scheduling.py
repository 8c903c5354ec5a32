"""Whose step of inference is next: what the priorities are worth.

    python bench/scheduling.py [--json FILE]

One talk in virtual time, on models that do nothing but cost: a question is answered with a long reply; somebody says
"mm" to it, and interrupts it, with a pause in the middle, so that a turn is held, dropped, and held again. It is held
by three rules, under the agreed costs and under costs like those of two x86-64 cores:

    priorities   first audio, playback, tokens, held work: as the assistant does
    in turn      every job a step, one after another
    first come   the oldest job goes on as long as it can: what one lock around each model's call gives
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parent.parent / "tests"))  # the fakes are the tests' own

from fakes import FakeTranscriber
from talks import Talk

from assistant.config import Costs
from assistant.messages import Priority, Samples, Step, Steps, Transcript, Work
from assistant.metrics import Span, TurnRecord
from assistant.schedule import Job, Schedule
from assistant.simulation.inference import SimulatedInference

COSTS = {
    "agreed": (),
    "two cores": (
        "whisper_encoder_ms_per_s_of_context=35",
        "whisper_token_ms=25",
        "chat_prefill_ms_per_token=4",
        "chat_token_ms=60",
        "voice_fixed_ms=250",
        "voice_ms_per_s=600",
    ),
}
"""Two cores: SmolLM2-135M, Whisper tiny.en and Kokoro in float32, of the order measured there."""

_LONG = " ".join(f"This is sentence number {number} of a reply that goes on." for number in range(1, 21))
_SHORT = "It is the other one. You are welcome to ask again. I am here."
_ENOUGH_S = 60.0


class InTurn(Schedule):
    """Knows no priorities."""

    def choose(self, ready: Sequence[Job[Any]]) -> Job[Any]:
        """The one that has waited longest."""
        return min(ready, key=lambda job: job.served)


class FirstCome(Schedule):
    """Nor this."""

    def choose(self, ready: Sequence[Job[Any]]) -> Job[Any]:
        """The oldest."""
        return ready[0]


RULES: dict[str, type[Schedule]] = {"priorities": Schedule, "in turn": InTurn, "first come": FirstCome}


class Ears(FakeTranscriber):
    """A pass of the encoder, then a token for each word."""

    def transcribe(self, samples: Samples, language: str = "") -> Steps[Transcript]:
        """See ports.Transcriber."""
        yield Step((Work("whisper_encoder", 10),))
        transcript = self.says[len(samples)]
        for _ in transcript.text.split():
            yield Step((Work("whisper_token", 1),))
        yield Step((Work("whisper_token", 1),), (transcript,))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the talk went under one rule and one set of costs; milliseconds."""

    costs: str
    rule: str
    first_audio: int
    """Of the long reply, after the question's last voiced sample."""
    starved: int
    """Silence inside what was heard of it beyond the gaps that are meant and the "mm", when it was hushed."""
    hushed: int
    """How long the "mm" silenced it."""
    interruption: int
    """From the end of what interrupted it to the first audio of the answer."""
    longest_waits: dict[str, int]
    """By priority: the longest that a step waited for others. Tokens and what is read ahead are left out: they wait
    for room and for each other, as they should."""


def outcome(costs: str, rule: str) -> Outcome:
    """Hold the talk."""

    def infer(chosen: Costs) -> SimulatedInference:
        return Ruled(chosen, RULES[rule]())

    talk = Talk([_LONG, _SHORT], [f"simulation.costs.{setting}" for setting in COSTS[costs]], infer=infer)
    talk.transcriber = Ears()
    talk.says(1.0, 3.0, "tell me something long")
    talk.says(16.0, 16.3, "mm")
    talk.starts(24.0)
    talk.pauses(talk.utterance(24.0, 25.0, "no wait"))
    talk.resumes(25.6, 600)
    whole = talk.utterance(24.0, 27.0, "no wait what about the other one instead")
    talk.pauses(whole)
    talk.ends(whole)
    talk.run(_ENOUGH_S)
    long, other = (turn for turn in talk.turns if turn.sounded)
    hushed = [(pause.start_s, pause.end_s) for pause in long.pauses if pause.end_s is not None]
    return Outcome(
        costs,
        rule,
        first_audio=_first_audio_ms(long),
        starved=round(1000 * _starved_s(long.sounded, hushed)),
        hushed=round(1000 * sum(end_s - start_s for start_s, end_s in hushed)),
        interruption=_first_audio_ms(other),
        longest_waits=_longest_waits(talk.inference),
    )


class Ruled(SimulatedInference):
    """With another schedule."""

    def __init__(self, costs: Costs, schedule: Schedule) -> None:
        super().__init__(costs)
        self._schedule = schedule


def _first_audio_ms(turn: TurnRecord) -> int:
    return round(1000 * (turn.sounded[0][0] - turn.speech_end_s))


def _starved_s(sounded: Sequence[Span], hushed: Sequence[Span], meant_s: float = 0.3) -> float:
    gaps = ((before[1], after[0]) for before, after in itertools.pairwise(sounded))
    unasked = [gap for gap in gaps if not any(start_s < gap[1] and gap[0] < end_s for start_s, end_s in hushed)]
    return sum(max(end_s - start_s - meant_s, 0.0) for start_s, end_s in unasked)


def _longest_waits(inference: SimulatedInference) -> dict[str, int]:
    waits: dict[str, int] = {}
    for step in inference.log:
        if step.priority not in (Priority.FIRST_AUDIO, Priority.PLAYBACK, Priority.HELD):
            continue
        name = Priority(step.priority).name.lower().replace("_", " ")
        waits[name] = max(waits.get(name, 0), round(1000 * step.queued_s))
    return waits


def table(outcomes: Sequence[Outcome]) -> str:
    """All of them, a line each."""
    lines = [
        f"{'costs':<10}{'rule':<12}{'first audio':>12}{'starved':>9}{'hushed':>8}{'interruption':>14}"
        "  longest wait of a step, ms"
    ]
    for one in outcomes:
        waits = ", ".join(f"{name} {ms}" for name, ms in sorted(one.longest_waits.items()))
        lines.append(
            f"{one.costs:<10}{one.rule:<12}{one.first_audio:>12}{one.starved:>9}{one.hushed:>8}"
            f"{one.interruption:>14}  {waits}"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Hold all talks and print them."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    given = arguments.parse_args()
    outcomes = [outcome(costs, rule) for costs in COSTS for rule in RULES]
    sys.stdout.write(table(outcomes))
    if given.json:
        given.json.write_text(json.dumps([asdict(one) for one in outcomes], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
