"""Recordings and typed lines as dialogues, played by the runner of dialogues."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from assistant.app import Models
from assistant.audio.vad import voiced_span
from assistant.audio.wav import read_wav
from assistant.bench.peer import PeerTurn, run_peer
from assistant.bench.turns import LeftOut, MeasuredTurn, TypedTurn, left_out, measured_turn, typed_turns
from assistant.config import Config
from assistant.dialogue.load import Dialogue, Recording
from assistant.dialogue.runner import model_loader, run_dialogue
from assistant.dialogue.script import Entry, Script
from assistant.errors import AudioError
from assistant.messages import MIC_RATE_HZ, Fragment, SpeechAudio, Step, Steps, WordTime
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
_TYPING_MS = 5000
"""What a line takes to be typed; with none, the model has no time in which to read what the next prompt begins with."""
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
    entries = [Entry(type=_LINES[index % len(_LINES)], after_ms=_TYPING_MS) for index in range(turns)]
    script = Script(name="typed", turns=entries, timeout_ms=_TIMEOUT_MS, settle_ms=0)
    return Dialogue(Path("typed"), script, config.model_copy(update={"chat": short}), {})


@dataclass(slots=True)
class Measured:
    """What a bench found so far."""

    turns: list[MeasuredTurn] = field(default_factory=list)
    typed: list[TypedTurn] = field(default_factory=list)
    peers: list[PeerTurn] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    peers_left_out: list[LeftOut] = field(default_factory=list)
    complete: bool = False
    """Whether every run came to its end."""


def measure(
    dialogues: Sequence[Dialogue],
    talks: Sequence[Dialogue],
    repeat: int,
    clock: ClockMode,
    with_peer: bool,
    begins: Callable[[str], None],
) -> Measured:
    """Run everything so often, round after round, so that a machine that slows down slows it all.

    Args:
        dialogues: From `utterances`.
        talks: From `typed_talk`.
        repeat: How many rounds.
        clock: Only `measured` and `real` tell of this machine.
        with_peer: Play each utterance to mlx-audio's VoicePipeline too, right after it was answered.
        begins: Told what is run, before it is.

    Returns:
        All that was measured; after Ctrl-C what there was by then.

    Raises:
        ModelError: A model is not there.
        InferenceError: A model failed.
        AssistantError: The peer cannot be used here.
    """
    found, load = Measured(), model_loader(clock)
    for run in range(repeat):
        for dialogue in dialogues:
            begins(f"round {run + 1} of {repeat}: {dialogue.name}")
            performance = run_dialogue(dialogue, run, clock, load)
            if performance.trace.stopped:
                return found
            turn = measured_turn(performance)
            if turn is None:
                found.left_out.append(left_out(performance))
            else:
                found.turns.append(turn)
            if with_peer:
                begins(f"round {run + 1} of {repeat}: {dialogue.name}, played to the peer")
                peer = run_peer(dialogue, run, clock, load)
                if peer is None:
                    return found
                if isinstance(peer, PeerTurn):
                    found.peers.append(peer)
                else:
                    found.peers_left_out.append(peer)
        for talk in talks:
            begins(f"round {run + 1} of {repeat}: {len(talk.script.turns)} lines typed")
            performance = run_dialogue(talk, run, clock, lambda config: _voiceless(load(config)))
            if performance.trace.stopped:
                return found
            found.typed += typed_turns(performance)
    found.complete = True
    return found


class _Mute:
    """Makes no sound of anything (ports.Synthesizer): of a talk that times first tokens the voice is no part."""

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.speed = 1.0

    def synthesize(self, fragment: Fragment) -> Steps[SpeechAudio]:
        """See ports.Synthesizer."""
        times = tuple(WordTime(0, 0, word.end) for word in fragment.words)
        yield Step((), (SpeechAudio(np.zeros(0, np.float32), times, fragment),))


def _voiceless(models: Models) -> Models:
    return replace(models, synthesizer=_Mute(models.synthesizer.rate_hz))
