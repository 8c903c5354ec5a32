"""Runs the live desk alone, in a process of its own: what it heard and pulled goes to a file, its status to stdout.

python desk_driver.py OUT.npz [section.key=value ...]
Lines on stdin, obeyed one after the other: `play FILE`, `switch MICROPHONE LOUDSPEAKER`, `stop`.
Lines on stdout: each new status, `{"opened": INDEX}` for each first frame of opened devices, and
`{"played": FILE}` when a file was pulled to its end.
"""

from __future__ import annotations

import asyncio
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

VOICE_RATE_HZ = 24_000


class Player:
    """What is to be played, and when it was asked for."""

    def __init__(self) -> None:
        self._finish = asyncio.get_running_loop().call_soon_threadsafe
        self._done: anyio.Event | None = None
        self._waiting = np.zeros(0, np.float32)
        self.pulled: list[tuple[float, Samples]] = []

    async def play(self, recording: Path) -> None:
        """Play a WAV file to its end, and half a second of silence."""
        samples = read_wav(recording)
        count = len(samples) * VOICE_RATE_HZ // MIC_RATE_HZ
        resampled = StreamResampler(MIC_RATE_HZ, VOICE_RATE_HZ).process(samples, count)
        self._waiting = np.concatenate([resampled, np.zeros(VOICE_RATE_HZ // 2, np.float32)])
        self._done = anyio.Event()
        await self._done.wait()

    def pull(self, count: int, at_s: float) -> Samples:
        """See ports.Pull."""
        samples, self._waiting = np.split(self._waiting, [count])
        if self._done is not None and not len(self._waiting):
            self._finish(self._done.set)
            self._done = None
        samples = np.pad(samples, (0, count - len(samples)))
        self.pulled.append((at_s, samples))
        return samples


def _say(facts: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


async def _main(out: Path, settings: list[str]) -> None:
    frames: list[Frame] = []
    player = Player()
    desk = LiveDesk(
        load("small", settings=settings).devices, PortAudio(), lambda status: _say(dataclasses.asdict(status))
    )

    async def hear(frame: Frame) -> bool:
        frames.append(frame)
        if frame.opened is not None:
            _say({"opened": frame.start})
        return False

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(desk.run, hear, player.pull, VOICE_RATE_HZ)
        while line := (await to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)).split():
            command, *arguments = line
            if command == "play":
                await player.play(Path(arguments[0]))
                _say({"played": arguments[0]})
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
