"""Turns and frames to be kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.keeping import Keeper
from assistant.messages import FRAME_SAMPLES, Frame
from assistant.metrics import TurnRecord

NOW = datetime(2026, 11, 21, 20, 45, 12, tzinfo=timezone(timedelta(hours=1)))


def keeper(folder: Path, told: Callable[[str], None] = pytest.fail) -> Keeper:
    """One whose clock stands still."""
    return Keeper(folder, told, lambda: NOW)


def record(said: str, heard: str, state: str = "done", **facts: Any) -> TurnRecord:
    """A turn that is over."""
    turn = TurnRecord("spoken", 1.0, 2.0, 2.2, ended_s=9.0, transcript=said, reply=f"{heard} More.", reply_heard=heard)
    turn.state = state  # type: ignore[assignment]
    for name, value in facts.items():
        setattr(turn, name, value)
    return turn


def frame(index: int, heard: float = 0.5, played: float = 0.25) -> Frame:
    """10 ms of two constants."""
    return Frame(
        index * FRAME_SAMPLES,
        np.full(FRAME_SAMPLES, heard, np.float32),
        np.full(FRAME_SAMPLES, played, np.float32),
    )
