"""A simulated desk in the place of `sounddevice`: blocks in, blocks out, and when something is first heard."""

from __future__ import annotations

from typing import Any

import anyio
import numpy as np
import numpy.typing as npt

from assistant.bench.sound_card import CallbackStop, SoundCard
from assistant.messages import MIC_RATE_HZ
from assistant.simulation import clock
from assistant.simulation.desk import SimulatedDesk

RATE_HZ = 24_000


def test_the_microphone_calls_back_with_whole_blocks() -> None:
    """Of 32 ms, as integers, in one column; nothing is lost between them."""
    blocks: list[npt.NDArray[Any]] = []

    async def main() -> None:
        desk = SimulatedDesk(recording=False)
        desk.say(np.full(MIC_RATE_HZ, 0.5, np.float32), 0.1)
        card = SoundCard(desk)
        stream = card.InputStream(MIC_RATE_HZ, 512, 1, "int16", lambda block, count, *_: blocks.append(block))
        stream.start()
        with anyio.move_on_after(2.0):
            await card.run(RATE_HZ)

    clock.run(main, "simulated")
    assert {block.shape for block in blocks} == {(512, 1)}
    assert {block.dtype for block in blocks} == {np.dtype(np.int16)}
    whole = np.concatenate(blocks)[:, 0]
    assert int(np.sum(whole > 16_000)) == MIC_RATE_HZ


class Tone:
    """An output callback that plays so many blocks, the first of them silent, and stops."""

    def __init__(self, blocks: int) -> None:
        self.left = blocks
        self.first = True

    def __call__(self, block: npt.NDArray[Any], count: int, *_: object) -> None:
        """See sounddevice."""
        block.fill(0 if self.first else 0.1)
        self.first = False
        self.left -= 1
        if not self.left:
            raise CallbackStop


def test_what_is_played_is_heard_by_the_rule_for_replies() -> None:
    """Silence at its head is not heard; the first audible 10 ms leave the loudspeaker 20 ms after they were taken."""
    tone = Tone(4)

    async def main() -> SoundCard:
        card = SoundCard(SimulatedDesk(recording=False))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(card.run, RATE_HZ)
            await anyio.sleep(0.995)
            assert card.sounded_s is None
            card.OutputStream(RATE_HZ, 1, tone, RATE_HZ // 10).start()
            await card.sounded.wait()
            await anyio.sleep(1)
            tasks.cancel_scope.cancel()
        return card

    card = clock.run(main, "simulated")
    assert card.sounded_s is not None
    assert round(card.sounded_s, 6) == 1.0 + 0.1 + 0.02
    assert tone.left == 0
