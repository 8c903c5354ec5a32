"""Recordings and typed lines as dialogues, played by the runner of dialogues."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path

from assistant.audio.vad import voiced_span
from assistant.audio.wav import read_wav
from assistant.config import Config
from assistant.dialogue.load import Dialogue, Recording
from assistant.dialogue.result import Performance
from assistant.dialogue.runner import run_dialogue
from assistant.dialogue.script import Entry, Script
from assistant.dialogue.stage import LoadModels
from assistant.errors import AudioError
from assistant.messages import MIC_RATE_HZ
from assistant.simulation.clock import ClockMode

RECORDINGS = Path(__file__).parent.parent / "demo"
"""Four utterances of 2 to 10 s that come with the program."""

_LINES = (
    "Hello, who are you?",
    "What is the capital of France?",
    "Tell me about the sea.",
    "How many days has a week?",
    "What do you do in the morning?",
    "Name a colour that you like.",
    "What is two and two?",
    "Say something kind.",
    "Where do birds sleep?",
    "What should I cook tonight?",
)
"""Typed again and again: what is asked does not matter, that every prompt is longer than the one before does."""
_SHORT_REPLY = 8
"""Tokens, so that a talk of 30 turns is over soon: only the first is waited for."""
_TIMEOUT_MS = 600_000
"""A slow machine takes its time, which is what is measured."""


def find_recordings(paths: Iterable[Path]) -> list[Path]:
    """The WAV files meant: as given, and those that lie in folders at any depth, by path.

    Raises:
        AudioError: A path is missing, or a folder has no WAV file.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(file for file in path.rglob("*") if file.suffix.lower() == ".wav" and file.is_file())
        if not inside:
            raise AudioError(f"The folder {path} has no recording (*.wav) in it; give another.")
        found += inside
    return list(dict.fromkeys(found))


def utterances(files: Sequence[Path], config: Config) -> list[Dialogue]:
    """Dialogues of one entry each: a recording is played, and answered, over headphones in a silent room.

    They are named like their files, with folders where two have the same name.

    Raises:
        AudioError: A file cannot be read, or nobody speaks in it.
    """
    names = [file.name for file in files]
    return [_utterance(file, file.name if names.count(file.name) == 1 else file.as_posix(), config) for file in files]


def _utterance(file: Path, name: str, config: Config) -> Dialogue:
    samples = read_wav(file)
    voiced = voiced_span(samples)
    if voiced is None:
        raise AudioError(f"{file} has no speech in it; leave it out.")
    script = Script(name=name, turns=[Entry(user=file.as_posix())], timeout_ms=_TIMEOUT_MS, settle_ms=0)
    recording = Recording(samples, (voiced[0] / MIC_RATE_HZ, voiced[1] / MIC_RATE_HZ))
    return Dialogue(file, script, config, {0: recording})


def typed_talk(turns: int, config: Config) -> Dialogue:
    """A talk of so many typed lines, answered shortly."""
    short = config.chat.model_copy(update={"max_tokens": min(config.chat.max_tokens, _SHORT_REPLY)})
    entries = [Entry(type=_LINES[index % len(_LINES)]) for index in range(turns)]
    script = Script(name="typed", turns=entries, timeout_ms=_TIMEOUT_MS, settle_ms=0)
    return Dialogue(Path("typed"), script, config.model_copy(update={"chat": short}), {})


def perform(
    dialogues: Sequence[Dialogue],
    repeat: int,
    clock: ClockMode,
    load: LoadModels,
    begins: Callable[[Dialogue, int], None],
) -> Generator[Performance]:
    """Run every dialogue so often, round after round, so that a machine that slows down slows them all.

    After Ctrl-C the unfinished one is the last.

    Args:
        dialogues: All there are.
        repeat: How many rounds.
        clock: Only `measured` and `real` tell of this machine.
        load: Gives the models, from `runner.model_loader`.
        begins: Told of each dialogue, and its round, before it is run.

    Raises:
        ModelError: A model is not there.
        InferenceError: A model failed.
    """
    for run in range(repeat):
        for dialogue in dialogues:
            begins(dialogue, run)
            performance = run_dialogue(dialogue, run, clock, load)
            yield performance
            if performance.trace.stopped:
                return
