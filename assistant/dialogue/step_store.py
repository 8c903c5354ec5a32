"""Steps of models kept from one run to the next, so that an edit to turn taking replays a suite in seconds.

A step's cost under the `simulated` clock is agreed, so a kept step is as good as a new one. What is
kept is found by everything that it was made from: weights, library versions, this package's own
model code, the processor, settings, and the input. There is nothing in the store that a model did not make.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol, TypeVar
from zipfile import BadZipFile

import numpy as np

from assistant.errors import AssistantError
from assistant.files import write_whole
from assistant.messages import Fragment, ReplyPiece, Samples, SpeechAudio, Step, Steps, Transcript, WordTime, Work

T = TypeVar("T")

_LIBRARIES = "mlx", "mlx-audio", "mlx-lm", "mlx-whisper", "numpy", "tokenizers", "transformers"
_MOST_BYTES = 2 * 2**30
_FORMAT = 1
_CODE = Path(__file__).parent.parent / "models"
_JUDGE = "verdict.py"


@dataclass(slots=True)
class Kept:
    """The first steps of a piece of work, or all of them."""

    steps: list[Step[Any]]
    complete: bool


class Codec(Protocol[T]):
    """How a model's results are written down."""

    def encode(self, value: T) -> tuple[Any, Samples | None]:
        """What JSON can hold of it, and its sound."""

    def decode(self, plain: Any, samples: Samples | None) -> T:
        """The same again."""


class StepStore:
    """A folder of kept steps, one file for each piece of work.

    Args:
        folder: None is `$ASSISTANT_STEPS`, or else `~/.cache/assistant/steps`.
    """

    def __init__(self, folder: Path | None = None) -> None:
        home = os.environ.get("ASSISTANT_STEPS") or Path.home() / ".cache" / "assistant" / "steps"
        self.folder = folder or Path(home)
        self.kept = 0
        """Steps that came from the store."""
        self.made = 0
        """Steps that a model took."""

    def steps(self, key: str, codec: Codec[T], make: Callable[[], Steps[T]]) -> Steps[T]:
        """The steps of a piece of work: as far as they are kept from the store, the others made, and kept.

        Args:
            key: A digest of all that the steps are made from.
            codec: For the results.
            make: Begins the work itself, from its first step.

        Raises:
            AssistantError: They cannot be kept.
        """
        kept = self._read(key, codec) or Kept([], False)
        for step in kept.steps:
            self.kept += 1
            yield step
        if not kept.complete:
            yield from self._make(key, codec, make, kept)

    def _make(
        self, key: str, codec: Codec[T], make: Callable[[], Steps[T]], kept: Kept
    ) -> Generator[Step[T], None, None]:
        known, steps, complete = len(kept.steps), make(), False
        made: list[Step[T]] = []
        try:
            for step in steps:
                made.append(step)
                self.made += 1
                if len(made) > known:
                    yield step
            complete = True
        finally:
            steps.close()
            if complete or len(made) > known:
                self._write(key, codec, Kept(made, complete))

    def number(self, key: str, make: Callable[[], int]) -> int:
        """A number that is kept like a step.

        Raises:
            AssistantError: It cannot be kept.
        """
        path = self._path(key).with_suffix(".txt")
        try:
            return int(path.read_text())
        except (OSError, ValueError):
            number = make()
            with self._writing(path):
                write_whole(path, str(number))
            return number

    def prune(self) -> None:
        """Drop the files not used for longest, above 2 GB."""
        files = sorted(((file.stat(), file) for file in self.folder.glob("*/*.npz")), key=lambda one: -one[0].st_mtime)
        total = 0
        for status, file in files:
            total += status.st_size
            if total > _MOST_BYTES:
                file.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.npz"

    def _read(self, key: str, codec: Codec[Any]) -> Kept | None:
        path = self._path(key)
        try:
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                facts = json.loads(file["facts"].tobytes())
                steps = [_decode(step, codec, file) for step in facts["steps"]]
        except (OSError, ValueError, KeyError, EOFError, BadZipFile, RuntimeError):  # none, half a file, another format
            return None
        with suppress(OSError):  # a store that may only be read serves as well
            os.utime(path)
        return Kept(steps, facts["complete"])

    def _write(self, key: str, codec: Codec[Any], kept: Kept) -> None:
        sounds: dict[str, Samples] = {}
        facts = {"complete": kept.complete, "steps": [_encode(step, codec, sounds) for step in kept.steps]}
        packed, path = io.BytesIO(), self._path(key)
        np.savez(packed, facts=np.frombuffer(json.dumps(facts).encode(), np.uint8), **sounds)  # type: ignore[arg-type]
        with self._writing(path):
            write_whole(path, packed.getvalue())

    @contextmanager
    def _writing(self, path: Path) -> Generator[None]:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield
        except OSError as error:
            raise AssistantError(
                f"The step store {self.folder} cannot be written: {error.strerror}; "
                "name another folder in ASSISTANT_STEPS, or run with --no-step-store."
            ) from None


def _encode(step: Step[Any], codec: Codec[Any], sounds: dict[str, Samples]) -> Any:
    values = []
    for value in step.values:
        plain, samples = codec.encode(value)
        name = None
        if samples is not None:
            name = f"sound{len(sounds)}"
            sounds[name] = samples
        values.append([plain, name])
    return {"work": [[work.kind, work.amount] for work in step.work], "values": values}


def _decode(plain: Any, codec: Codec[Any], sounds: Any) -> Step[Any]:
    work = tuple(Work(kind, amount) for kind, amount in plain["work"])
    return Step(work, tuple(codec.decode(value, name and sounds[name]) for value, name in plain["values"]))


class Transcripts:
    """Codec of ports.Transcriber."""

    def encode(self, value: Transcript) -> tuple[Any, None]:
        """See Codec."""
        return asdict(value), None

    def decode(self, plain: Any, samples: Samples | None) -> Transcript:
        """See Codec."""
        return Transcript(**plain)


class Pieces:
    """Codec of ports.ChatModel."""

    def encode(self, value: ReplyPiece) -> tuple[Any, None]:
        """See Codec."""
        return [value.text, value.finish], None

    def decode(self, plain: Any, samples: Samples | None) -> ReplyPiece:
        """See Codec."""
        return ReplyPiece(*plain)


class Probabilities:
    """Codec of ports.TurnModel."""

    def encode(self, value: float) -> tuple[Any, None]:
        """See Codec."""
        return value, None

    def decode(self, plain: Any, samples: Samples | None) -> float:
        """See Codec."""
        return float(plain)


class Sounds:
    """Codec of ports.Synthesizer."""

    def __init__(self, fragment: Fragment) -> None:
        self._fragment = fragment

    def encode(self, value: SpeechAudio) -> tuple[Any, Samples]:
        """See Codec."""
        return [[word.start, word.end, word.written_end] for word in value.words], value.samples

    def decode(self, plain: Any, samples: Samples | None) -> SpeechAudio:
        """See Codec."""
        assert samples is not None
        return SpeechAudio(samples, tuple(WordTime(*word) for word in plain), self._fragment)


def digest(*facts: object) -> str:
    """A key of facts that `repr` tells apart; arrays by their bytes."""
    hashed = hashlib.sha256()
    for fact in facts:
        hashed.update(fact.tobytes() if isinstance(fact, np.ndarray) else repr(fact).encode())
        hashed.update(b"\0")
    return hashed.hexdigest()


@cache
def makers() -> str:
    """A digest of what makes steps beside weights, settings and input: libraries, our code, the processor."""
    sources = [source.read_bytes() for source in sorted(_CODE.rglob("*.py")) if source.name != _JUDGE]
    versions = [metadata.version(library) for library in _LIBRARIES]
    return digest(_FORMAT, versions, sources, platform.machine(), _processor())


@cache
def judge_code() -> str:
    """What makes judgements besides; a change of it leaves the steps of talks alone."""
    return digest((_CODE / _JUDGE).read_bytes(), Path(__file__).with_name("reply_judge.py").read_bytes())


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith("model name")), "")
