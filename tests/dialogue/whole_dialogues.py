"""Scripts run on the real pipeline, with hand-written models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from fakes import FakeChat, FakeSynthesizer

from assistant.cli import dialogue as command_line
from assistant.dialogue import runner
from assistant.dialogue.load import load_dialogues
from assistant.dialogue.result import Performance
from assistant.messages import Samples, Step, Steps, Transcript, Work
from assistant.simulation.clock import ClockMode

SPEECH = Path(__file__).parent.parent / "speech"

TALK = f"""\
config: {{chat: {{max_tokens: 20}}}}
settle_ms: 500
turns:
  - user: {SPEECH}/rhasspy3_set_timer.wav
    expect: {{transcript: set a timer, first_audio_ms: 2500, reply: {{contains_any: [seven]}}}}
  - user: {SPEECH}/rhasspy3_what_time_is_it.wav
    interrupts_after_ms: 700
    expect: {{interrupted: true, stopped_within_ms: 400}}
  - type: and now
expect: {{turns: 2}}
"""


class Hearsay:
    """Understands the same words, whatever was said."""

    def transcribe(self, samples: Samples, language: str = "") -> Steps[Transcript]:
        """See ports.Transcriber."""
        yield Step((Work("whisper_encoder", 10),), (Transcript("set a timer"),))


def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put models that need no weights in the places of the real ones."""
    monkeypatch.setattr(runner, "load_transcriber", lambda config: Hearsay())
    monkeypatch.setattr(runner, "load_chat", lambda *_: FakeChat(["one two three four five six seven eight nine."]))
    monkeypatch.setattr(runner, "load_voice", lambda config: FakeSynthesizer())
    monkeypatch.setattr(command_line, "check_models", lambda config: None)
    monkeypatch.setattr(runner, "load_models", lambda config: runner.Shelf()(config))


def write(folder: Path, name: str, text: str) -> Path:
    """A script."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def run(
    paths: Sequence[Path],
    clock: ClockMode = "simulated",
    progress: Callable[[str, int], None] = lambda name, index: None,
) -> list[Performance]:
    """Run scripts."""
    dialogues = load_dialogues(paths, "small")
    return list(runner.run_dialogues(dialogues, clock, progress=lambda dialogue, index: progress(dialogue.name, index)))
