"""The live desk on real PortAudio devices: what is said is heard, what is played sounds, and echo can be cancelled."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pulse import Pulse

from assistant.audio.echo_canceller import LATENCY_SAMPLES, EchoCanceller
from assistant.audio.level import level_db
from assistant.audio.wav import read_wav
from assistant.messages import FRAME_SAMPLES, MIC_RATE_HZ, Samples

pytestmark = pytest.mark.audio

SPEECH = Path(__file__).parent.parent / "speech"
JFK = SPEECH / "jfk.wav"
TIME = SPEECH / "allison_at-tone-time-exactly.wav"
DRIVER = str(Path(__file__).with_name("desk_driver.py"))
UNHURRIED = "devices.latency_ms=300"
"""A busy machine runs PulseAudio late; latency is not what is tested here."""
ATTEMPTS = 4
PATIENCE_S = 30.0

Status = dict[str, Any]


class Desk:
    """The live desk in a process of its own.

    Args:
        pulse: The devices.
        settings: More than the driver's own, as `section.key=value`.
    """

    def __init__(self, pulse: Pulse, *settings: str) -> None:
        self._out = pulse.folder / "desk.npz"
        self._process = pulse.python([DRIVER, str(self._out), UNHURRIED, *settings])
        self._news = threading.Condition()
        self._counted = {"played": 0, "opened": 0}
        self.told: list[Status] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.until_count("opened", 1)

    def order(self, *words: object) -> None:
        """A line for the driver."""
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(map(str, words)).encode() + b"\n")
        self._process.stdin.flush()

    def play(self, recording: Path) -> None:
        """Play it to its end."""
        self.order("play", recording)
        self.until_count("played", self._counted["played"] + 1)

    def until_count(self, what: str, count: int) -> None:
        """So many recordings were `played`, or so many times devices `opened` and heard something."""
        with self._news:
            assert self._news.wait_for(lambda: self._counted[what] >= count, PATIENCE_S), self.told

    def until(self, condition: Callable[[Status], bool]) -> Status:
        """The first status of which this is so, the latest included."""
        with self._news:
            assert self._news.wait_for(lambda: bool(self.told) and condition(self.told[-1]), PATIENCE_S), self.told
            return self.told[-1]

    @property
    def xruns(self) -> int:
        """So far."""
        return int(self.told[-1]["xruns"]) if self.told else 0

    def stop(self) -> dict[str, Any]:
        """What it heard and pulled, what is still under way included; see desk_driver.py."""
        time.sleep(0.5)
        self.order("stop")
        assert self._process.wait(PATIENCE_S) == 0
        self._reader.join()
        with np.load(self._out) as facts:
            return dict(facts)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            facts = json.loads(line)
            with self._news:
                for what in self._counted:
                    self._counted[what] += what in facts
                if "problem" in facts:
                    self.told.append(facts)
                self._news.notify_all()


def without_xruns(desk: Desk, scene: Callable[[], None]) -> None:
    """Play a scene again when a device lost samples meanwhile, whatever came of it; the last attempt counts."""
    for _ in range(ATTEMPTS):
        before = desk.xruns
        scene()
        if desk.xruns == before:
            return


def say(pulse: Pulse, recording: Path, sink: str = "mic") -> None:
    """To the microphone, to its end."""
    assert pulse.play(recording, sink).wait(PATIENCE_S) == 0


def on_the_clock(facts: dict[str, Any], what: str) -> Samples:
    """What the frames hold, each where it belongs; silence where there is none, as for the capture stage."""
    starts = facts["starts"] - facts["starts"][0]
    out = np.zeros(starts[-1] + FRAME_SAMPLES, np.float32)
    for start, samples in zip(starts, facts[what].reshape(-1, FRAME_SAMPLES), strict=True):
        out[start : start + FRAME_SAMPLES] = samples
    return out


def likeness(speech: Samples, recording: Samples) -> float:
    """How like a recording is to what was said, 0 to 1: the median over seconds, for a lost sample spoils but one."""
    seconds = np.split(speech, range(MIC_RATE_HZ, len(speech) - MIC_RATE_HZ // 2, MIC_RATE_HZ))
    return float(np.median([_correlation(second, recording) for second in seconds]))


def _correlation(part: Samples, whole: Samples) -> float:
    """The highest, normalised, with any stretch of a recording."""
    size = 1 << (len(part) + len(whole) - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(whole, size) * np.conj(np.fft.rfft(part, size)), size)[: len(whole)]
    energy = np.cumsum(np.concatenate([[0.0], whole.astype(np.float64) ** 2, np.zeros(len(part))]))
    norms = np.sqrt((energy[len(part) :][: len(whole)] - energy[: len(whole)]) * np.sum(part.astype(np.float64) ** 2))
    return float(np.max(np.abs(product) / np.maximum(norms, 1e-3)))


def lead_ms(heard: Samples, reference: Samples) -> float:
    """By how much the reference leads what is heard."""
    size = 1 << (2 * len(heard)).bit_length()
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(reference, size)), size)
    best = int(np.argmax(np.abs(product)))
    return (best if best < size // 2 else best - size) * 1000 / MIC_RATE_HZ


def latest(samples: Samples, seconds: float) -> Samples:
    """The end of a recording."""
    return samples[-round(seconds * MIC_RATE_HZ) :]


def test_what_is_said_is_heard(pulse: Pulse) -> None:
    """Speech played into the microphone arrives as frames."""
    pulse.noise()
    desk = Desk(pulse)
    without_xruns(desk, lambda: say(pulse, TIME))
    facts = desk.stop()
    assert likeness(read_wav(TIME), latest(on_the_clock(facts, "heard"), 6)) > 0.8
    assert (facts["starts"] % FRAME_SAMPLES == 0).all()
    assert (np.diff(facts["starts"]) >= FRAME_SAMPLES).all()
    assert facts["opened"][0] == facts["starts"][0]


def test_what_is_pulled_sounds(pulse: Pulse, tmp_path: Path) -> None:
    """And the reference is the same."""
    pulse.noise()
    desk = Desk(pulse)
    with pulse.recording(tmp_path / "loudspeaker.wav"):
        without_xruns(desk, lambda: desk.play(TIME))
    facts = desk.stop()
    speech = read_wav(TIME)
    assert likeness(speech, latest(read_wav(tmp_path / "loudspeaker.wav"), 6)) > 0.8
    assert likeness(speech, latest(on_the_clock(facts, "reference"), 6)) > 0.8


def test_the_reference_leads_the_echo_and_it_is_cancelled(pulse: Pulse) -> None:
    """By what AEC3 needs: 10 to 400 ms; what it leaves of speech is 15 dB softer after a few seconds."""
    pulse.noise()
    pulse.loopback(delay_ms=60, gain_db=-10)
    desk = Desk(pulse)
    without_xruns(desk, lambda: desk.play(JFK))
    facts = desk.stop()
    heard, reference = latest(on_the_clock(facts, "heard"), 11), latest(on_the_clock(facts, "reference"), 11)
    heard, reference = heard[: len(heard) // FRAME_SAMPLES * FRAME_SAMPLES], reference[: len(heard)]
    assert 10 < lead_ms(heard, reference) < 400
    canceller = EchoCanceller()
    frames = range(0, len(heard), FRAME_SAMPLES)
    left = [canceller.process(heard[at : at + FRAME_SAMPLES], reference[at : at + FRAME_SAMPLES]) for at in frames]
    settled = slice(5 * MIC_RATE_HZ, 10 * MIC_RATE_HZ)
    assert level_db(heard[settled]) - level_db(np.concatenate(left)[LATENCY_SAMPLES:][settled]) > 15


def test_a_microphone_that_is_pulled_out_and_returns(pulse: Pulse) -> None:
    """Frames stop, the status says so and why, and they go on by themselves when it is back."""
    pulse.noise()
    desk = Desk(pulse, "devices.microphone=desk_mic")
    pulse.remove_microphone()
    lost = desk.until(lambda status: "The microphone desk_mic is lost" in status["problem"])
    assert lost["microphone"] == ""
    desk.until(lambda status: "The microphone desk_mic cannot be opened" in status["problem"])
    pulse.restore_microphone()
    desk.until_count("opened", 2)
    assert desk.until(lambda status: not status["problem"])["microphone"] == "desk_mic"
    without_xruns(desk, lambda: say(pulse, TIME))
    facts = desk.stop()
    gap = int(np.argmax(np.diff(facts["starts"])))
    assert facts["starts"][gap + 1] in facts["opened"][1:]
    assert likeness(read_wav(TIME), latest(on_the_clock(facts, "heard"), 6)) > 0.7


def test_the_next_default_is_used_when_one_is_lost(pulse: Pulse) -> None:
    """Without names in the settings the system chooses, and the talk goes on there."""
    pulse.noise()
    pulse.noise(sink="headset_in")
    desk = Desk(pulse)
    pulse.remove_microphone()
    desk.until_count("opened", 2)
    assert any("lost" in status["problem"] for status in desk.told)
    without_xruns(desk, lambda: say(pulse, TIME, "headset_in"))
    facts = desk.stop()
    assert likeness(read_wav(TIME), latest(on_the_clock(facts, "heard"), 6)) > 0.7


def test_another_default_is_followed(pulse: Pulse) -> None:
    """The system moves the streams."""
    pulse.noise()
    pulse.noise(sink="headset_in")
    desk = Desk(pulse)
    pulse.set_default(source="headset_micin")
    without_xruns(desk, lambda: say(pulse, TIME, "headset_in"))
    facts = desk.stop()
    assert likeness(read_wav(TIME), latest(on_the_clock(facts, "heard"), 6)) > 0.7


def test_the_sound_server_dies_and_returns(pulse: Pulse) -> None:
    """Every device is gone at once, and comes back as another."""
    pulse.noise()
    desk = Desk(pulse)
    pulse.kill_server()
    desk.until(lambda status: status["problem"] != "")
    pulse.start()
    pulse.noise()
    desk.until_count("opened", 2)
    desk.until(lambda status: not status["problem"])
    desk.stop()


def test_devices_are_switched_by_name(pulse: Pulse, tmp_path: Path) -> None:
    """From the desk's to a headset, in mid-talk: it is heard and played there, and known for headphones."""
    pulse.noise()
    pulse.noise(sink="headset_in")
    desk = Desk(pulse, "devices.microphone=desk_mic", "devices.loudspeaker=desk_speaker")
    assert desk.told[-1]["loudspeakers"]
    desk.order("switch", "headset_mic", "headset_phones")
    desk.until_count("opened", 2)
    assert desk.told[-1] | {"xruns": 0} == {
        "microphone": "headset_mic",
        "loudspeaker": "headset_phones",
        "loudspeakers": False,
        "xruns": 0,
        "problem": "",
        "warning": "",
    }
    with pulse.recording(tmp_path / "headset.wav", sink="headset_out"):
        without_xruns(desk, lambda: desk.play(TIME))
    without_xruns(desk, lambda: say(pulse, TIME, "headset_in"))
    facts = desk.stop()
    assert likeness(read_wav(TIME), read_wav(tmp_path / "headset.wav")) > 0.7
    assert likeness(read_wav(TIME), latest(on_the_clock(facts, "heard"), 6)) > 0.7


def test_a_muted_microphone_is_a_problem_until_it_is_heard(pulse: Pulse) -> None:
    """A null sink that nobody plays into gives exact zeros, as macOS does without leave."""
    desk = Desk(pulse)
    desk.until(lambda status: "gives nothing but exact zeros" in status["problem"])
    pulse.noise()
    desk.until(lambda status: not status["problem"])
    desk.stop()
