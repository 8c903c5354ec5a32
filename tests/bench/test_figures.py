"""Medians, percentiles and rates over turns; the table, the picture and the JSON that show them."""

from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest
from against import peer_turns
from measured import STEPS, performance, step
from rich.console import Console

from assistant.bench.document import Bench
from assistant.bench.figures import Memory, Spread, figures, first_tokens, spread, typical
from assistant.bench.markdown import markdown
from assistant.bench.peer import PeerTurn
from assistant.bench.run import Measured
from assistant.bench.table import show
from assistant.bench.turns import PARTS, MeasuredTurn, TypedTurn, measured_turn
from assistant.bench.waterfall import waterfall


def answered(sounds_s: float, recording: str = "time.wav", run: int = 0) -> MeasuredTurn:
    """A turn whose reply sounds then; the last voiced sample is at 1.5 s."""
    turn = measured_turn(performance(sounds_s=sounds_s, recording=recording, run=run))
    assert turn is not None
    return turn


RUNS = [
    answered(sounds_s, recording, run)
    for run, (one_s, other_s) in enumerate([(4.0, 6.0), (4.5, 5.5), (4.2, 7.0)])
    for recording, sounds_s in (("one.wav", one_s), ("other & more.wav", other_s))
]
TYPED = [TypedTurn(index, ms, 15) for index, ms in [(1, 50.0), (2, 100), (3, 150), (3, 170), (2, 120)]]


def bench(turns: list[MeasuredTurn], *against: PeerTurn) -> Bench:
    """All that there is to say of them."""
    return Bench.of(
        Measured(turns, TYPED, list(against), complete=True),
        date="2026-01-05T09:00:00+00:00",
        commit=None,
        machine="a machine",
        clock="measured",
        models={"chat": {"name": "smol", "sha256": None}},
        repeat=3,
        recordings=["one.wav", "other & more.wav"],
        memory=Memory(2**30, 2**29),
    )


def test_percentiles() -> None:
    """Linear between the nearest two values."""
    assert spread(range(1, 12)) == Spread(6, 10, 11, 11)
    assert spread([1.0, 2.0]) == Spread(1.5, 1.9, 2.0, 2)


def test_figures_of_hand_made_turns() -> None:
    """Rates come from the steps: 0.64 s of whisper for a second of speech, 0.78 s of voice for 1.3 s of reply."""
    found = figures(RUNS)
    assert found.voice_to_voice_ms == Spread(3500, 5000, 5500, 6)
    assert found.parts_ms["transcription"].median == 400
    assert found.transcription_factor.median == pytest.approx(0.64)
    assert found.voice_factor.median == pytest.approx(0.6)
    assert found.tokens_per_s.median == pytest.approx(3 / 0.7, abs=1e-3)
    assert found.queueing_ms.largest == pytest.approx(100)
    assert (found.longest_step.work, found.longest_step.ms) == ("voice", 780)
    assert found.overhead_share.largest == pytest.approx(130 / 2500)


def test_a_reply_of_one_token_has_no_rate() -> None:
    """Its step was the prompt's too."""
    no_tokens = tuple(one for one in STEPS if one.work[0].kind != "chat_token")
    turn = replace(RUNS[0], steps=(*no_tokens, replace(step(2.7, 3.0, "chat_prefill"), work=STEPS[2].work * 2)))
    assert figures([turn]).tokens_per_s.median == 0


def test_a_voice_that_streams_is_rated_by_all_its_sound() -> None:
    """Two pieces of one fragment: 0.78 s and 0.62 s of work for 1.3 s and 0.7 s of sound."""
    turn = replace(RUNS[0], steps=(*STEPS, step(4.2, 4.82, "voice_more", 0.7)))
    assert figures([turn]).voice_factor.median == pytest.approx(0.7)


def test_the_typical_run_is_one_that_was() -> None:
    """The one whose latency is the median, whole."""
    assert [turn.voice_to_voice_ms for turn in typical(RUNS)] == [2700, 4500]
    assert typical(RUNS[:4])[0] is RUNS[0]


def test_growth_of_the_first_token() -> None:
    """Median by turn, the last over the second."""
    found = first_tokens(TYPED)
    assert [turn.first_token_ms for turn in found.turns] == [50, 110, 160]
    assert found.growth == 1.45
    assert first_tokens([TypedTurn(1, 1.0, 1)]).growth is None


def shown(of: Bench) -> str:
    """The tables, with their columns two spaces apart."""
    console = Console(file=io.StringIO(), width=160, highlight=False)
    show(of, console)
    assert isinstance(console.file, io.StringIO)
    return re.sub(r" {2,}", "  ", console.file.getvalue())


def test_the_table_shows_what_there_is() -> None:
    """The parts of the typical runs and the medians over all."""
    text = shown(bench([replace(RUNS[0], turns=2), *RUNS[1:]]))
    assert "one.wav (answered too early in 1)  3  500  400  300  300  900  300  2700" in text
    assert "voice to voice  3500  5000  ms" in text
    assert "hidden  27%  27%  of it was done during the wait; 62% of what could have been" in text
    assert "first token, turn 3  160  ms, 15 tokens fed, 1.45 times turn 2" in text
    assert "1024  MiB held by the program at its peak, 512 of them by MLX" in text
    assert "VoicePipeline" not in text


PEERS = [*peer_turns("one.wav", 8100, 9000, 8000), *peer_turns("other & more.wav", 9000, 5000)]


def test_the_comparison_as_it_is_shown() -> None:
    """Recordings, then all; replies of one sentence are told from longer ones, and what was left out is named."""
    deaf = replace(PEERS[-1], parts_ms=PEERS[-1].parts_ms | {"end of turn": 2500})
    text = shown(bench(RUNS, *PEERS[:-1], deaf))
    assert "one.wav  3  1  2700  8100  3.00  3.36  3.18" in text
    assert "all, median  2" in text and "two sentences or more" not in text
    assert "not compared: other & more.wav, run 2: the peer waited 2.5 s for the end of the turn" in text


def test_the_tables_for_a_readme() -> None:
    """Every line of a table has as many columns as its head; the Mac is not measured yet."""
    text = markdown(bench(RUNS, *PEERS))
    assert text.startswith("a machine; smol; `measured` clock; medians of 3 runs of 2 recordings; 2026-01-05.\n")
    assert "| voice to voice, median (90th percentile) | 3.50 s (5.00 s) | not measured yet |" in text
    assert "| one | 500 | 400 | 300 | 300 | 900 | 300 | **2700** |" in text
    assert "| one | 1 | 2700 | 8100 | **3.00** | 3.36 | 3.18 |" in text
    assert "memory" not in text  # the peer's would be in it
    assert "| memory at its peak | 1024 MiB |" in markdown(bench(RUNS))
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) == 3
    assert all(line.count("|") == lines[0].count("|") for lines in tables for line in lines)


def test_the_picture_has_a_bar_for_each_part() -> None:
    """In place and in proportion, of the typical run of each recording, with the models' steps below."""
    picture = ElementTree.fromstring(waterfall(RUNS, "a <machine> & more"))
    texts = ["".join(one.itertext()) for one in picture.iter() if one.tag.endswith("text")]
    assert {"one", "other & more", "2700 ms", "4500 ms"} <= set(texts)
    assert any("a <machine> & more" in text for text in texts)
    boxes = [one for one in picture.iter() if one.tag.endswith("rect") and len(one)]
    bars = [one for one in boxes if "step" not in one.attrib["class"]]
    assert [one[0].text for one in bars[: len(PARTS)]] == [
        f"{name}: {ms} ms" for name, ms in typical(RUNS)[0].parts_ms.items()
    ]
    widths = [float(one.attrib["width"]) for one in bars[: len(PARTS)]]
    assert widths[0] / widths[1] == pytest.approx(500 / 400, rel=0.01)
    assert len(boxes) > len(bars)


def test_the_picture_shows_the_peer_below() -> None:
    """To one scale."""
    picture = ElementTree.fromstring(waterfall(RUNS, "a machine", peer_turns("one.wav", 9000)))
    titles = {one.attrib["width"]: one[0].text for one in picture.iter() if one.tag.endswith("rect") and len(one)}
    widths = {text: float(width) for width, text in titles.items()}
    assert widths["voice: 7800 ms"] / widths["voice: 900 ms"] == pytest.approx(7800 / 900, rel=0.01)


def test_the_document() -> None:
    """Plain JSON, each turn with its parts; the history's entry says the same medians."""
    done = bench(RUNS, *PEERS)
    values = json.loads(done.as_json())
    assert values["figures"]["voice_to_voice_ms"]["median"] == 3500
    assert values["first_tokens"]["growth"] == 1.45
    assert [sum(turn["parts_ms"].values()) for turn in values["turns"]] == [turn.voice_to_voice_ms for turn in RUNS]
    assert values["turns"][0]["held"]["share"] == pytest.approx(0.266)
    assert values["peer"]["overall"]["recordings"] == 2
    assert values["peer"]["of_long_replies"] is None
    entry = done.entry()
    assert entry.models == {"chat": "smol"}
    assert entry.medians["voice to voice, ms"] == 3500
    assert entry.medians["first token at turn 3, ms"] == 160
    assert entry.medians["times sooner than the peer"] == values["peer"]["overall"]["ratio"]
    assert "peer" not in json.loads(bench(RUNS).as_json())
