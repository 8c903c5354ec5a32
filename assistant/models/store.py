"""The folder models are kept in: which of them are whole, and the sha256 of what was pulled unlocked.

Inside it: NAME/ (a model, with a marker that says it is whole), NAME.partial/ (one being downloaded),
downloads/ (packages), recorded.json (sha256 of files models.lock has none for).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from assistant.files import write_whole

if TYPE_CHECKING:
    from assistant.models.lock import Entry, LockedFile

_MARKER = ".complete.json"

Authority = Literal["models.lock", "recorded at first pull"]


@dataclass(frozen=True, slots=True)
class FileCheck:
    """A file as `verify` found it."""

    path: str
    expected: str | None
    authority: Authority
    found: str | None
    """sha256, or None: there is no such file."""

    @property
    def good(self) -> bool:
        return self.found is not None and self.found == self.expected


def default_root() -> Path:
    """`$ASSISTANT_MODELS`, or a folder in the user's cache."""
    chosen = os.environ.get("ASSISTANT_MODELS")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "assistant" / "models"


def sha256_of(path: Path) -> str:
    """sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Store:
    """The models on this machine."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or default_root()
        self.downloads = self.root / "downloads"

    def folder(self, entry: Entry) -> Path:
        return self.root / entry.name

    def partial(self, entry: Entry) -> Path:
        return self.root / f"{entry.name}.partial"

    def problem(self, entry: Entry) -> str | None:
        """Why the model cannot be loaded, without its cure and full stop; None when it is whole.

        Sizes and times of change are compared with the marker; only a file that was touched is hashed.
        """
        folder = self.folder(entry)
        if not folder.is_dir():
            return f"The model {entry.name} is not on this machine"
        marker = self._marker(entry)
        if marker is None:
            return f"The model {entry.name} in {folder} is not whole"
        if marker["source"] != entry.source:
            return f"The model {entry.name} on this machine is another version than the one in models.lock"
        touched = False
        for file in entry.files:
            known = marker["files"].get(file.path)
            if known is None or (file.sha256 and known["sha256"] != file.sha256):
                return f"The model {entry.name} on this machine has not the {file.path} of models.lock"
            try:
                status = (folder / file.path).stat()
            except OSError:
                return f"The model {entry.name} lacks its file {file.path}"
            if status.st_size != known["size_bytes"]:
                return f"{file.path} of the model {entry.name} has {status.st_size} bytes, not {known['size_bytes']}"
            if status.st_mtime_ns != known["mtime_ns"]:
                found = sha256_of(folder / file.path)
                if found != known["sha256"]:
                    return f"{file.path} of the model {entry.name} has sha256 {found}, not {known['sha256']}"
                touched = True
        if touched:
            with suppress(OSError):  # a store that is read-only is hashed again the next time
                self._mark(entry, folder)
        return None

    def verify(self, entry: Entry) -> list[FileCheck]:
        """Hash every file. A model with a bad one is no longer whole, so that nothing loads it and pull cures it."""
        folder = self.folder(entry)
        checks = []
        for file in entry.files:
            path = folder / file.path
            expected, authority = self.expected(entry, file)
            checks.append(FileCheck(file.path, expected, authority, sha256_of(path) if path.is_file() else None))
        if not all(check.good for check in checks):
            (folder / _MARKER).unlink(missing_ok=True)
        return checks

    def expected(self, entry: Entry, file: LockedFile) -> tuple[str | None, Authority]:
        """sha256 a file must have and who says so; None where nobody does yet."""
        if file.sha256:
            return file.sha256, "models.lock"
        return self._recorded().get(entry.source, {}).get(file.path), "recorded at first pull"

    def record(self, entry: Entry, file: LockedFile, sha256: str) -> None:
        """Hold a file without a sha256 in models.lock to this one from now on."""
        recorded = self._recorded()
        recorded.setdefault(entry.source, {})[file.path] = sha256
        _write_json(self.root / "recorded.json", recorded)

    def finish(self, entry: Entry, made: Path) -> None:
        """Put the finished folder `made`, whose files have been hashed, in the model's place, in one step."""
        wanted = {made / file.path for file in entry.files}
        for path in [path for path in made.rglob("*") if path.is_file() and path not in wanted]:
            path.unlink()  # loaders take every weights file they find
        self._mark(entry, made)
        shutil.rmtree(self.folder(entry), ignore_errors=True)
        os.replace(made, self.folder(entry))

    @contextmanager
    def locked(self, entry: Entry) -> Iterator[None]:
        """Keep other processes from pulling the same model; waits for one that does."""
        import fcntl

        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / f".{entry.name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _marker(self, entry: Entry) -> dict[str, Any] | None:
        try:
            marker: dict[str, Any] = json.loads((self.folder(entry) / _MARKER).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return marker

    def _mark(self, entry: Entry, folder: Path) -> None:
        files = {}
        for file in entry.files:
            path = folder / file.path
            status = path.stat()
            files[file.path] = {
                "size_bytes": status.st_size,
                "mtime_ns": status.st_mtime_ns,
                "sha256": self.expected(entry, file)[0] or sha256_of(path),
            }
        _write_json(folder / _MARKER, {"source": entry.source, "files": files})

    def _recorded(self) -> dict[str, dict[str, str]]:
        try:
            recorded: dict[str, dict[str, str]] = json.loads((self.root / "recorded.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return recorded


def _write_json(path: Path, value: Any) -> None:
    write_whole(path, json.dumps(value, indent=1, sort_keys=True) + "\n")
