"""Runs the live desk alone, in a process of its own: what it heard and pulled goes to a file, its status to stdout.

python desk_driver.py OUT.npz [section.key=value ...]
Lines on stdin: `play FILE`, `switch MICROPHONE LOUDSPEAKER`, `stop`.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import anyio
import numpy as np
from anyio import to_thread

from assistant.audio.devices import PortAudio
from assistant.audio.live_desk import LiveDesk
from assistant.audio.resample import StreamResampler
from assistant.audio.wav import read_wav
from assistant.config import load
from assistant.messages import MIC_RATE_HZ, Frame, Samples
from assistant.metrics import DeskStatus

VOICE_RATE_HZ = 24_000


class Player:
    """What is to be played, and when it was asked for."""

    def __init__(self) -> None:
        self._waiting = np.zeros(0, np.float32)
        self.pulled: list[tuple[float, Samples]] = []

    def play(self, recording: Path) -> None:
        """Append a WAV file."""
        samples = read_wav(recording)
        count = len(samples) * VOICE_RATE_HZ // MIC_RATE_HZ
        resampled = StreamResampler(MIC_RATE_HZ, VOICE_RATE_HZ).process(samples, count)
        self._waiting = np.concatenate([self._waiting, resampled])

    def pull(self, count: int, at_s: float) -> Samples:
        """See ports.Pull."""
        samples, self._waiting = np.split(self._waiting, [count])
        samples = np.pad(samples, (0, count - len(samples)))
        self.pulled.append((at_s, samples))
        return samples


def _say(status: DeskStatus) -> None:
    sys.stdout.write(json.dumps(dataclasses.asdict(status)) + "\n")
    sys.stdout.flush()


async def _main(out: Path, settings: list[str]) -> None:
    frames: list[Frame] = []
    player = Player()
    desk = LiveDesk(load("small", settings=settings).devices, PortAudio(), _say)
    send, receive = anyio.create_memory_object_stream[Frame](50)

    async def collect() -> None:
        async for frame in receive:
            frames.append(frame)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(desk.run, send, player.pull, VOICE_RATE_HZ)
        tasks.start_soon(collect)
        while line := (await to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)).split():
            command, *arguments = line
            if command == "play":
                player.play(Path(arguments[0]))
            elif command == "switch":
                microphone, loudspeaker = (
                    f"devices.{kind}={name}"
                    for kind, name in zip(("microphone", "loudspeaker"), arguments, strict=True)
                )
                desk.switch(load("small", settings=[*settings, microphone, loudspeaker]).devices)
            else:
                break
        tasks.cancel_scope.cancel()
    np.savez(
        out,
        starts=[frame.start for frame in frames],
        heard=np.concatenate([frame.samples for frame in frames]),
        reference=np.concatenate([frame.reference for frame in frames]),
        opened=[frame.start for frame in frames if frame.opened is not None],
        pulled_s=[at_s for at_s, _ in player.pulled],
        pulled=np.concatenate([samples for _, samples in player.pulled]),
    )


if __name__ == "__main__":
    anyio.run(_main, Path(sys.argv[1]), sys.argv[2:])
