"""The live talk with fake models at a simulated desk, in this process or as a program of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from fakes import FakeChat, FakeSynthesizer

from assistant import live
from assistant.audio.wav import read_wav
from assistant.config import Config
from assistant.messages import Samples, Step, Steps, Transcript, Work
from assistant.metrics import DeskStatus
from assistant.ports import Hear, Pull
from assistant.simulation.desk import SimulatedDesk

SPEECH = Path(__file__).parent / "speech"
LONG_REPLY = " ".join(["Once", *["and", "then"] * 60, "the end."])
"""Half a minute of speech: nobody waits for its end."""


class OneTranscriber:
    """Hears the same in everything."""

    def __init__(self, text: str = "tell me a story") -> None:
        self.text = text

    def transcribe(self, samples: Samples, language: str = "") -> Steps[Transcript]:
        """See ports.Transcriber."""
        yield Step((Work("whisper_token", 1),), (Transcript(self.text),))


class FakeDesk(SimulatedDesk):
    """Headphones and a user; tells what is open, as the real desk does."""

    def __init__(self, changed: Callable[[DeskStatus], None], said: Sequence[tuple[str, float]] = ()) -> None:
        super().__init__()
        self.changed = changed
        for name, start_s in said:
            self.say(read_wav(SPEECH / name), start_s)

    async def run(self, hear: Hear, pull: Pull, rate_hz: int) -> None:
        """See ports.Desk."""
        self.changed(DeskStatus("a microphone", "headphones", False))
        await super().run(hear, pull, rate_hz)


def stand_in(put: Callable[[str, object], None], replies: Sequence[str], said: Sequence[tuple[str, float]]) -> None:
    """Put fakes in the places of models and devices.

    Args:
        put: As `MonkeyPatch.setattr`, with a dotted name.
        replies: What the language model says.
        said: Recordings and when they are said into the microphone.
    """

    def open_desk(config: Config, changed: Callable[[DeskStatus], None]) -> FakeDesk:
        return FakeDesk(changed, said)

    put("assistant.live.open_desk", open_desk)
    put("assistant.live.load_transcriber", lambda config: OneTranscriber())
    put("assistant.live.load_chat", lambda config: FakeChat(replies))
    put("assistant.live.load_voice", lambda config: FakeSynthesizer())


def main() -> None:
    """`assistant`, with fakes; what is said stands in the environment."""
    from assistant.cli import main as assistant

    said = json.loads(os.environ.get("SAID", "[]"))
    stand_in(lambda name, value: setattr(live, name.rpartition(".")[2], value), [LONG_REPLY], said)
    assistant()


if __name__ == "__main__":
    main()
