"""`assistant devices` as a person runs it, on real PortAudio devices."""

from __future__ import annotations

import json
import re

import pytest
from pulse import Pulse

pytestmark = pytest.mark.audio


def run(pulse: Pulse, *arguments: str) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of `assistant devices ...`."""
    process = pulse.python(["-m", "assistant", "devices", *arguments])
    out, err = process.communicate(timeout=60)
    return process.returncode, out.decode(), err.decode()


def test_what_works_is_listed(pulse: Pulse) -> None:
    """With its uses, rates and kind; the system's default is marked."""
    status, out, _ = run(pulse, "--json")
    assert status == 0
    found = {device["name"]: device for device in json.loads(out)}
    usual_hz = [16_000, 24_000, 44_100, 48_000]
    assert found["desk_mic"]["rates_hz"] == {"microphone": usual_hz}
    assert found["headset_phones"]["rates_hz"] == {"loudspeaker": usual_hz}
    assert [found[name]["kind"] for name in ("desk_mic", "desk_speaker", "headset_phones")] == [
        None,
        "loudspeakers",
        "headphones",
    ]
    assert {name for name, device in found.items() if device["default"]} == {"default"}
    status, out, _ = run(pulse)
    assert status == 0
    assert "* loudspeakers, 16/24/44.1/48 kHz" in out


def test_the_round_trip_is_measured(pulse: Pulse) -> None:
    """By clicks that come back over the desk."""
    pulse.noise()
    pulse.loopback()
    status, out, err = run(pulse, "test", "--latency", "--json", "--seconds", "6")
    assert status == 0, err
    facts = json.loads(out)
    assert facts["clicks_heard"] >= 3
    low, high = facts["round_trip_range_ms"]
    assert 60 < low <= facts["round_trip_ms"] <= high
    assert facts["problem"] == ""


def test_the_level_is_shown(pulse: Pulse) -> None:
    """In words where there is no terminal; without a path for clicks, that is said."""
    pulse.noise(db=-50)
    status, out, _ = run(pulse, "test", "--latency", "--seconds", "3")
    assert status == 0
    assert re.search(r"microphone   default: loudest -(4\d|50|51) dB", out)
    assert "no click came back: turn the loudspeaker up" in out


def test_a_silent_microphone_is_an_error_with_its_cure(pulse: Pulse) -> None:
    """Exact zeros for two seconds."""
    status, _, err = run(pulse, "test", "--seconds", "5")
    assert status == 2
    assert "gives nothing but exact zeros" in err


def test_an_unknown_name_is_an_error_with_the_nearest(pulse: Pulse) -> None:
    """In one sentence, without a traceback."""
    status, out, err = run(pulse, "test", "--set", "devices.microphone=desk_mike")
    assert (status, out) == (2, "")
    assert err == (
        "There is no microphone 'desk_mike'; did you mean desk_mic? `assistant devices` lists what there is.\n"
    )
