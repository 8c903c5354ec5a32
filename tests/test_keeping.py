"""What is kept of a talk, and that nothing is kept unasked."""

from __future__ import annotations

import json
import os
import resource
import stat
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
import soundfile
from fakes import FakeChat, FakeSynthesizer, FakeTranscriber
from keepers import NOW, frame, keeper, record

from assistant import config as configuration
from assistant import keeping
from assistant.app import Assistant, Models
from assistant.audio.wav import read_wav
from assistant.clock import TalkClock
from assistant.errors import KeepingError
from assistant.history import History
from assistant.kept import PAGE, TURNS, new_folder, resume
from assistant.messages import FRAME_SAMPLES, MIC_RATE_HZ, ChatMessage, Samples, Transcript
from assistant.metrics import TurnRecord
from assistant.ports import Desk
from assistant.simulation import clock as virtual
from assistant.simulation.desk import SimulatedDesk
from assistant.simulation.inference import SimulatedInference

SPEECH = Path(__file__).parent / "speech" / "rhasspy3_turn_on_the_lamp.wav"


def sound(path: Path) -> Samples:
    """Both channels, without the noise of 16 bits."""
    recorded, rate_hz = soundfile.read(path, dtype="float32")
    assert rate_hz == MIC_RATE_HZ
    rounded: Samples = np.round(recorded, 3)
    return rounded


def hold_talk(
    at: Callable[[Desk], Desk], changed: Callable[[TurnRecord], None], typed_for_s: float = 4
) -> SimulatedDesk:
    """Somebody asks for light, and then types; on fakes, in virtual time. What goes on at the end is cut off."""

    async def talk() -> SimulatedDesk:
        config, clock, desk = configuration.load("small"), TalkClock(), SimulatedDesk()
        transcriber = FakeTranscriber()
        transcriber.says = defaultdict(lambda: Transcript("Turn on the lamp."))
        models = Models(transcriber, FakeChat(["The lamp is on.", "Good night."]), FakeSynthesizer())
        inference = SimulatedInference(config.simulation.costs)
        assistant = Assistant(config, at(desk), models, inference, clock, History("Be brief.", clock), changed=changed)
        desk.say(read_wav(SPEECH), 0.5)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(assistant.run)
            await anyio.sleep(6)
            await assistant.type("good night")
            await anyio.sleep(typed_for_s)
            tasks.cancel_scope.cancel()
        assistant.conversation.cancel()
        return desk

    return virtual.run(talk, "simulated")


def test_a_talk_is_kept(tmp_path: Path) -> None:
    """As a page, as JSON lines, and as sound: the microphone left, the loudspeaker right."""
    kept = keeper(new_folder(tmp_path / "talks", NOW))
    desk = hold_talk(kept.desk, kept.changed)
    kept.close()
    folder = tmp_path / "talks" / "2026-11-21_20-45-12"
    page = (folder / PAGE).read_text(encoding="utf-8")
    assert page.startswith("# Talk of Saturday, 21 November 2026, 20:45\n")
    said = [line.partition(": ")[2] for line in page.splitlines() if line.startswith("**")]
    assert said == ["Turn on the lamp.", "The lamp is on.", "good night", "Good night."]
    turns = [json.loads(line) for line in (folder / TURNS).read_text(encoding="utf-8").splitlines()]
    assert [(turn["kind"], turn["state"], turn["reply_heard"]) for turn in turns] == [
        ("spoken", "done", "The lamp is on."),
        ("typed", "done", "Good night."),
    ]
    assert 0 < turns[0]["after_ms"]["transcript"] < turns[0]["after_ms"]["first_sound"]
    heard = sound(folder / "talk.wav")
    count = len(heard)
    assert count >= 9.9 * MIC_RATE_HZ
    np.testing.assert_allclose(heard[:, 0], desk.microphone[:count], atol=1e-3)
    first_s = turns[0]["sounded"][0][0]
    assert np.abs(heard[: round((first_s - 0.05) * MIC_RATE_HZ), 1]).max() == 0
    assert np.abs(heard[:, 1]).max() > 0.05


def test_the_turn_in_hand_is_kept_as_far_as_it_was_heard(tmp_path: Path) -> None:
    """The talk is ended in the middle of "Good night."."""
    kept = keeper(new_folder(tmp_path, NOW))
    hold_talk(kept.desk, kept.changed, typed_for_s=0.6)
    kept.close()
    page = (tmp_path / "2026-11-21_20-45-12" / PAGE).read_text(encoding="utf-8")
    assert page.endswith("good night\n\n**Assistant**: Good — *(interrupted)*\n")


@contextmanager
def files_opened_to_write() -> Iterator[set[str]]:
    """Names of files, as the interpreter itself tells of them."""
    opened: set[str] = set()
    watching = True

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR) and type(arguments[0]) is not int:
            opened.add(Path(str(arguments[0])).name)

    sys.addaudithook(watch)
    try:
        yield opened
    finally:
        watching = False


def test_nothing_is_kept_unasked(tmp_path: Path) -> None:
    """The same talk without a keeper opens no file to write to; with one it opens three."""
    kept = keeper(new_folder(tmp_path, NOW))
    hold_talk(lambda desk: desk, lambda _: None)  # whatever is loaded late is loaded now
    with files_opened_to_write() as opened:
        hold_talk(lambda desk: desk, lambda _: None)
    assert opened == set()
    with files_opened_to_write() as opened:
        hold_talk(kept.desk, kept.changed)
    assert opened == {PAGE, TURNS, "talk.wav"}
    kept.close()


@pytest.mark.parametrize("state", ["held", "open", "discarded"])
def test_a_turn_is_written_once_and_only_when_it_is_one(tmp_path: Path, state: str) -> None:
    """What is not over yet, and what became part of another turn, is left out; so is what a sleeper overheard."""
    folder = new_folder(tmp_path, NOW)
    kept = keeper(folder)
    kept.changed(record("hello", "", state))
    kept.changed(record("buy now", "", "rejected", reason="asleep"))
    assert (folder / TURNS).read_bytes() == b""


def test_a_crash_loses_at_most_the_turn_in_hand(tmp_path: Path) -> None:
    """Nobody closes anything here: every finished turn is there, and all of the sound but its last second."""
    folder = new_folder(tmp_path, NOW)
    kept = keeper(folder)
    for index in range(350):
        kept.frame(frame(index))
    kept.changed(record("hello", "Hello."))
    assert resume(folder) == (ChatMessage("user", "hello"), ChatMessage("assistant", "Hello."))
    assert len(sound(folder / "talk.wav")) >= 250 * FRAME_SAMPLES


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    """0700 and 0600, whatever the umask allows."""
    before = os.umask(0)
    try:
        folder = new_folder(tmp_path / "talks", NOW)
        kept = keeper(folder)
        kept.frame(frame(0))
        kept.close()
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder.parent, folder, *folder.iterdir())}
    assert modes == {"talks": 0o700, folder.name: 0o700, PAGE: 0o600, TURNS: 0o600, "talk.wav": 0o600}


def test_lost_frames_and_a_deaf_microphone_are_silence(tmp_path: Path) -> None:
    """So that every moment stays where it was, and who mutes the microphone is not recorded."""
    folder = new_folder(tmp_path, NOW)
    kept = keeper(folder)
    kept.frame(frame(7))
    kept.frame(frame(10))
    kept.deaf = lambda: True
    kept.frame(frame(11))
    kept.close()
    blocks = sound(folder / "talk.wav").reshape(5, FRAME_SAMPLES, 2)
    assert [tuple(block[0]) for block in blocks] == [(0.5, 0.25), (0, 0), (0, 0), (0.5, 0.25), (0, 0.25)]


def test_a_long_talk_has_several_sound_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn tells in which of them it is, and where."""
    monkeypatch.setattr(keeping, "_PART_S", 0.5)
    folder = new_folder(tmp_path, NOW)
    kept = keeper(folder)
    for index in (*range(60), *range(200, 210)):
        kept.frame(frame(index))
    kept.changed(record("hello", "", speech_start_s=0.55))
    kept.close()
    assert [len(sound(folder / name)) // FRAME_SAMPLES for name in ("talk.wav", "talk-2.wav", "talk-3.wav")] == [
        50,
        10,
        10,
    ]
    turn = json.loads((folder / TURNS).read_text(encoding="utf-8"))
    assert (turn["audio"], turn["audio_s"]) == ("talk-2.wav", pytest.approx(0.05))


def test_a_talk_goes_on_in_its_folder(tmp_path: Path) -> None:
    """Texts are appended, the sound goes into a file of its own, and both halves are one history."""
    folder = new_folder(tmp_path, NOW)
    for said in ("hello", "still there"):
        kept = keeper(folder)
        kept.frame(frame(0))
        kept.changed(record(said, "Yes."))
        kept.close()
    assert [message.text for message in resume(folder)] == ["hello", "Yes.", "still there", "Yes."]
    page = (folder / PAGE).read_text(encoding="utf-8")
    assert page.index("hello") < page.index("## Taken up again on Saturday") < page.index("still there")
    assert {path.name for path in folder.glob("*.wav")} == {"talk.wav", "talk-2.wav"}


def test_a_folder_that_cannot_be_written_to_is_one_sentence(tmp_path: Path) -> None:
    """Before the talk begins."""
    (tmp_path / "file").touch()
    with pytest.raises(KeepingError, match=r"cannot be kept in .*file: .*; choose a folder"):
        new_folder(tmp_path / "file", NOW)
    with pytest.raises(KeepingError, match=r"cannot be kept in .*gone"):
        keeper(tmp_path / "gone")


def test_a_full_disk_does_not_end_the_talk(tmp_path: Path) -> None:
    """The system refuses to let any file grow: keeping stops, says so once, and what was kept can be read."""
    told: list[str] = []
    folder = new_folder(tmp_path, NOW)
    kept = keeper(folder, told.append)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
    try:
        turns: list[TurnRecord] = []
        hold_talk(kept.desk, lambda turn: (kept.changed(turn), turns.append(turn)) and None)  # type: ignore[func-returns-value]
        kept.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert turns[-1].transcript == "good night"
    assert turns[-1].state == "done"
    (sentence,) = told
    assert sentence.startswith("From here on the talk is not kept:")
    assert str(folder) in sentence
    assert 2.9 * MIC_RATE_HZ < len(sound(folder / "talk.wav")) <= 50_000
