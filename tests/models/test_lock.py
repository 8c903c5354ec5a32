"""models.lock: what it may hold, what it answers, and when a folder counts as whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assistant import config
from assistant.errors import ModelError
from assistant.models import lock
from assistant.models.lock import Entry, LockedFile, chosen, entries, find, local_folder, read
from assistant.models.store import Store, sha256_of

HASH = "0" * 64
ENTRY = f"""
[[model]]
name = "tiny"
role = "voice"
licence = "MIT"
repository = "someone/tiny"
revision = "{"1" * 40}"
files = [{{ path = "weights.npz", size_bytes = 3, sha256 = "{HASH}" }}]
"""


@pytest.mark.parametrize("profile", config.PROFILES)
def test_the_models_of_every_profile_are_locked(profile: str) -> None:
    """Each name is known and of the right role."""
    picked = chosen(config.load(profile).models)
    assert {role: entry.role for role, entry in picked.items()} == {role: role for role in picked}


def test_every_shipped_file_is_held_to_a_hash() -> None:
    """Nothing in models.lock is left to the first pull as long as its hash was known."""
    assert all(file.sha256 and file.size_bytes for entry in entries().values() for file in entry.files)


def test_the_small_profile_needs_no_hub() -> None:
    """CI and a first try work from package indexes alone."""
    assert not any(entry.repository for entry in chosen(config.load("small").models).values())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("licence", "roles = 1\nlicence"), "model.0.roles: Extra inputs"),
        (("1" * 40, "main"), "model.0.revision"),
        ((HASH, "abc"), "model.0.files.0.sha256"),
        (('"voice"', '"singer"'), "model.0.role"),
        (('revision = "', 'conversion = "'), "either repository and revision or packages and conversion"),
        (("weights.npz", "../weights.npz"), "model.0.files.0.path"),
        (("[[model]]", "[[model]"), "cannot be read"),
    ],
)
def test_a_wrong_lock_file_is_named_with_its_key(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    """One sentence with the file and the key."""
    path = tmp_path / "models.lock"
    path.write_text(ENTRY.replace(*change), encoding="utf-8")
    with pytest.raises(ModelError) as error:
        read(path)
    assert said in str(error.value)
    assert str(path) in str(error.value)


def test_an_unknown_model_is_answered_with_the_nearest() -> None:
    """And with all there are when none is near."""
    with pytest.raises(ModelError, match=r"no model 'whisper-tiny'.*did you mean whisper-tiny\.en\?"):
        find("whisper-tiny")
    with pytest.raises(ModelError, match=r"there are whisper-tiny\.en, smollm2"):
        find("xyzzy")


def test_a_turn_model_is_chosen_only_where_one_is_configured() -> None:
    """So nothing of it is pulled, or missed, by those who do without."""
    assert "turn" not in chosen(config.load("small").models)
    asked = config.load("small", settings=["models.turn=smart-turn-v3"])
    assert chosen(asked.models)["turn"] is find("smart-turn-v3")


def test_a_model_of_another_role_is_refused() -> None:
    """`models.chat = "kokoro-82m"` names the chat models there are."""
    models = config.load("small", settings=["models.chat=kokoro-82m"]).models
    with pytest.raises(ModelError, match=r"models\.chat: kokoro-82m is a voice model; there are smollm2-135m-instruct"):
        chosen(models)


class Pulled:
    """A model of two files that is whole, in a store of its own."""

    def __init__(self, root: Path) -> None:
        self.store = Store(root)
        self.root = root
        made = root / "made"
        (made / "voices").mkdir(parents=True)
        (made / "config.json").write_bytes(b"{}")
        (made / "voices" / "a.bin").write_bytes(b"voice")
        self.entry = self.locked("1" * 40, made)
        self.store.finish(self.entry, made)
        self.weights = root / "tiny" / "voices" / "a.bin"

    def locked(self, revision: str, folder: Path) -> Entry:
        files = [LockedFile(path=path, sha256=sha256_of(folder / path)) for path in ("config.json", "voices/a.bin")]
        return Entry(name="tiny", role="voice", licence="MIT", repository="a/b", revision=revision, files=tuple(files))


@pytest.fixture
def pulled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pulled:
    made = Pulled(tmp_path)
    monkeypatch.setenv("ASSISTANT_MODELS", str(tmp_path))
    monkeypatch.setattr(lock, "entries", lambda: {"tiny": made.entry})
    return made


def test_a_whole_model_has_a_folder(pulled: Pulled) -> None:
    """And the folder holds the files of the lock and the marker, nothing else."""
    assert local_folder("tiny") == pulled.root / "tiny"
    found = {
        str(path.relative_to(pulled.root / "tiny")) for path in (pulled.root / "tiny").rglob("*") if path.is_file()
    }
    assert found == {".complete.json", "config.json", "voices/a.bin"}


def _said(name: str = "tiny") -> str:
    with pytest.raises(ModelError) as error:
        local_folder(name)
    assert str(error.value).endswith(f"; run: assistant models pull {name}")
    return str(error.value)


def test_a_missing_model_says_how_to_pull_it(pulled: Pulled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTANT_MODELS", str(pulled.root / "elsewhere"))
    assert _said().startswith("The model tiny is not on this machine")


def test_a_missing_file_is_named(pulled: Pulled) -> None:
    pulled.weights.unlink()
    assert "lacks its file voices/a.bin" in _said()


def test_a_truncated_file_is_named_with_both_sizes(pulled: Pulled) -> None:
    pulled.weights.write_bytes(b"voi")
    assert "voices/a.bin of the model tiny has 3 bytes, not 5" in _said()


def test_a_changed_file_of_the_same_size_is_found_by_its_hash(pulled: Pulled) -> None:
    pulled.weights.write_bytes(b"VOICE")
    found = sha256_of(pulled.weights)
    assert f"voices/a.bin of the model tiny has sha256 {found}, not {pulled.entry.files[1].sha256}" in _said()


def test_a_file_that_was_only_touched_is_hashed_once_and_believed(pulled: Pulled) -> None:
    """Copying a store does not make it worthless."""
    marker = pulled.root / "tiny" / ".complete.json"
    before = marker.read_bytes()
    os.utime(pulled.weights, ns=(1, 1))
    local_folder("tiny")
    after = marker.read_bytes()
    assert after != before
    local_folder("tiny")
    assert marker.read_bytes() == after


def test_a_folder_without_its_marker_is_not_whole(pulled: Pulled) -> None:
    (pulled.root / "tiny" / ".complete.json").unlink()
    assert "is not whole" in _said()


def test_another_commit_in_the_lock_asks_for_another_pull(pulled: Pulled) -> None:
    pulled.entry = pulled.locked("2" * 40, pulled.root / "tiny")
    assert "another version" in _said()


def test_another_hash_in_the_lock_asks_for_another_pull(pulled: Pulled) -> None:
    files = (pulled.entry.files[0], LockedFile(path="voices/a.bin", sha256=HASH))
    pulled.entry = pulled.entry.model_copy(update={"files": files})
    assert "has not the voices/a.bin of models.lock" in _said()
