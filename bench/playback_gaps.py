"""Whether the loudspeaker ever waits for the models, inside a sentence or between two.

    python bench/playback_gaps.py                      100 replies for each real-time factor, with and without the plan
    python bench/playback_gaps.py --json gaps.json
    python bench/playback_gaps.py --record             takes the steps anew, on the real models; two minutes

The replies of replies.txt are said by the real turn, one after the other, in virtual time. What a step takes, and how
long a text sounds, is drawn from steps that real models took (recorded_steps.json says where), scaled to a real-time
factor: seconds of the language model and the voice for a second of speech. Exit status 1 if there was a gap that may
not be: any at a factor of 0.5 or less, else one inside a sentence.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

import anyio
from recorded_steps import HERE, RATE_HZ, Listener, Recorded, TimedInference, Voice, Writer, record, recorded, replies

from assistant import config as configuration
from assistant import turn as turns
from assistant.audio.speaker import Speaker
from assistant.clock import TalkClock
from assistant.config import Config
from assistant.conversation import Conversation
from assistant.history import History
from assistant.messages import Fragment, LineTyped, Priority, SpeechAudio, SpokenWord, TurnEvent
from assistant.next_prompt import NextPrompt
from assistant.pacing import Pace
from assistant.parts import Parts
from assistant.simulation import clock as virtual
from assistant.text.cuts import Aim, EarlyThenWhole

FACTORS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
NONE_UP_TO = 0.5
_TICK_S = 0.01
_DEVICE_S = 0.02
_AUDIBLE_S = 0.02
"""Shorter waits than two blocks of the device are none."""


class Unplanned:
    """As Pace, but blind to time: what was done before there was a plan."""

    def __init__(self, speech: configuration.Speech, *_: object) -> None:
        self._plan = EarlyThenWhole(speech)

    def aim(self, written_s: float, inside: bool) -> Aim:
        """See Pace."""
        return self._plan.aim(written_s, inside)

    def cut(self, seconds: float, ends_sentence: bool) -> None:
        """See Pace."""
        self._plan.cut(seconds, ends_sentence)

    def token(self) -> None:
        """See Pace."""

    def finish(self) -> None:
        """See Pace."""

    def must_know_more(self, sound_s: float) -> bool:
        """See Pace."""
        return False

    def delay_s(self, sound_s: float) -> float:
        """See Pace."""
        return 0.0

    def spoken(self, sound_s: float) -> None:
        """See Pace."""


@dataclass(frozen=True, slots=True)
class Waits:
    """What the loudspeaker waited for at one real-time factor; seconds are totals over the replies."""

    factor: float
    planned: bool
    replies: int = 0
    fragments: int = 0
    inside: int = 0
    """Gaps inside sentences."""
    inside_s: float = 0.0
    between: int = 0
    """Gaps between sentences, beyond the pause that belongs there."""
    between_s: float = 0.0
    delayed: int = 0
    """Replies that were ready and did not start at once."""
    delay_s: float = 0.0
    first_audio_s: tuple[float, ...] = field(default=(), repr=False)

    @property
    def allowed(self) -> bool:
        """No gap is where it may not be."""
        return not self.inside and (self.factor > NONE_UP_TO or not self.between)


class WatchedSpeaker(Speaker):
    """Notes how long the loudspeaker had nothing to play."""

    def __init__(self, settings: configuration.Playback) -> None:
        super().__init__(RATE_HZ, settings)
        self.before: Fragment | None = None
        self.pushes: list[tuple[Fragment | None, float]] = []
        """The fragment before, None at the start, and how much longer than its gap the silence after it was."""

    def begin(self) -> None:
        """See Playback."""
        super().begin()
        self.before = None

    def push(self, audio: SpeechAudio, gap_ms: float = 0, delay_ms: float = 0) -> None:
        """See Playback."""
        dry_s = 0.0 if self.before is None or self.queued_s else max(self._silent / RATE_HZ - gap_ms / 1000, 0.0)
        self.pushes.append((self.before, dry_s + delay_ms / 1000))
        self.before = audio.fragment
        super().push(audio, gap_ms, delay_ms)


def waits(
    texts: Sequence[str], steps: Recorded, factor: float, planned: bool = True, settings: Sequence[str] = ()
) -> Waits:
    """Say the texts, one reply after the other in one talk.

    Args:
        texts: The replies.
        steps: What steps take, before they are scaled.
        factor: Seconds of both models for a second of speech.
        planned: With the plan, or as it was without one.
        settings: For the configuration.
    """
    turns.Pace = Pace if planned else Unplanned  # type: ignore[assignment, attr-defined]
    try:
        config = configuration.load("small", settings=settings)
        return virtual.run(lambda: _talk(texts, steps, factor, planned, config), "simulated")
    finally:
        turns.Pace = Pace  # type: ignore[attr-defined]


async def _talk(texts: Sequence[str], steps: Recorded, factor: float, planned: bool, config: Config) -> Waits:
    clock, inference = TalkClock(), TimedInference(config.simulation.costs)
    speaker, scale = WatchedSpeaker(config.playback), factor / steps.factor
    voice, writer, history = Voice(steps, scale), Writer(texts, steps, scale), History("", clock)
    parts = Parts(
        config=config, clock=clock, inference=inference, transcriber=Listener(), chat=writer, synthesizer=voice,
        speaker=speaker, history=history, next_prompt=NextPrompt(writer, inference, history), changed=lambda _: None,
    )  # fmt: skip
    send, inbox = anyio.create_memory_object_stream[TurnEvent](8)
    conversation = Conversation(parts, inbox)
    hello = Fragment((SpokenWord("hello", 0, 5, "."),), 0, 6, True)
    async with inference.run(voice.synthesize(hello), lambda: Priority.HELD) as warmed:
        async for _ in warmed:
            pass
    first_audio_s, held_back_s = [], []
    async with send, anyio.create_task_group() as tasks:
        tasks.start_soon(conversation.run)
        tasks.start_soon(_play, speaker)
        for _ in texts:
            await send.send(LineTyped("Go on."))
            await anyio.sleep(_TICK_S)
            while not conversation.idle:
                await conversation.wait_changed()
            turn = conversation.turns[-1]
            assert turn.first_fragment_s is not None
            first_audio_s.append(turn.sounded[0][0] - turn.opened_s)
            held_back_s.append(turn.sounded[0][0] - turn.first_fragment_s - _DEVICE_S)
        tasks.cancel_scope.cancel()
    starts = [late_s for late_s in held_back_s if late_s >= _AUDIBLE_S]
    late = [(before, late_s) for before, late_s in speaker.pushes if before is not None and late_s >= _AUDIBLE_S]
    inside = [late_s for before, late_s in late if not before.ends_sentence]
    between = [late_s for before, late_s in late if before.ends_sentence]
    return Waits(
        factor, planned, len(texts), len(speaker.pushes), len(inside), sum(inside), len(between), sum(between),
        len(starts), sum(starts), tuple(first_audio_s),
    )  # fmt: skip


async def _play(speaker: Speaker) -> None:
    loop, tick = asyncio.get_running_loop(), 0
    began_s = loop.time()
    while True:
        speaker.pull(round(RATE_HZ * _TICK_S), loop.time() + _DEVICE_S)
        tick += 1
        await anyio.sleep(began_s + tick * _TICK_S - loop.time())


def _line(found: Waits) -> str:
    ordered = sorted(found.first_audio_s)
    return (
        f"{found.factor:6.2f}  {'plan' if found.planned else '-':4}  {found.fragments:9}  "
        f"{found.inside:4} {found.inside_s:7.2f} s  {found.between:4} {found.between_s:7.2f} s  "
        f"{found.delayed:4} {found.delay_s:7.2f} s  "
        f"{median(ordered):6.2f} s {ordered[round(0.9 * (len(ordered) - 1))]:6.2f} s\n"
    )


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--factors", type=float, nargs="+", default=FACTORS)
    parser.add_argument("--steps", type=Path, default=HERE / "recorded_steps.json", help="what real steps took")
    parser.add_argument("--record", action="store_true", help="take them anew")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="of the configuration")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.record:
        record(arguments.steps, fragments=16, tokens=60)
    steps, texts = recorded(arguments.steps), replies()
    sys.stdout.write(f"{steps.how}; as recorded the real-time factor is {steps.factor:.2f}\n")
    sys.stdout.write(
        "factor        fragments  gaps inside      between       delayed start  first audio: median, p90\n"
    )
    found = []
    for factor in arguments.factors:
        for planned in (False, True):
            found.append(waits(texts, steps, factor, planned, arguments.set))
            sys.stdout.write(_line(found[-1]))
            sys.stdout.flush()
    if arguments.json is not None:
        plain = {"steps": steps.how, "waits": [asdict(one) for one in found]}
        arguments.json.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    return 0 if all(one.allowed for one in found if one.planned) else 1


if __name__ == "__main__":
    sys.exit(main())
