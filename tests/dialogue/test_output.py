"""What a run leaves behind: the JSON, the stereo WAV, the table and the picture."""

from __future__ import annotations

import io
import json
import os
import shutil
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from performances import RATE_HZ, performance
from rich.console import Console

from assistant import config
from assistant.dialogue.output import Outputs, stereo, write_whole
from assistant.dialogue.progress import RunProgress
from assistant.dialogue.result import EntryResult
from assistant.dialogue.script import Script
from assistant.dialogue.summary import show, show_totals
from assistant.dialogue.svg import peaks, wrap
from assistant.dialogue.timeline import draw
from assistant.errors import AssistantError


def test_one_rate_two_sides() -> None:
    """Microphone left, loudspeaker right, the shorter one filled with silence."""
    both = stereo(performance().trace)
    assert both.shape[1] == 2
    middle = len(both) // 2
    assert both[middle] == pytest.approx([0.1, 0.5], abs=1e-3)
    assert both[-1] == pytest.approx([0.0, 0.5], abs=1e-3)


def test_files(tmp_path: Path) -> None:
    """Folders are made, names become file names, no two dialogues share one."""
    outputs = Outputs(config.load("small"), "simulated", tmp_path / "result.json", tmp_path / "deep" / "audio")
    for name in ("Ein Gespräch: 1/2", "ein gespräch: 1/2", "..."):
        outputs.add(performance(name))
    outputs.write(complete=True)
    names = sorted(path.name for path in (tmp_path / "deep" / "audio").iterdir())
    assert names == ["Ein-Gespräch-1-2.wav", "dialogue.wav", "ein-gespräch-1-2-2.wav"]
    sound = soundfile.info(tmp_path / "deep" / "audio" / names[0])
    assert (sound.channels, sound.samplerate) == (2, RATE_HZ)
    whole = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert [dialogue["name"] for dialogue in whole["dialogues"]] == ["Ein Gespräch: 1/2", "ein gespräch: 1/2", "..."]
    assert not list(tmp_path.rglob(".*"))


def test_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    """A dash."""
    Outputs(config.load("small"), "simulated", Path("-"), None).write(complete=False)
    assert json.loads(capsys.readouterr().out)["passed"] is False


def test_what_cannot_be_written_is_known_beforehand(tmp_path: Path) -> None:
    """A sentence with the path, before anything runs; what is there stays as it is."""
    (tmp_path / "file").write_text("mine")
    for json_file, audio in ((tmp_path / "no" / "x.json", None), (None, tmp_path / "file"), (tmp_path, None)):
        with pytest.raises(AssistantError, match=r" cannot be written: .*; give another path\.$"):
            Outputs(config.load("small"), "simulated", json_file, audio)
    Outputs(config.load("small"), "simulated", tmp_path / "file", None)
    assert (tmp_path / "file").read_text() == "mine"


def test_what_cannot_be_written_in_the_end_costs_nothing_else(tmp_path: Path) -> None:
    """The folder of one was taken away meanwhile."""
    json_file, junit, gone = tmp_path / "a.json", tmp_path / "a.xml", tmp_path / "gone"
    gone.mkdir()
    outputs = Outputs(config.load("small"), "simulated", json_file, None, junit, gone / "a.html")
    outputs.add(performance("a"))
    shutil.rmtree(gone)
    with pytest.raises(AssistantError, match=r"a\.html cannot be written"):
        outputs.write(complete=True)
    assert json.loads(json_file.read_text(encoding="utf-8"))["dialogues"]
    assert "testsuite" in junit.read_text(encoding="utf-8")


def test_each_output_has_a_place_of_its_own(tmp_path: Path) -> None:
    """One file for two of them, and a page for standard output, are slips of the pen."""
    one, again = tmp_path / "a", tmp_path / "b" / ".." / "a"
    (tmp_path / "b").mkdir()
    with pytest.raises(AssistantError, match="is given for two outputs"):
        Outputs(config.load("small"), "simulated", one, None, None, again)
    with pytest.raises(AssistantError, match="Only the JSON"):
        Outputs(config.load("small"), "simulated", None, None, None, Path("-"))


def test_what_is_no_file_stays_what_it_is(tmp_path: Path) -> None:
    """A pipe is written to, not replaced."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR)  # of both ways, so that nobody waits for the other
    try:
        write_whole(pipe, "é")
        assert os.read(reader, 9).decode() == "é"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_long_names(tmp_path: Path) -> None:
    """Those of a sweep over prompts, say: as much of them as a file's name can have."""
    outputs = Outputs(config.load("small"), "simulated", None, tmp_path)
    for _ in range(2):
        outputs.add(performance("語" * 300))
    first, second = sorted(tmp_path.iterdir())
    assert len(first.name.encode()) < 255 and second != first


def test_the_table_says_what_failed() -> None:
    """Expected and seen side by side, every failure in full, markup in names harmless."""
    console = Console(width=100, record=True, file=io.StringIO())
    one = performance("[bold]name")
    show(one, console)
    show_totals([one.result], console)
    text = console.export_text()
    assert "FAIL [bold]name" in text
    assert 'entry 0: transcript: "words & more" instead of "a" (word error rate 0.25 over 0)' in text
    assert "0 of 1 passed" in text
    assert "“so <long>”" in text


def test_progress_leaves_nothing_in_a_file() -> None:
    """Not even a blank line."""
    console = Console(file=io.StringIO())
    with RunProgress(console, 1) as progress:
        progress.done(performance())
    assert isinstance(console.file, io.StringIO) and console.file.getvalue() == ""


def test_the_table_of_a_typed_line() -> None:
    """It expects no spoken turn, which is not worth saying."""
    script = Script.model_validate({"turns": [{"type": "hi"}, {"type": "hi", "expect": {"turns": 1}}]})
    entries = [EntryResult(index, "typed", None, transcript="now\nthen") for index in range(2)]
    of_a_word = performance("typed")
    of_typed = replace(
        of_a_word,
        dialogue=replace(of_a_word.dialogue, script=script),
        result=replace(of_a_word.result, turns=entries, run=1),
    )
    console = Console(width=100, record=True, file=io.StringIO())
    show(of_typed, console)
    headline, _, first, second, *_ = console.export_text().splitlines()
    assert headline.startswith("FAIL typed run 1 ")
    assert "1 turn" not in first and "1 turn" in second
    assert "no turn" not in first and "now then →" in first


def test_the_picture() -> None:
    """Well-formed, without anything from outside, and the same every time."""
    picture = draw(performance())
    root = ElementTree.fromstring(picture)
    texts = ["".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")]
    for text in ("a <talk> & more", "failed", "words & more", "One", "so <long>", "silent in"):
        assert any(text in shown for shown in texts), text
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")
    assert "url(" not in picture
    assert picture == draw(performance())


def test_peaks() -> None:
    """The largest sample of each part; a quiet recording is not blown up."""
    assert peaks(np.array([0.1, -0.5, 0.2, 0.1], np.float32), 2) == pytest.approx([1.0, 0.4])
    assert peaks(np.array([0.01, 0.0], np.float32), 2) == pytest.approx([0.2, 0.0])
    assert peaks(np.zeros(0, np.float32), 2) == [0.0, 0.0]


def test_wrap() -> None:
    """At spaces; what does not fit ends in an ellipsis."""
    assert wrap("one two three four", 80, 8, 3) == ["one two", "three four"]
    assert wrap("one two three four five", 80, 8, 2) == ["one two", "three fou…"]
    assert wrap("", 80, 8, 2) == []
