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
import platform
import random
import re
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean, linear_regression, median

import anyio
import numpy as np

from assistant import config as configuration
from assistant import turn as turns
from assistant.audio.speaker import Speaker
from assistant.clock import TalkClock
from assistant.config import Config
from assistant.conversation import Conversation
from assistant.history import History
from assistant.messages import (
    ChatMessage,
    Fragment,
    LineTyped,
    Priority,
    ReplyPiece,
    Samples,
    SpeechAudio,
    SpokenWord,
    Step,
    Steps,
    Transcript,
    TurnEvent,
    WordTime,
    Work,
)
from assistant.next_prompt import NextPrompt
from assistant.pacing import Pace
from assistant.parts import Parts
from assistant.simulation import clock as virtual
from assistant.simulation.inference import SimulatedInference
from assistant.text.cuts import Aim, EarlyThenWhole
from assistant.text.duration import spoken_seconds
from assistant.text.fragments import fragments_of

HERE = Path(__file__).parent
FACTORS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
NONE_UP_TO = 0.5
_RATE_HZ, _TICK_S = 1000, 0.01
_DEVICE_S = 0.02
_AUDIBLE_S = 0.02
"""Shorter waits than two blocks of the device are none."""
_NEAREST = 5
_TOKENS = re.compile(r" ?\w{1,6}|[^\w]")
"""About as many as a tokenizer makes of English."""


def replies() -> list[str]:
    """The replies that come with the bench."""
    return (HERE / "replies.txt").read_text(encoding="utf-8").splitlines()


@dataclass(frozen=True, slots=True)
class Spoken:
    """A fragment that was spoken."""

    estimated_s: float
    """From its text."""
    sound_s: float
    took_s: float


@dataclass(frozen=True, slots=True)
class Recorded:
    """What real steps took."""

    how: str
    voice: tuple[Spoken, ...]
    token_s: tuple[float, ...]
    tokens_per_s: float
    """Of speech."""

    @property
    def factor(self) -> float:
        """Seconds of both models for a second of speech."""
        sound_s = sum(spoken.sound_s for spoken in self.voice)
        return sum(spoken.took_s for spoken in self.voice) / sound_s + self.tokens_per_s * fmean(self.token_s)


def recorded(file: Path = HERE / "recorded_steps.json") -> Recorded:
    """Steps that were taken before."""
    plain = json.loads(file.read_text(encoding="utf-8"))
    voice = tuple(Spoken(*spoken) for spoken in plain["voice"])
    return Recorded(plain["how"], voice, tuple(plain["token_s"]), plain["tokens_per_s"])


@dataclass(frozen=True, slots=True)
class TimedWork(Work):
    """Work of which it is known how long it takes."""

    took_s: float = 0.0


class TimedInference(SimulatedInference):
    """A step costs what its work says."""

    def _charge(self, step: Step[object] | None, took_s: float) -> float:
        return sum(getattr(work, "took_s", 0.0) for work in step.work) if step is not None else 0.0


class Writer:
    """Satisfies ports.ChatModel: writes the replies in order."""

    def __init__(self, texts: Iterable[str], steps: Recorded, scale: float) -> None:
        self._texts, self._steps, self._scale = iter(texts), steps, scale

    def reply(self, messages: Sequence[ChatMessage]) -> Steps[ReplyPiece]:
        """See ports.ChatModel."""
        text = next(self._texts)
        draw = random.Random(text)
        for token in [*_TOKENS.findall(text), ""]:
            took_s = self._scale * draw.choice(self._steps.token_s)
            yield Step((TimedWork("chat_token", 1, took_s),), (ReplyPiece(token, "" if token else "stop"),))

    def prefill(self, messages: Sequence[ChatMessage]) -> Steps[None]:
        """See ports.ChatModel."""
        yield Step()


class Voice:
    """Satisfies ports.Synthesizer: every word takes a part of the sound."""

    rate_hz = _RATE_HZ
    speed = 1.0

    def __init__(self, steps: Recorded, scale: float) -> None:
        self._steps, self._scale = steps, scale
        sounds, took = zip(*((spoken.sound_s, spoken.took_s) for spoken in steps.voice), strict=True)
        self._slope, self._fixed_s = linear_regression(sounds, took)

    def synthesize(self, fragment: Fragment) -> Steps[SpeechAudio]:
        """See ports.Synthesizer."""
        draw, estimated_s = random.Random(fragment.text), spoken_seconds(fragment.words)
        nearest = sorted(self._steps.voice, key=lambda spoken: abs(spoken.estimated_s - estimated_s))[:_NEAREST]
        alike, other = draw.choice(nearest), draw.choice(nearest)
        sound_s = alike.sound_s * estimated_s / alike.estimated_s
        took_s = self._usual_s(sound_s) * other.took_s / self._usual_s(other.sound_s)
        edges = np.linspace(0, round(sound_s * _RATE_HZ), len(fragment.words) + 1).astype(int).tolist()
        times = tuple(
            WordTime(start, end, word.end) for start, end, word in zip(edges, edges[1:], fragment.words, strict=False)
        )
        audio = SpeechAudio(np.full(edges[-1], 0.1, np.float32), times, fragment)
        yield Step((TimedWork("voice", sound_s, self._scale * took_s),), (audio,))

    def _usual_s(self, sound_s: float) -> float:
        return self._slope * sound_s + self._fixed_s


class Listener:
    """Satisfies ports.Transcriber; everything is typed."""

    def transcribe(self, samples: Samples, *_: object) -> Steps[Transcript]:
        """See ports.Transcriber."""
        yield Step(values=(Transcript(""),))


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
        super().__init__(_RATE_HZ, settings)
        self.before: Fragment | None = None
        self.pushes: list[tuple[Fragment | None, float]] = []
        """The fragment before, None at the start, and how much longer than its gap the silence after it was."""

    def begin(self) -> None:
        """See Playback."""
        super().begin()
        self.before = None

    def push(self, audio: SpeechAudio, gap_ms: float = 0, delay_ms: float = 0) -> None:
        """See Playback."""
        dry_s = 0.0 if self.before is None or self.queued_s else max(self._silent / _RATE_HZ - gap_ms / 1000, 0.0)
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
        speaker.pull(round(_RATE_HZ * _TICK_S), loop.time() + _DEVICE_S)
        tick += 1
        await anyio.sleep(began_s + tick * _TICK_S - loop.time())


def record(file: Path, fragments: int, tokens: int) -> None:
    """Take steps of the small models, and keep their processor time on one core, which other load leaves alone."""
    from assistant.app import load_chat, load_voice

    config = configuration.load("small", settings=["runtime.blas_threads=1"])
    cut = [fragment for text in replies() for fragment in fragments_of(text, config.speech)]
    random.Random(0).shuffle(cut)
    voice = load_voice(config)
    spoken, words = [], []
    for index, fragment in enumerate(cut[: fragments + 2]):
        began_s = time.process_time()
        (audio,) = [audio for step in voice.synthesize(fragment) for audio in step.values]
        took_s, sound_s = time.process_time() - began_s, len(audio.samples) / voice.rate_hz
        if index >= 2:  # the first are not yet warm
            spoken.append([round(value, 4) for value in (spoken_seconds(fragment.words), sound_s, took_s)])
            words += _TOKENS.findall(" ".join(word.text for word in fragment.words))
    chat, token_s, began_s = load_chat(config), [], time.process_time()
    questions = (ChatMessage("system", "You tell long stories."), ChatMessage("user", "Tell me a story."))
    for step in chat.reply(questions):
        now_s = time.process_time()
        if [work.kind for work in step.work] == ["chat_token"]:
            token_s.append(round(now_s - began_s, 4))
        began_s = now_s
        if len(token_s) == tokens:
            break
    names = f"{config.models.voice} and {config.models.chat}"
    how = f"{names}, {platform.machine()} {platform.system()}, CPU backend, processor time on one core"
    per_s = round(len(words) / sum(sound_s for _, sound_s, _ in spoken), 3)
    plain = {"how": how, "voice": spoken, "token_s": token_s, "tokens_per_s": per_s}
    file.write_text(json.dumps(plain) + "\n", encoding="utf-8")


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
