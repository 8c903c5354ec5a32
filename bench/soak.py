"""A long talk, spoken and typed, interrupted and cut: nothing may pile up.

    python bench/soak.py                  1,000 turns on fakes: tasks, queues, records, memory
    python bench/soak.py --models real    150 turns of short replies on the small models of profile `small`

Recorded people talk to the whole program at a simulated desk, in virtual time. After every tenth turn,
when the talk is idle, everything that could pile up is counted. Exit status 1 if something has, or if
memory grew by 3 % or more after turn 30, by when the context of the small models is full.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import resource
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream

TESTS = Path(__file__).parent.parent / "tests"
sys.path.append(str(TESTS))  # the fakes are the tests' own

from fakes import FakeChat, FakeSynthesizer, FakeTranscriber  # noqa: E402

from assistant import config as configuration  # noqa: E402
from assistant.app import Assistant, Models, load_models  # noqa: E402
from assistant.audio.wav import read_wav  # noqa: E402
from assistant.clock import TalkClock  # noqa: E402
from assistant.history import History  # noqa: E402
from assistant.messages import MIC_RATE_HZ, SpeechAudio, Transcript, Utterance  # noqa: E402
from assistant.metrics import TurnRecord  # noqa: E402
from assistant.schedule import Job  # noqa: E402
from assistant.simulation import clock as virtual  # noqa: E402
from assistant.simulation.desk import SimulatedDesk  # noqa: E402
from assistant.simulation.inference import SimulatedInference  # noqa: E402
from assistant.turn import Turn  # noqa: E402

SETTLED = 30
"""Turns after which a talk is as large as it gets."""
GROWTH = 0.03
_EVERY = 10
_REMEMBERED = 20
_RECORDINGS = ("play_the_beatles", "turn_on_the_lamp", "whats_the_date_today", "set_timer")
_REAL = ("chat.max_tokens=8",)
_MOST_ALIVE = {
    "tasks": 0,
    "queued": 0,
    "jobs": 0,
    "turns": 2,
    "utterances": 2,
    "records": _REMEMBERED + 5,
    "sounds": 70,
}
"""What may be left when the talk is idle; sounds are what playback remembers for the echo's text check."""

_COUNTED = (Job, Turn, Utterance, TurnRecord, SpeechAudio)


@dataclass(frozen=True, slots=True)
class Sample:
    """What there was at a moment at which the talk was idle."""

    turn: int
    rss_kb: int
    tasks: int
    """Beyond those that live as long as the talk."""
    queued: int
    """Items in all memory streams."""
    jobs: int
    turns: int
    utterances: int
    records: int
    sounds: int
    messages: int
    """Of the history."""


def findings(samples: list[Sample]) -> list[str]:
    """What has piled up; empty if nothing has."""
    found = []
    for name, most in _MOST_ALIVE.items():
        worst = max(samples, key=lambda sample: int(getattr(sample, name)))
        if getattr(worst, name) > most:
            found.append(f"{getattr(worst, name)} {name} are left after turn {worst.turn}; {most} may be")
    grown = growth(samples)
    if grown >= GROWTH:
        found.append(f"memory grew by {grown:.1%} after turn {SETTLED}; {GROWTH:.0%} is too much")
    return found


def growth(samples: list[Sample]) -> float:
    """The most that resident memory was above that of turn `SETTLED`, as a part of it."""
    settled = [sample.rss_kb for sample in samples if sample.turn >= SETTLED]
    return max(settled) / settled[0] - 1 if settled else 0.0


def rss_kb() -> int:
    """Resident memory; on macOS the most there has been."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmRSS:")]
        return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def fake_models() -> Models:
    """Models that take no time and remember nothing."""
    transcriber = FakeTranscriber()
    transcriber.says = defaultdict(lambda: Transcript("turn on the lamp"))
    return Models(transcriber, FakeChat(["Yes. It is on. Bye."]), FakeSynthesizer())


class Soak:
    """A talk of so many turns.

    Args:
        models: Real or fake.
        settings: For the configuration, beyond profile `small`.
        spoken_every: One question in so many is spoken, the others are typed: listening takes most of the time.
        seen: Told of each sample.
    """

    def __init__(
        self,
        models: Models,
        settings: tuple[str, ...] = (),
        spoken_every: int = 4,
        seen: Callable[[Sample], None] = lambda _: None,
    ) -> None:
        self._models, self._spoken_every, self._seen = models, spoken_every, seen
        self._config = configuration.load("small", settings=settings)
        self._recordings = [read_wav(TESTS / "speech" / f"rhasspy3_{name}.wav") for name in _RECORDINGS]
        self.ended = 0
        """Turns that were answered."""
        self.samples: list[Sample] = []
        gc.collect()  # what this process held before; kept, so that their ids stay theirs
        self._others = {id(one): one for one in gc.get_objects() if type(one) in _COUNTED}

    def run(self, turns: int) -> None:
        """Talk, in virtual time."""
        virtual.run(lambda: self._run(turns), "simulated")

    async def _run(self, turns: int) -> None:
        clock, self._desk = TalkClock(), SimulatedDesk(recording=False)
        self._inference = SimulatedInference(self._config.simulation.costs)
        self._history = History("Be brief.", clock)
        self._assistant = Assistant(
            self._config, self._desk, self._models, self._inference, clock, self._history,
            changed=self._changed, remembered=_REMEMBERED,
        )  # fmt: skip
        self._clock = clock
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._assistant.run, name="assistant")
            await anyio.sleep(1)
            lasting = len(asyncio.all_tasks())
            while self.ended < turns:
                before = self.ended
                await self._turn(before)
                await self._idle()
                if self.ended == before:
                    raise RuntimeError(f"what was said after turn {before} was not answered")
                self._inference.log.clear()
                if self.ended // _EVERY > before // _EVERY:
                    self._take_sample(lasting)
            tasks.cancel_scope.cancel()

    def _changed(self, record: TurnRecord) -> None:
        if record.state in ("done", "cut"):
            self.ended += 1

    async def _turn(self, number: int) -> None:
        """A question; every third is interrupted by another, by a line or by a key."""
        if number % self._spoken_every == 0:
            await self._say(number)
        else:
            await self._assistant.type("what is the capital of France")
        if number % 3 == 2:
            with anyio.move_on_after(20):
                await self._assistant.speaker.until(lambda: self._assistant.state == "speaking")
                await anyio.sleep(0.3)
                match number % 9:
                    case 2:
                        await self._say(number + 1)
                    case 5:
                        await self._assistant.type("and of Spain")
                    case _:
                        self._assistant.interrupt()

    async def _say(self, number: int) -> None:
        recording = self._recordings[number % len(self._recordings)]
        self._desk.say(recording, self._clock.time_s())
        await anyio.sleep(len(recording) / MIC_RATE_HZ + 0.2)

    async def _idle(self) -> None:
        conversation = self._assistant.conversation
        await anyio.sleep(0.1)
        with anyio.fail_after(60):
            while not conversation.idle:
                await conversation.wait_changed()
        await anyio.sleep(0.1)
        await self._assistant.next_prompt.rest()

    def _take_sample(self, lasting: int) -> None:
        for kept in (getattr(self._models.chat, "told", []), getattr(self._models.transcriber, "heard", [])):
            kept.clear()  # the fakes' own diary
        gc.collect()
        alive = gc.get_objects()

        def count(kind: type) -> int:
            return sum(type(one) is kind and id(one) not in self._others for one in alive)

        streams = [one for one in alive if type(one) is MemoryObjectReceiveStream]
        sample = Sample(
            self.ended,
            rss_kb(),
            len(asyncio.all_tasks()) - lasting,
            sum(stream.statistics().current_buffer_used for stream in streams),
            count(Job),
            count(Turn),
            count(Utterance),
            count(TurnRecord),
            count(SpeechAudio),
            len(self._history.messages()) - 1,
        )
        self.samples.append(sample)
        self._seen(sample)


def main() -> int:
    """Run, print a line for each sample, and say what was found."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--models", choices=("fake", "real"), default="fake")
    arguments.add_argument("--turns", type=int, help="1000 on fakes, 150 on real models if not given")
    arguments.add_argument("--json", type=Path, metavar="FILE", help="write the samples and findings as JSON")
    given = arguments.parse_args()
    real = given.models == "real"
    settings = _REAL if real else ()
    models = load_models(configuration.load("small", settings=settings)) if real else fake_models()
    names = [name for name in Sample.__slots__ if name != "rss_kb"]
    sys.stdout.write("  ".join(["rss MB", *names]) + "\n")

    def show(sample: Sample) -> None:
        counts = (f"{getattr(sample, name):{len(name)}}" for name in names)
        sys.stdout.write("  ".join([f"{sample.rss_kb / 1024:6.1f}", *counts]) + "\n")
        sys.stdout.flush()

    soak = Soak(models, settings, 1 if real else 4, show)
    soak.run(given.turns or (150 if real else 1000))
    found, grown = findings(soak.samples), growth(soak.samples)
    verdict = found or [f"nothing has piled up; memory grew by {grown:.1%} after turn {SETTLED}"]
    sys.stdout.write("\n".join(verdict) + "\n")
    if given.json:
        facts = {"models": given.models, "growth": grown, "findings": found, "samples": list(map(asdict, soak.samples))}
        given.json.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
