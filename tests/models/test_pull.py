"""Pulling from a hub: resumed, checked, in one step or not at all, and never without need."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import FILES, HubServer, entry, serving

from assistant.errors import PullError
from assistant.models.lock import Entry, LockedFile
from assistant.models.packages import OnBytes
from assistant.models.pull import Progress, pull
from assistant.models.store import Store

CHUNK_BYTES = 10 * 2**20
"""What the hub's library writes at a time: less than this is not yet on the disk."""


def unlocked(*paths: str) -> Entry:
    """A model whose files no lock knows."""
    files = tuple(LockedFile(path=path) for path in paths)
    return entry({"config.json": b"{}"}).model_copy(update={"files": files})


def ignore(_progress: Progress) -> None:
    """For pulls that nobody watches."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with serving() as running:
        running.files = dict(FILES)
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_a_pulled_model_is_whole_and_holds_the_bytes(server: HubServer, store: Store) -> None:
    """And nothing of the download is left beside it."""
    tiny = entry(FILES)
    assert pull(tiny, store, ignore)
    assert store.problem(tiny) is None
    assert {path: (store.folder(tiny) / path).read_bytes() for path in FILES} == FILES
    assert sorted(os.listdir(store.root)) == [".tiny.lock", "tiny"]


@pytest.mark.usefixtures("no_network")
def test_a_whole_model_is_pulled_without_a_network(store: Store) -> None:
    """No socket is made, not even to loopback."""
    made = store.root / "made"
    made.mkdir(parents=True)
    (made / "config.json").write_bytes(b"{}")
    tiny = entry({"config.json": b"{}"})
    store.finish(tiny, made)
    assert not pull(tiny, store, ignore)


def test_progress_counts_the_bytes_of_all_files(server: HubServer, store: Store) -> None:
    """It never goes back and ends at the total."""
    seen: list[Progress] = []
    pull(entry(FILES), store, seen.append)
    total = sum(map(len, FILES.values()))
    assert [progress.done_bytes for progress in seen] == sorted(progress.done_bytes for progress in seen)
    assert {progress.total_bytes for progress in seen} == {total}
    assert seen[-1].done_bytes == total


def test_a_killed_pull_goes_on_where_it_stopped(server: HubServer, store: Store) -> None:
    """Killed without warning after a chunk: the model is not there, and only the rest is asked for."""
    server.files = {"weights.npz": os.urandom(2 * CHUNK_BYTES)}
    server.hold_after = CHUNK_BYTES + 1
    tiny = entry(server.files)
    program = (
        "import sys; from pathlib import Path; from assistant.models.lock import Entry\n"
        "from assistant.models.pull import pull; from assistant.models.store import Store\n"
        "entry, store = Entry.model_validate_json(sys.argv[1]), Store(Path(sys.argv[2]))\n"
        "pull(entry, store, lambda progress: print(progress.done_bytes, flush=True))"
    )
    command = [sys.executable, "-c", program, tiny.model_dump_json(), str(store.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while process.stdout.readline().strip() != str(CHUNK_BYTES):
            assert process.poll() is None
        incomplete = store.partial(tiny) / "weights.npz.incomplete"
        while incomplete.stat().st_size < CHUNK_BYTES:  # reported just before it is written
            assert process.poll() is None
        process.kill()
    assert store.problem(tiny) == "The model tiny is not on this machine"

    server.hold_after = None
    server.asked()
    assert pull(tiny, store, ignore)
    assert server.asked() == [("weights.npz", CHUNK_BYTES)]
    assert (store.folder(tiny) / "weights.npz").read_bytes() == server.files["weights.npz"]


def test_a_corrupted_download_is_refused_and_the_rest_kept(server: HubServer, store: Store) -> None:
    """The text names the file, what was expected and what came; the next pull fetches that file alone."""
    tiny = entry(FILES)
    server.files["weights.npz"] = b"x" * len(FILES["weights.npz"])
    found = hashlib.sha256(server.files["weights.npz"]).hexdigest()
    with pytest.raises(PullError) as error:
        pull(tiny, store, ignore)
    assert f"weights.npz of someone/tiny@{'1' * 40} has sha256 {found}, expected {tiny.files[1].sha256}" in str(
        error.value
    )
    assert store.problem(tiny) == "The model tiny is not on this machine"

    server.files = dict(FILES)
    server.asked()
    assert pull(tiny, store, ignore)
    assert server.asked() == [("weights.npz", 0), ("voices/a.bin", 0)]


def test_the_beginning_of_another_commits_file_is_found_out(server: HubServer, store: Store) -> None:
    """Resumed, its hash is wrong; so it is fetched again, whole."""
    tiny = entry(FILES)
    store.partial(tiny).mkdir(parents=True)
    (store.partial(tiny) / "weights.npz.incomplete").write_bytes(b"of another commit")
    assert pull(tiny, store, ignore)
    assert [start for path, start in server.asked() if path == "weights.npz"] == [17, 0]


def test_another_commit_replaces_the_model_and_keeps_what_is_the_same(server: HubServer, store: Store) -> None:
    """Files that are gone from the lock are gone from the folder: loaders take every weights file they find."""
    pull(entry(FILES), store, ignore)
    server.files = {"config.json": b"{}", "model.safetensors": b"new"}
    server.asked()
    later = entry(server.files, revision="2" * 40)
    assert pull(later, store, ignore)
    assert server.asked() == [("model.safetensors", 0)]
    files = {str(path.relative_to(store.folder(later))) for path in store.folder(later).rglob("*") if path.is_file()}
    assert files == {".complete.json", "config.json", "model.safetensors"}


def test_a_damaged_model_is_cured_by_fetching_the_damaged_file(server: HubServer, store: Store) -> None:
    """Verify finds what sizes and times do not show, and makes the model one that pull works on."""
    tiny = entry(FILES)
    pull(tiny, store, ignore)
    weights = store.folder(tiny) / "weights.npz"
    times = weights.stat()
    weights.write_bytes(b"x" * len(FILES["weights.npz"]))
    os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert store.problem(tiny) is None
    assert [check.path for check in store.verify(tiny) if not check.good] == ["weights.npz"]
    assert store.problem(tiny) is not None

    server.asked()
    assert pull(tiny, store, ignore)
    assert server.asked() == [("weights.npz", 0)]
    assert all(check.good for check in store.verify(tiny))


def test_an_unknown_hash_is_recorded_at_the_first_pull_and_held_to(server: HubServer, store: Store) -> None:
    """Even when the model was deleted in between."""
    tiny = unlocked("config.json")
    pull(tiny, store, ignore)
    (check,) = store.verify(tiny)
    assert check.good
    assert check.authority == "recorded at first pull"
    for path in (store.folder(tiny) / "config.json", store.folder(tiny) / ".complete.json"):
        path.unlink()
    server.files["config.json"] = b"{} "
    with pytest.raises(PullError, match=r"config\.json of .* \(recorded at first pull\)"):
        pull(tiny, store, ignore)
    server.files["config.json"] = b"{}"
    assert pull(tiny, store, ignore)


def test_a_file_the_hub_has_not_is_named(server: HubServer, store: Store) -> None:
    """With the repository and the commit."""
    with pytest.raises(PullError, match=r"The hub answers 404 for gone\.json of someone/tiny at 1{40}"):
        pull(unlocked("gone.json"), store, ignore)


def test_no_network_is_one_sentence(server: HubServer, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library tries five times, a second apart; not here."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    with pytest.raises(PullError) as error:
        pull(entry(FILES), store, ignore)
    assert str(error.value).startswith("config.json of someone/tiny could not be downloaded (")
    assert str(error.value).endswith("check the network and run the same command again: it goes on where it stopped.")


def test_a_full_disk_is_one_sentence_and_loses_nothing(server: HubServer, store: Store) -> None:
    """What was downloaded before is not asked for again."""

    def full(_repository: str, _revision: str, path: str, target: Path, _size: int | None, _on_bytes: OnBytes) -> None:
        if path == "weights.npz":
            raise OSError(errno.ENOSPC, "No space left on device")
        target.write_bytes(FILES[path])

    tiny = entry(FILES)
    with pytest.raises(PullError, match=r"The disk that holds .* is full; tiny takes 0 MB: free some space"):
        pull(tiny, store, ignore, fetch_file=full)
    assert store.problem(tiny) is not None
    assert pull(tiny, store, ignore)
    assert server.asked() == [("weights.npz", 0), ("voices/a.bin", 0)]


def test_a_store_that_cannot_be_written_is_named(server: HubServer, tmp_path: Path) -> None:
    """Here a file stands where the folder should be."""
    (tmp_path / "store").write_bytes(b"")
    with pytest.raises(PullError, match=r"tiny could not be written to .*store"):
        pull(entry(FILES), Store(tmp_path / "store"), ignore)
