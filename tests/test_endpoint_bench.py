"""The bench of the wait for the end: who counts as cut off, what counts as the wait, and that the fit finds a rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import endpoint as bench
import numpy as np
import pytest
from endpoint_moments import in_a_room, join, pauses

from assistant.audio.prosody import FEATURES, MEANS, SCALES
from assistant.audio.vad import voiced_span
from assistant.audio.wav import read_wav
from assistant.messages import MIC_RATE_HZ


def pause(length_ms: float | None, said: float = 0.0, text: str = "I like tea.", late_ms: float = 0) -> dict[str, Any]:
    """`said` deviations more than the mean has been said; its words come after 250 ms."""
    features = list(MEANS)
    features[-1] += said * SCALES[-1]
    known = {"text": text, "words_ms": 250, "turn_model": 0.6}
    return {"length_ms": length_ms, "began_ms": 100, "late_ms": late_ms, "features": features, **known}


def judged(*utterances: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The row of each rule."""
    rows = bench.table([{"set": "made up", "pauses": one} for one in utterances], bench.RULES)
    return {row["rule"]: row for row in rows}


def test_who_goes_on_after_the_wait_was_over_was_cut_off() -> None:
    rows = judged([pause(600), pause(None)], [pause(900), pause(None)], [pause(None)])
    cut_off = [rows[name]["cut_off"] for name in ("fixed 800 ms", "fixed 350 ms", "words only")]
    assert cut_off == [1, 2, 2]


def test_the_wait_counts_from_the_voice_of_the_recording() -> None:
    rows = judged([pause(None, late_ms=20)])
    assert [rows["fixed 800 ms"]["median_ms"], rows["words only"]["median_ms"]] == [820, 520]


def test_a_melody_that_ends_is_believed_before_the_words_and_overruled_by_them() -> None:
    final, going_on = pause(None, said=3), pause(None, said=3, text="I like tea and")
    assert judged([final])["melody and words"]["median_ms"] == 340
    assert judged([going_on])["melody only"]["median_ms"] == 340
    assert judged([going_on])["melody and words"]["median_ms"] == 1600
    assert judged([pause(None, said=-3)])["melody only"]["median_ms"] == 800


def test_an_interval_of_a_share() -> None:
    """Wilson's: 3 of 256 are 0.4 to 3.4 %."""
    low, high = bench.wilson(3, 256)
    assert [round(100 * low, 1), round(100 * high, 1)] == [0.4, 3.4]
    assert bench.wilson(0, 100)[0] == 0


def test_the_fit_finds_what_parts_ends_from_pauses() -> None:
    """Here it is only how much has been said, whatever else differs between two collections."""
    rng = np.random.default_rng(5)
    utterances = []
    for index in range(200):
        collection = index % 2
        features = rng.standard_normal((2, len(FEATURES))) + 3 * collection
        features[1, -1] += 2
        inner, end = features.tolist()
        moments = [{"features": inner, "length_ms": 500}, {"features": end, "length_ms": None}]
        utterances.append({"collection": f"{collection}", "joined": False, "pauses": moments})
    fitted = bench.fit(utterances)
    assert np.argmax(np.abs(fitted["WEIGHTS"])) == len(FEATURES) - 1
    assert fitted["ends"] == fitted["pauses"] == 200


def test_the_pauses_of_a_recording_are_found_and_one_more_can_be_put_in() -> None:
    """President Kennedy makes four; silence makes none."""
    rng = np.random.default_rng(1)
    speech = read_wav(Path(__file__).parent / "speech" / "jfk.wav")
    span = voiced_span(speech)
    assert span is not None
    lengths_ms = [length_ms for _, _, length_ms in pauses(in_a_room(speech, rng), span[1] + MIC_RATE_HZ)]
    assert lengths_ms[-1] is None
    assert all(length_ms is not None for length_ms in lengths_ms[:-1])
    assert sum(length_ms is not None and length_ms > 200 for length_ms in lengths_ms) >= 4
    joined = join(speech, 2000, rng)
    assert joined is not None
    assert len(speech) < len(joined) < len(speech) + 2 * MIC_RATE_HZ
    assert not list(pauses(in_a_room(np.zeros(MIC_RATE_HZ, np.float32), rng), MIC_RATE_HZ))


@pytest.mark.parametrize("rule", bench.RULES, ids=lambda rule: str(rule.name))
def test_every_rule_decides_about_a_pause_of_which_nothing_is_known(rule: bench.Rule) -> None:
    rows = bench.table([{"set": "made up", "pauses": [pause(None, text="")]}], [rule])
    assert rows[0]["cut_off"] == 0
