"""Native libraries that write to file descriptor 2 as they like."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Drop what is written to file descriptor 2.

    ALSA and JACK write a page whenever PortAudio starts on a machine without a sound card, and ALSA
    at every underrun, which tears a live view.
    """
    kept = os.dup(2)
    with open(os.devnull, "w") as null:
        os.dup2(null.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
