"""A talk recorded at a simulated desk, and its script run."""

from __future__ import annotations

import inspect
import stat
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import yaml
from fakes import FakeChat, FakeSynthesizer, FakeTranscriber
from recorded import record
from typer.testing import CliRunner

from assistant import config as configuration
from assistant.app import Assistant, Models
from assistant.audio.wav import read_wav
from assistant.cli import app
from assistant.cli.talk import talk as talk_command
from assistant.config import Config
from assistant.dialogue.load import load_dialogues
from assistant.dialogue.result import DialogueResult
from assistant.dialogue.runner import Shelf, run_dialogues
from assistant.dialogue.step_store import StepStore
from assistant.dialogue.talk_recorder import Recorder
from assistant.errors import KeepingError
from assistant.messages import FRAME_SAMPLES, MIC_RATE_HZ, Frame, SpeechStarted, Transcript, Utterance, UtteranceEnded
from assistant.metrics import TurnRecord
from assistant.simulation.room import Room, RoomConfig

HERE = Path(__file__).parent
SPEECH, SCRIPTS = HERE.parent / "speech", HERE.parent / "dialogues"
SETTINGS = ["chat.max_tokens=7", "devices.latency_ms=200", "echo.device='loudspeakers'", "endpoint.pre_roll_ms=350"]
QUESTION = f"""\
room: {{noise: pink, noise_dbfs: -40, seed: 2}}
settle_ms: 500
turns:
  - user: {SPEECH}/rhasspy3_turn_on_the_lamp.wav
  - type: good night
"""


def fakes(config: Config) -> Models:
    """Every utterance says the same."""
    transcriber = FakeTranscriber()
    transcriber.says = defaultdict(lambda: Transcript("Turn on the lamp."))
    return Models(transcriber, FakeChat(["The lamp is on.", "Good night."]), FakeSynthesizer())


def talk(folder: Path, text: str = QUESTION, **options: object) -> tuple[Recorder, str]:
    """A talk of fakes, recorded."""
    (folder / "talk.yaml").write_text(text)
    (dialogue,) = load_dialogues([folder / "talk.yaml"], "small", settings=SETTINGS)
    return record(dialogue, folder / "talks", fakes, **options)  # type: ignore[arg-type]


def test_a_talk_becomes_a_script_that_only_its_owner_may_read(tmp_path: Path) -> None:
    """With its recordings, what differs from the profile, and the room's own noise."""
    recorder, sentence = talk(tmp_path)
    assert recorder.script == tmp_path / "talks" / "2026-01-05_09-00-00.yaml"
    assert sentence.startswith(f"Recorded: {recorder.script}, 2 entries.")
    values = yaml.safe_load(recorder.script.read_text())
    assert values["config"] == {
        "endpoint": {"pre_roll_ms": 350},
        "chat": {"max_tokens": 7},
        "simulation": {"start": "2026-01-05T09:00:00"},
    }
    spoken, typed = values["turns"]
    assert spoken["user"] == "2026-01-05_09-00-00/01-turn-on-the-lamp.wav"
    assert spoken["expect"] == {"transcript": "Turn on the lamp."}
    assert (typed["type"], "echo_gain_db" in values["room"]) == ("good night", False)
    assert values["room"]["noise_dbfs"] == pytest.approx(-40, abs=1)
    folder = recorder.script.with_suffix("")
    assert {path.name for path in folder.iterdir()} == {"01-turn-on-the-lamp.wav", "room.wav"}
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, recorder.script)] == [0o700, 0o600]
    load_dialogues([recorder.script], "small")


def test_the_room_of_a_muted_microphone_is_nobodys_business(tmp_path: Path) -> None:
    """Nothing is said, and nothing is taken for the room's noise."""

    def mute(assistant: Assistant, time_s: float) -> None:
        assistant.muted = True

    recorder, _ = talk(tmp_path, during=mute)
    values = yaml.safe_load(recorder.script.read_text())
    assert values["room"] == {"reported_latency_ms": 20}
    assert [next(iter(turn)) for turn in values["turns"]] == ["type"]


@pytest.mark.parametrize("muted", [False, True])
def test_what_was_said_before_it_was_noticed_is_recorded_unless_muted(tmp_path: Path, muted: bool) -> None:
    """Over a reply somebody is noticed late: 1.5 s more are taken, but never of a microphone that was off."""
    reply, user = read_wav(SPEECH / "jfk.wav") * 0.5, read_wav(SPEECH / "rhasspy3_set_timer.wav")
    played, said = np.zeros(12 * MIC_RATE_HZ, np.float32), np.zeros(12 * MIC_RATE_HZ, np.float32)
    played[MIC_RATE_HZ:] = reply[: 11 * MIC_RATE_HZ]
    start, end = 8 * MIC_RATE_HZ, 8 * MIC_RATE_HZ + len(user)
    said[start:end] = user
    room = Room(RoomConfig(echo_gain_db=-12, echo_delay_ms=60, noise="pink"))
    recorder = Recorder(tmp_path, configuration.load("small"), "small", False, 20, datetime(2026, 1, 5))
    for at in range(0, end + MIC_RATE_HZ // 2, FRAME_SAMPLES):
        recorder.deaf = lambda at=at: muted and 6 < at / MIC_RATE_HZ < 7  # type: ignore[misc]
        reference = played[at : at + FRAME_SAMPLES]
        recorder.frame(Frame(at, room.step(reference, said[at : at + FRAME_SAMPLES]), reference))
    noticed = start + MIC_RATE_HZ
    recorder.heard(SpeechStarted(noticed, in_echo_window=True))
    recorder.heard(UtteranceEnded(Utterance(noticed, said[noticed:end], noticed, end, 500, in_echo_window=True)))
    turn = TurnRecord("spoken", noticed / MIC_RATE_HZ, end / MIC_RATE_HZ, 0, "done", transcript="A timer.", ended_s=12)
    recorder.changed(turn)
    recorder.close()
    (recording,) = tmp_path.glob("*/01-*.wav")
    extra_s = (len(read_wav(recording)) - (end - noticed)) / MIC_RATE_HZ
    assert extra_s == pytest.approx(0 if muted else 1.8, abs=0.05)


def test_an_interruption_by_a_key_is_said_to_be_left_out(tmp_path: Path) -> None:
    """At the head of the script."""

    def press_x(assistant: Assistant, time_s: float) -> None:
        if assistant.conversation.floor.audible:
            assistant.interrupt()

    recorder, _ = talk(tmp_path, during=press_x)
    assert "# Left out: interruptions by a key, or by the end of the talk: 2.\n" in recorder.script.read_text()


def test_a_talk_in_which_nothing_was_said_leaves_nothing(tmp_path: Path) -> None:
    """Not even a folder."""
    _, sentence = talk(tmp_path, "turns: [{silence_ms: 300}]")
    assert sentence == "Nothing was said, so nothing is recorded."
    assert not list((tmp_path / "talks").iterdir())


def test_nothing_is_written_before_the_end_and_what_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    """The folder was there when the talk began."""

    def take_away(assistant: Assistant, time_s: float) -> None:
        for folder in (tmp_path / "talks").iterdir():
            assert not list(folder.iterdir())
            folder.rmdir()

    with pytest.raises(KeepingError, match=r"cannot be written to .*2026-01-05_09-00-00\.yaml: .*"):
        talk(tmp_path, during=take_away)


def test_another_profile_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replay needs the same models."""
    monkeypatch.setattr(configuration, "default_profile", lambda: "mac")
    recorder, sentence = talk(tmp_path)
    assert f"assistant dialogue run --profile small {recorder.script}" in sentence


def test_a_folder_that_cannot_be_made_is_known_before_the_talk(tmp_path: Path) -> None:
    """One sentence."""
    (tmp_path / "file").touch()
    with pytest.raises(KeepingError, match="choose a folder"):
        Recorder(tmp_path / "file", configuration.load("small"), "small", False, 20, datetime(2026, 1, 5))


def test_the_command_is_a_recorded_talk(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same options."""
    seen: dict[str, object] = {}
    monkeypatch.setattr("assistant.cli.record.talk", lambda **options: seen.update(options))
    ran = CliRunner().invoke(app, ["dialogue", "record", "talks", "--push-to-talk", "--set", "chat.max_tokens=5"])
    assert ran.exit_code == 0, ran.output
    assert {"record": Path("talks"), "push_to_talk": True, "settings": ["chat.max_tokens=5"]}.items() <= seen.items()
    assert set(seen) <= set(inspect.signature(talk_command).parameters)


def turns(result: DialogueResult) -> list[tuple[str, str | None, bool, int | None]]:
    """What came of each entry: transcript, command, whether its reply was cut, and whose reply it cut."""
    return [(seen.transcript, seen.command, seen.interrupted, seen.interrupts) for seen in result.turns]


@pytest.mark.models
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "plain/pauses",
            [("", None, False, None), ("Set a timer for 10 minutes. Play the Beatles.", None, False, None)],
        ),
        ("plain/push_to_talk", [("In 1813,", None, True, None), ("What time is it?", "time", False, 0)]),
        (
            "plain/typed_and_spoken",
            [("Where is Paris?", None, False, None), ("In 1813,", None, True, None), ("thank you", None, False, 1)],
        ),
        (
            "echo/200_ms_interruption",
            [("I'd like a small single shot Americano.", None, True, None), ("What time is it?", "time", False, 0)],
        ),
    ],
)
def test_a_recorded_talk_is_reproduced(name: str, expected: object, tmp_path: Path) -> None:
    """The same turns, who interrupted whom, and nothing else heard; in the same room, as far as it was heard."""
    text = (SCRIPTS / f"{name}.yaml").read_text().replace("../../speech", str(SCRIPTS.parent / "speech"))
    script = tmp_path / "script.yaml"  # louder: of words half covered by echo Whisper hears others each time
    script.write_text(text.replace("gain_db: 6 ", "gain_db: 10 "))
    (dialogue,) = load_dialogues([script], "small")
    shelf = Shelf(StepStore())
    recorder, _ = record(dialogue, tmp_path / "recorded", shelf)
    (again,) = load_dialogues([recorder.script], "small")
    (performance,) = run_dialogues([again], "simulated", shelf)
    result = performance.result
    assert result.passed, [result.failures, [seen.failures for seen in result.turns]]
    assert turns(result) == expected
    room = dialogue.script.room
    if room is not None and room.echo_gain_db is not None:
        measured = again.script.room
        assert measured is not None
        assert measured.echo_gain_db == pytest.approx(room.echo_gain_db, abs=2)
        assert measured.echo_delay_ms == pytest.approx(room.echo_delay_ms, abs=10)
        assert measured.reverb_rt60_s == pytest.approx(room.reverb_rt60_s, rel=0.3)
