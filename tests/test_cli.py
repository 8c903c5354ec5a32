"""The command line: what goes wrong becomes one sentence and an exit status."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from assistant import __version__
from assistant.audio.wav import write_wav
from assistant.cli import main
from assistant.errors import AudioError, ConfigError, InferenceError
from assistant.messages import Samples, Step, Steps, Transcript, Work

LOADER = "assistant.app.load_transcriber"


@dataclass
class Outcome:
    """What a command left behind."""

    status: int
    out: str
    err: str


Command = Callable[..., Outcome]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run the command line in this process."""

    def command(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["assistant", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Outcome(ended.value.code, captured.out, captured.err)

    return command


class EchoTranscriber:
    """Says how long the recording is; what to raise instead can be set for one length."""

    def __init__(self, *transcripts: Transcript, error: BaseException | None = None) -> None:
        self._transcripts = list(transcripts)
        self._error = error

    def transcribe(self, samples: Samples, language: str = "") -> Steps[Transcript]:
        """See ports.Transcriber."""
        yield Step((Work("whisper_encoder", 10),))
        if not self._transcripts and self._error:
            raise self._error
        yield Step((Work("whisper_token", 1),), (self._transcripts.pop(0),))


@pytest.fixture
def recordings(tmp_path: Path) -> list[str]:
    """Two recordings of 1 and 2 s."""
    for name, seconds in (("one.wav", 1), ("two.wav", 2)):
        write_wav(tmp_path / name, np.full(16_000 * seconds, 0.1, np.float32), 16_000)
    return [str(tmp_path / "one.wav"), str(tmp_path / "two.wav")]


def use(monkeypatch: pytest.MonkeyPatch, transcriber: EchoTranscriber) -> None:
    """Put a fake in Whisper's place."""
    monkeypatch.setattr(LOADER, lambda _config: transcriber)


def test_version_and_help(run: Command) -> None:
    """Both end well and say what they are asked."""
    assert run("--version") == Outcome(0, f"assistant {__version__}\n", "")
    helped = run("--help")
    assert helped.status == 0
    assert {"transcribe", "doctor"} <= set(helped.out.split())


@pytest.mark.parametrize("arguments", [["sing"], ["transcribe"], ["transcribe", "--loud", "x.wav"]])
def test_a_wrong_command_line_is_status_2(run: Command, arguments: Sequence[str]) -> None:
    """Usage goes to stderr, nothing to stdout."""
    outcome = run(*arguments)
    assert outcome.status == 2
    assert outcome.out == ""
    assert "Usage:" in outcome.err


def test_an_error_of_ours_is_one_sentence(run: Command) -> None:
    """No traceback, the cure in it, status 2."""
    assert run("transcribe", "x.wav", "--set", "speech.sped=1") == Outcome(
        2, "", "--set speech.sped=1: there is no key speech.sped; did you mean speed?\n"
    )


def test_an_unexpected_error_is_one_line(run: Command, recordings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the kind of error and how to see where; status 1."""
    use(monkeypatch, EchoTranscriber(error=ZeroDivisionError("of zero")))
    outcome = run("transcribe", recordings[0])
    assert outcome == Outcome(1, "", "Unexpected ZeroDivisionError: of zero (`assistant --debug ...` shows where).\n")


def test_an_error_out_of_a_task_group_is_unwrapped(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Task groups raise groups of groups; the first cause is what a user can act on."""
    wrapped = ExceptionGroup("tasks", [ExceptionGroup("tasks", [AudioError("Plug it in.")])])

    def fail(*_: object, **__: object) -> None:
        raise wrapped

    monkeypatch.setattr("assistant.config.load", fail)
    assert run("doctor") == Outcome(2, "", "Plug it in.\n")


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exception itself leaves `main`."""
    monkeypatch.setattr(sys, "argv", ["assistant", "--debug", "doctor", "--profile", "huge"])
    try:
        with pytest.raises(ConfigError, match="no profile 'huge'"):
            main()
    finally:
        logging.getLogger("assistant").setLevel(logging.NOTSET)


def test_transcribe_prints_texts(run: Command, recordings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The text alone for one file, with the file's name for several."""
    use(monkeypatch, EchoTranscriber(Transcript("Hello."), Transcript("One."), Transcript("Two.")))
    assert run("transcribe", recordings[0]) == Outcome(0, "Hello.\n", "")
    assert run("transcribe", *recordings) == Outcome(0, f"{recordings[0]}: One.\n{recordings[1]}: Two.\n", "")


def test_transcribe_json(run: Command, recordings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every fact of every file, errors and refusals among them."""
    use(monkeypatch, EchoTranscriber(Transcript("One."), Transcript("You", "invented")))
    outcome = run("transcribe", "--json", recordings[0], "none.wav", recordings[1])
    first, missing, second = json.loads(outcome.out)["files"]
    assert outcome.status == 2
    assert first.pop("compute_seconds") >= 0
    assert first == {"file": recordings[0], "text": "One.", "refused": "", "seconds": 1.0}
    assert missing == {"file": "none.wav", "error": "There is no sound file none.wav; check the path."}
    assert (second["text"], second["refused"]) == ("You", "invented")


def test_a_bad_file_loses_nothing(run: Command, recordings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are transcribed; the bad one costs a sentence and the exit status."""
    use(monkeypatch, EchoTranscriber(Transcript("One."), Transcript("Two.")))
    broken = Path(recordings[0]).with_name("broken.wav")
    broken.write_text("hello")
    outcome = run("transcribe", recordings[0], str(broken), recordings[1])
    assert outcome.status == 2
    assert outcome.out == f"{recordings[0]}: One.\n{recordings[1]}: Two.\n"
    assert outcome.err.startswith(f"{broken} is not a sound file")
    assert outcome.err.count("\n") == 1


def test_a_failing_model_loses_nothing(run: Command, recordings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What was transcribed before it is printed."""
    use(monkeypatch, EchoTranscriber(Transcript("One."), error=InferenceError("Whisper failed; try again.")))
    outcome = run("transcribe", *recordings)
    assert outcome == Outcome(2, f"{recordings[0]}: One.\n", "Whisper failed; try again.\n")


def test_silence_is_no_text(run: Command, recordings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on stdout that could be taken for what was said."""
    use(monkeypatch, EchoTranscriber(Transcript("", "silence")))
    assert run("transcribe", recordings[0]) == Outcome(
        0, "", f"{recordings[0]}: no speech that can be believed (silence).\n"
    )


def test_ctrl_c_keeps_what_is_done(run: Command, recordings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Status 130, and the JSON so far."""
    use(monkeypatch, EchoTranscriber(Transcript("One."), error=KeyboardInterrupt()))
    outcome = run("transcribe", "--json", *recordings)
    assert outcome.status == 130
    assert [fact["text"] for fact in json.loads(outcome.out)["files"]] == ["One."]


def test_transcribe_without_the_model_says_how_to_get_it(
    run: Command, recordings: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An empty model folder."""
    monkeypatch.setenv("ASSISTANT_MODELS", str(tmp_path / "models"))
    outcome = run("transcribe", recordings[0], "--profile", "small")
    assert outcome.status == 2
    assert "run: assistant models pull" in outcome.err


@pytest.mark.models
def test_transcribe_on_the_real_model(run: Command) -> None:
    """Two recordings, one of them with a file that is not there between them."""
    speech = Path(__file__).parent / "speech"
    outcome = run(
        "transcribe", "--profile", "small", str(speech / "mycroft_stop.wav"), "none.wav", str(speech / "jfk.wav")
    )
    assert outcome.status == 2
    stop, question = outcome.out.splitlines()
    assert stop.endswith("mycroft_stop.wav: Stop.")
    assert "what you can do for your country" in question
    assert outcome.err == "There is no sound file none.wav; check the path.\n"
