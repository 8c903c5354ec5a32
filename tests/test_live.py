"""The live talk on fakes, in real time: what is said and typed, what is kept, and how it ends."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from live_user import Desk

from assistant.dialogue.load import load_dialogues
from assistant.errors import KeepingError, ModelError
from assistant.kept import TURNS
from assistant.live import Options

QUESTION = "rhasspy3_what_time_is_it.wav"


def test_what_is_said_is_answered(desk: Desk) -> None:
    """Hands-free; the models were loaded and warmed before, and that was shown."""

    async def user() -> None:
        await desk.until(lambda: desk.shown.turns and desk.shown.last().state == "done")
        desk.keys("q")

    desk.talk(user, replies=["It is nine."], said=[(QUESTION, 0.5)])
    assert desk.shown.doings == [
        "loading whisper-tiny.en", "loading smollm2-135m-instruct", "loading kokoro-82m", "warming up", "",
    ]  # fmt: skip
    assert desk.shown.last().reply_heard == "It is nine."
    assert {"listening", "hearing", "speaking"} <= {now.state for now in desk.shown.moments}
    assert any(now.first_sound_s for now in desk.shown.moments)
    assert max(now.level_db for now in desk.shown.moments) > -40
    assert desk.shown.status.microphone == "a microphone"
    assert desk.shown.closed


def test_a_typed_line_is_a_turn_and_interrupts(desk: Desk) -> None:
    """While it is typed it is shown, and its letters are no commands."""

    async def user() -> None:
        await desk.reaches("listening")
        desk.keys("\rmix a story")
        await desk.until(lambda: desk.shown.moments[-1].line == "mix a story")
        desk.keys("\r")
        await desk.reaches("speaking")
        desk.keys("\rand now?\r")
        await desk.until(lambda: len(desk.shown.turns) == 2)
        desk.keys("q")

    desk.talk(user)
    assert [turn.transcript for turn in desk.shown.turns] == ["mix a story", "and now?"]
    assert desk.shown.turns[0].state == "cut"


def test_a_line_typed_while_the_models_load_is_answered_then(desk: Desk) -> None:
    """Nobody types for nothing."""

    async def user() -> None:
        desk.keys("\rearly\r")
        await desk.reaches("speaking")
        desk.keys("q")

    desk.talk(user)
    assert [turn.transcript for turn in desk.shown.turns] == ["early"]


def test_after_long_idleness_the_models_are_warmed(desk: Desk) -> None:
    """And it is shown; somebody who types then is answered."""

    async def user() -> None:
        await desk.until(lambda: desk.shown.doings.count("warming up") == 2)
        desk.keys("\rhello\r")
        await desk.reaches("speaking")
        desk.keys("q")

    desk.talk(user, settings=["talk.idle_warm_up_s=1.0"])
    assert desk.shown.doings[-1] == ""


def test_a_talk_is_kept_and_taken_up_again_only_when_asked(desk: Desk, tmp_path: Path) -> None:
    """In a folder that is named; the second part goes on in the first one's."""

    async def user() -> None:
        turns = len(desk.shown.turns)
        desk.shown.moments.clear()
        await desk.reaches("listening")
        desk.keys("\rhello\r")
        await desk.until(lambda: len(desk.shown.turns) > turns and desk.shown.last().state == "done")
        desk.keys("q")

    desk.talk(user, Options(save=tmp_path), replies=["Hi."])
    (folder,) = tmp_path.iterdir()
    assert str(folder) in desk.shown.notes[0]
    desk.talk(user, Options(resume=tmp_path), replies=["Hi again."])
    assert len((folder / TURNS).read_text().splitlines()) == 2


def test_a_talk_is_recorded_only_when_asked(desk: Desk, tmp_path: Path) -> None:
    """As a dialogue script; where it goes is said before and after. A talk that goes on makes none."""

    async def user() -> None:
        await desk.until(lambda: desk.shown.turns and desk.shown.last().state == "done")
        desk.keys("q")

    options = Options(record=tmp_path, profile="small")
    desk.talk(user, options, replies=["It is nine."], said=[(QUESTION, 0.5)])
    (script,) = tmp_path.glob("*.yaml")
    assert desk.shown.notes[0].endswith(f"what you said is written to {script}.")
    assert desk.shown.notes[1].startswith(f"Recorded: {script}, 1 entry.")
    (dialogue,) = load_dialogues([script], "small")
    assert dialogue.script.turns[0].expect.transcript == "tell me a story"
    with pytest.raises(ExceptionGroup) as raised:
        desk.talk(user, Options(record=tmp_path, resume=tmp_path))
    assert raised.group_contains(KeepingError, match="leave out --record or --resume")


def test_what_cannot_be_used_is_told_before_anything_is_loaded(desk: Desk, tmp_path: Path) -> None:
    """The display is closed first, so that the sentence stands alone."""

    async def user() -> None:
        await anyio.sleep_forever()

    with pytest.raises(ExceptionGroup) as raised:
        desk.talk(user, Options(resume=tmp_path / "nothing"))
    assert raised.group_contains(KeepingError)
    assert desk.shown.doings == []
    assert desk.shown.closed


def test_a_model_that_is_missing_ends_the_talk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the sentence that tells how to get it."""

    def missing(_: object) -> None:
        raise ModelError("pull it")

    async def user() -> None:
        monkeypatch.setattr("assistant.live.load_chat", missing)

    with pytest.raises(ExceptionGroup) as raised:
        desk.talk(user)
    assert raised.group_contains(ModelError)


def test_tones_are_played_only_when_switched_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Falling asleep is one."""
    chimes: list[int] = []
    monkeypatch.setattr("assistant.audio.speaker.Speaker.chime", lambda _, samples: chimes.append(len(samples)))

    async def user() -> None:
        desk.shown.moments.clear()
        await desk.reaches("listening")
        desk.keys("s")
        await desk.reaches("asleep")
        desk.keys("q")

    desk.talk(user)
    assert chimes == []
    desk.talk(user, settings=["earcons.enabled=true"])
    assert len(chimes) == 1
