"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file beside its place, and put it there in one step; text is UTF-8.

    Raises:
        OSError: It cannot be written; what was there before still is.
    """
    written = content.encode() if isinstance(content, str) else content
    if path.exists() and not path.is_file():  # a pipe; and root would put a file in the place of /dev/null
        path.write_bytes(written)
        return
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(written)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
