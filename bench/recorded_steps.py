"""Hand-written models whose steps take as long as steps of real ones took, and texts to say by them."""

from __future__ import annotations

import json
import platform
import random
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, linear_regression

import numpy as np

from assistant import config as configuration
from assistant.messages import (
    ChatMessage,
    Fragment,
    ReplyPiece,
    Samples,
    SpeechAudio,
    Step,
    Steps,
    Transcript,
    WordTime,
    Work,
)
from assistant.simulation.inference import SimulatedInference
from assistant.text.duration import spoken_seconds
from assistant.text.fragments import fragments_of

HERE = Path(__file__).parent
RATE_HZ = 1000
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

    rate_hz = RATE_HZ
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
        edges = np.linspace(0, round(sound_s * RATE_HZ), len(fragment.words) + 1).astype(int).tolist()
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
