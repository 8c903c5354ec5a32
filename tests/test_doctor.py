"""doctor names everything that is missing, with what to do about it, and measures with the clock it is given."""

from __future__ import annotations

import itertools
from collections import defaultdict
from pathlib import Path

import pytest
from fakes import FakeChat, FakeSynthesizer, FakeTranscriber, FakeTurnModel

from assistant import doctor
from assistant.app import Models
from assistant.audio.devices import Device, list_devices
from assistant.config import Config
from assistant.doctor import Finding
from assistant.errors import AudioError, ModelError
from assistant.messages import Transcript
from assistant.models import cpu

VM_STAT = """\
Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                               10000.
Pages active:                            300000.
Pages inactive:                          200000.
Pages speculative:                         5000.
Pages throttled:                              0.
Pages wired down:                        150000.
Pages purgeable:                           1000.
"Translation faults":                 123456789.
"""


@pytest.fixture
def no_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without PortAudio."""

    def fail() -> list[Device]:
        raise AudioError("PortAudio is not installed; apt-get install libportaudio2.")

    monkeypatch.setattr("assistant.audio.devices.list_devices", fail)


def named(findings: list[Finding], topic: str) -> dict[str, Finding]:
    """The findings of one topic by name."""
    return {finding.name: finding for finding in findings if finding.topic == topic}


def test_missing_models_are_named_with_the_command(
    config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing was pulled: three cures, and no talk is possible."""
    monkeypatch.setenv("ASSISTANT_MODELS", str(tmp_path))
    findings = doctor.examine(config, None)
    models = named(findings, "models")
    assert models["folder"].value == str(tmp_path)
    assert [models[role].cure for role in ("transcriber", "chat", "voice")] == [
        "assistant models pull whisper-tiny.en",
        "assistant models pull smollm2-135m-instruct",
        "assistant models pull kokoro-82m",
    ]
    assert not doctor.usable(findings)


@pytest.mark.usefixtures("no_devices")
@pytest.mark.models
def test_a_machine_without_sound_can_still_talk_to_files(config: Config) -> None:
    """The cure is named; nothing that is needed is missing."""
    findings = doctor.examine(config, "small")
    assert named(findings, "audio")["devices"].cure == "PortAudio is not installed; apt-get install libportaudio2."
    assert named(findings, "profile")["small"].value == "asked for"
    assert [finding for finding in findings if finding.cure and finding.needed] == []
    assert doctor.usable(findings)


def test_devices_are_named(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default ones; a kind there is none of gets a cure."""
    devices = [
        Device("Loopback", 2, 2, 48_000, is_default_input=False, is_default_output=False),
        Device("MacBook Speakers", 0, 2, 44_100, is_default_input=False, is_default_output=True),
    ]
    monkeypatch.setattr("assistant.audio.devices.list_devices", lambda: devices)
    audio = named(doctor.examine(config, None), "audio")
    assert audio["loudspeaker"] == Finding("audio", "loudspeaker", "MacBook Speakers, 44100 Hz")
    assert "Connect a microphone" in audio["microphone"].cure


def test_a_device_that_is_asked_for_and_not_there(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest is named; a talk would not begin."""
    devices = [Device("MacBook Speakers", 0, 2, 44_100, is_default_input=False, is_default_output=True)]
    monkeypatch.setattr("assistant.audio.devices.list_devices", lambda: devices)
    wanted = config.devices.model_copy(update={"loudspeaker": "macbook speaker s"})
    audio = named(doctor.examine(config.model_copy(update={"devices": wanted}), None), "audio")
    assert "did you mean MacBook Speakers" in audio["loudspeaker"].cure


def test_portaudio_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    """ALSA's page of complaints about a machine without a sound card does not reach the terminal."""
    list_devices()
    assert capfd.readouterr() == ("", "")


def test_a_slow_blas_is_not_usable(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty times slower than real time is no talk; the cure is the status's own."""
    slow = cpu.CpuStatus(metal=False, blas="", threads=0, kernels=True, problem="Install OpenBLAS.")
    monkeypatch.setattr(cpu, "status", lambda: slow)
    findings = doctor.examine(config, None)
    assert named(findings, "compute")["MLX"].value == "CPU: reference BLAS, own convolution kernels"
    assert named(findings, "compute")["MLX"].cure == "Install OpenBLAS."
    assert not doctor.usable(findings)


def test_without_espeak_nothing_is_pronounced(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loader's own sentence is the cure."""

    def fail() -> str:
        raise ModelError("Speech needs espeak-ng; install it.")

    monkeypatch.setattr("assistant.models.phonemes.backend", fail)
    findings = doctor.examine(config, None)
    assert named(findings, "pronunciation")["English"].cure == "Speech needs espeak-ng; install it."
    assert not doctor.usable(findings)


def test_a_missing_library_is_named(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after installing without requirements.lock."""
    monkeypatch.setattr(doctor, "LIBRARIES", ("numpy", "no-such-library"))
    versions = named(doctor.examine(config, None), "versions")
    assert versions["numpy"].cure == ""
    assert versions["no-such-library"].cure == "Install what requirements.lock lists: make setup."


def test_memory_of_a_mac() -> None:
    """What macOS can hand out: free, inactive, speculative and purgeable pages."""
    assert doctor.parse_vm_stat(VM_STAT) == 216_000 * 16_384


def test_models_larger_than_the_memory_are_named(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hint, not a refusal: the system may make room."""
    monkeypatch.setattr(doctor, "_available_bytes", lambda: 2**28)
    memory = named(doctor.examine(config, None), "machine")["memory"]
    assert memory.cure == "Close other programs, or take smaller models: --profile small."
    assert not memory.needed


def test_measure_reports_the_longest_step_of_each_kind() -> None:
    """On a clock that advances 1 s more at every look; the reply is abandoned after a few tokens."""
    transcriber = FakeTranscriber()
    transcriber.says = defaultdict(lambda: Transcript("hello"))
    chat = FakeChat(["word " * 100])
    looks = itertools.accumulate(itertools.count())
    models = Models(transcriber, chat, FakeSynthesizer(), FakeTurnModel(0.5))
    findings = doctor.measure(models, lambda: float(next(looks)))
    milliseconds = {finding.name: int(finding.value.removesuffix(" ms")) for finding in findings}
    kinds = ["voice", "whisper_encoder", "whisper_token", "turn_model", "chat_prefill", "chat_token"]
    assert list(milliseconds) == kinds
    assert list(milliseconds.values()) == sorted(milliseconds.values())
    assert chat.closed_early == 2
    assert {finding.topic for finding in findings} == {"longest step"}
    (first,), (second,) = chat.told
    assert first != second


@pytest.mark.models
def test_measure_on_the_real_models(config: Config) -> None:
    """Every kind of work shows up, and takes some time."""
    from assistant.app import load_models

    findings = doctor.measure(load_models(config))
    kinds = {kind for finding in findings for kind in finding.name.split(" + ")}
    assert kinds == {"voice", "whisper_encoder", "whisper_token", "chat_prefill", "chat_token"}
    assert all(int(finding.value.removesuffix(" ms")) > 0 for finding in findings)
