"""Who writes a talk down, where that is asked for: the keeper of `--save`, the recorder of `--record`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from assistant import kept
from assistant.config import Config, default_profile
from assistant.keeping import Keeper, TappedDesk
from assistant.messages import TurnEvent
from assistant.metrics import TurnRecord
from assistant.ports import Desk

if TYPE_CHECKING:
    from assistant.dialogue.talk_recorder import Recorder


class Witnesses:
    """At most one of each.

    Args:
        note: Told where it is written, and what goes wrong.
        deaf: While it says so (muted, asleep), the microphone is nobody's business.
    """

    def __init__(self, note: Callable[[str], None], deaf: Callable[[], bool]) -> None:
        self._note, self._deaf = note, deaf
        self._keeper: Keeper | None = None
        self._recorder: Recorder | None = None

    def changed(self, record: TurnRecord) -> None:
        """A turn has changed."""
        if self._keeper is not None:
            self._keeper.changed(record)
        if self._recorder is not None:
            self._recorder.changed(record)

    def heard(self, event: TurnEvent) -> None:
        """Something about speech has happened."""
        if self._recorder is not None:
            self._recorder.heard(event)

    @contextmanager
    def keeping(self, desk: Desk, save: Path | None, resume: Path | None) -> Iterator[Desk]:
        """The desk, and what keeps its sound where that is asked for.

        Args:
            desk: The devices.
            save: Folder in which the talk gets a folder.
            resume: A kept talk that goes on.

        Raises:
            KeepingError: The folder cannot be written to, or is none of a kept talk.
        """
        if save is not None:
            folder = kept.new_folder(save, datetime.now().astimezone())
        elif resume is not None:
            folder = kept.find(resume)
        else:
            yield desk
            return
        self._keeper = keeper = Keeper(folder, self._note)
        keeper.deaf = self._deaf
        self._note(f"This talk is kept in {folder}.")
        try:
            yield keeper.desk(desk)
        finally:
            keeper.close()

    @contextmanager
    def recording(
        self,
        desk: Desk,
        folder: Path | None,
        config: Config,
        profile: str | None,
        push_to_talk: bool,
        began: datetime,
    ) -> Iterator[Desk]:
        """The desk, and what makes a script of the talk where that is asked for.

        Args:
            desk: The devices.
            folder: Where the script goes.
            config: Of the talk.
            profile: Its profile.
            push_to_talk: Whether a key says when the user speaks.
            began: When the talk began.

        Raises:
            KeepingError: The folder cannot be written to.
        """
        if folder is None:
            yield desk
            return
        from assistant.dialogue.talk_recorder import Recorder

        recorder = Recorder(folder, config, profile or default_profile(), push_to_talk, desk.latency_ms, began)
        recorder.deaf = self._deaf
        self._recorder = recorder
        self._note(f"This talk is recorded: when it ends, what you said is written to {recorder.script}.")
        try:
            yield TappedDesk(desk, recorder.frame)
        finally:
            self._note(recorder.close())
