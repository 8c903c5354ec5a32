"""A word while the reply is being made; no part of the reply, of the history or of what was heard."""

from __future__ import annotations

import anyio
import numpy as np

from assistant.config import Config
from assistant.messages import Priority, Samples
from assistant.ports import Inference, Speaker, Synthesizer
from assistant.text.fragments import fragments_of


class Acknowledgement:
    """Says that the reply will come, where it is late. It is spoken once, when the talk begins, and kept.

    Args:
        config: `acknowledge.after_ms` is 0: nothing is ever said.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._sound: Samples | None = None

    async def prepare(self, voice: Synthesizer, inference: Inference) -> None:
        """Have it spoken, while nobody waits for anything."""
        settings = self._config.acknowledge
        if not settings.after_ms:
            return
        sounds: list[Samples] = []
        for fragment in fragments_of(settings.phrase, self._config.speech, self._config.transcribe.language):
            async with inference.run(voice.synthesize(fragment), lambda: Priority.HELD) as pieces:
                sounds += [piece.samples async for piece in pieces]
        self._sound = np.concatenate(sounds) if sounds else None

    async def say_if_late(self, first_s: float, sounding: anyio.Event, speaker: Speaker) -> None:
        """Say it now if the reply will be late, or when it is.

        Args:
            first_s: When its first sound is expected, from now, which is the end of the turn.
            sounding: Set when it sounds, or never will.
            speaker: The loudspeaker.
        """
        after_s = self._config.acknowledge.after_ms / 1000
        if self._sound is None:
            return
        if first_s <= after_s:
            with anyio.move_on_after(after_s):
                await sounding.wait()
        if not sounding.is_set():
            speaker.chime(self._sound)
