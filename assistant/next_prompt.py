"""What the next prompt begins with, read by the language model while nobody waits for it."""

from __future__ import annotations

import anyio

from assistant.history import History
from assistant.messages import ChatMessage, Priority
from assistant.ports import ChatModel, Inference


class NextPrompt:
    """Brings the prompt cache up to the talk so far, so that a question need only be read itself.

    Mostly that is a few tokens. But past its context the talk begins at a later turn, and now and then the system
    prompt tells another time: then all of it is read anew, which a question would else have to wait for.
    """

    def __init__(self, chat: ChatModel, inference: Inference, history: History) -> None:
        self._chat, self._inference, self._history = chat, inference, history
        self._said: str | None = None
        self._wanted = anyio.Event()
        self._reading = anyio.CancelScope()
        self._at_rest = anyio.Event()
        self._at_rest.set()

    def read(self, said: str = "") -> None:
        """Begin soon, anew if something is being read.

        Args:
            said: The reply that is being heard, and will likely be heard to its end.
        """
        self._reading.cancel()
        self._said = said
        self._wanted.set()

    async def stop(self) -> None:
        """Leave the language model, which serves one at a time, to whoever asks next."""
        self._said = None
        self._reading.cancel()
        await self._at_rest.wait()

    async def rest(self) -> None:
        """Wait until all is read."""
        await self._at_rest.wait()

    async def run(self) -> None:
        """Read when asked to, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted = anyio.Event()
            if self._said is None:
                continue
            self._at_rest = anyio.Event()
            try:
                with anyio.CancelScope() as self._reading:
                    await self._read(self._said)
            finally:
                self._at_rest.set()

    async def _read(self, said: str) -> None:
        messages = self._history.messages(early=True)
        heard = (ChatMessage("assistant", said),) if said else ()
        async with self._inference.run(self._chat.prefill([*messages, *heard]), lambda: Priority.AHEAD) as steps:
            async for _ in steps:
                pass
