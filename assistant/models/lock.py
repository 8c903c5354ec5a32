"""models.lock: which models there are, where each comes from, and the sha256 of its files."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from assistant.config import Models, data_path
from assistant.errors import ModelError
from assistant.models.store import Store

Role = Literal["transcriber", "chat", "voice", "turn"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Bytes = Annotated[int, Field(gt=0)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class LockedFile(_Table):
    """A file of a model's folder. What is not known beforehand is recorded when it is first pulled."""

    path: Annotated[str, Field(pattern=r"^\w[\w.-]*(/\w[\w.-]*)*$")]
    size_bytes: Bytes | None = None
    sha256: Sha256 | None = None


class Package(_Table):
    """An archive from a package index, fetched by that index's ordinary client."""

    index: Literal["pypi", "npm"]
    name: str
    version: str
    size_bytes: Bytes
    sha256: Sha256

    @property
    def file_name(self) -> str:
        return f"{self.name}-{self.version}.{'whl' if self.index == 'pypi' else 'tgz'}"


class Entry(_Table):
    """One model: files of a hub repository at a commit, or packages and the conversion of their contents."""

    name: Annotated[str, Field(pattern=r"^\w[\w.-]*$")]
    role: Role
    licence: str
    repository: str | None = None
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None = None
    packages: tuple[Package, ...] = Field(default=(), strict=False)
    conversion: str | None = None
    files: Annotated[tuple[LockedFile, ...], Field(min_length=1, strict=False)]

    @model_validator(mode="after")
    def _one_source(self) -> Entry:
        hub, packaged = bool(self.repository and self.revision), bool(self.packages and self.conversion)
        if hub == packaged:
            raise ValueError("a model has either repository and revision or packages and conversion")
        if packaged and not all(file.sha256 for file in self.files):
            raise ValueError("a conversion always yields the same bytes, so each of its files has a sha256")
        return self

    @property
    def source(self) -> str:
        """Where the files come from, exactly: `owner/name@commit`, or the packages with their versions."""
        if self.repository:
            return f"{self.repository}@{self.revision}"
        return " ".join(f"{package.index}:{package.name}=={package.version}" for package in self.packages)

    @property
    def size_bytes(self) -> int:
        """Size of the folder as far as it is known."""
        return sum(file.size_bytes or 0 for file in self.files)


class _Lock(_Table):
    model: Annotated[tuple[Entry, ...], Field(strict=False)]


def read(path: Path) -> Mapping[str, Entry]:
    """Entries of a lock file by name.

    Raises:
        ModelError: naming the file, and the entry and key that are wrong.
    """
    try:
        entries = _Lock.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).model
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ModelError(f"{path} cannot be read: {error}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ModelError(f"{path}: {key}: {first['msg']}.") from None
    return {entry.name: entry for entry in entries}


@cache
def entries() -> Mapping[str, Entry]:
    """The models of this program's models.lock, by name."""
    return read(data_path("models.lock"))


def find(name: str) -> Entry:
    """The entry of that name.

    Raises:
        ModelError: there is none; the text gives the nearest name.
    """
    known = entries()
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}."
    raise ModelError(f"There is no model {name!r} in models.lock; {hint}")


def chosen(models: Models) -> dict[str, Entry]:
    """The three models a configuration names, with the draft and the turn model if it names them; by its keys.

    Raises:
        ModelError: a name is unknown, or is of a model for another role.
    """
    roles: dict[str, Role] = {"transcriber": "transcriber", "chat": "chat", "voice": "voice"}
    if models.draft:
        roles["draft"] = "chat"
    if models.turn:
        roles["turn"] = "turn"
    picked = {key: find(getattr(models, key)) for key in roles}
    for key, entry in picked.items():
        if entry.role != roles[key]:
            fit = ", ".join(other.name for other in entries().values() if other.role == roles[key])
            raise ModelError(f"models.{key}: {entry.name} is a {entry.role} model; there are {fit}.")
    return picked


def local_folder(name: str) -> Path:
    """Folder of a model that was pulled whole; nothing is hashed unless a file was touched since.

    Raises:
        ModelError: the name is unknown, or the model is missing or damaged; the text says how to pull it.
    """
    entry, store = find(name), Store()
    if problem := store.problem(entry):
        raise ModelError(f"{problem}; run: assistant models pull {name}")
    return store.folder(entry)
