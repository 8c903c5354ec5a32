"""The files of a kept talk, and what it is taken up again from."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from keepers import NOW, frame, keeper, record

from assistant.errors import KeepingError
from assistant.kept import PAGE, TURNS, find, new_folder, resume
from assistant.metrics import ReplyPause


def test_the_page_shows_interruptions_commands_and_who_typed(tmp_path: Path) -> None:
    """And no noise, echo or "mm-hm"; characters of Markdown are only characters."""
    kept = keeper(new_folder(tmp_path, NOW))
    kept.changed(record("tell me *a* story", "Once upon\n a time", "cut", cut_by=(5.0, 5.4)))
    kept.changed(record("wait", "", "cut"))
    kept.changed(record("mm-hm", "", "rejected", reason="backchannel"))
    kept.changed(record("Never mind.", "", command="never_mind"))
    kept.changed(record("hello", "Hello.", kind="typed"))
    page = (tmp_path / "2026-11-21_20-45-12" / PAGE).read_text(encoding="utf-8")
    assert [line for line in page.splitlines() if line][1:] == [
        r"**You**, 20:45:04: tell me \*a\* story",
        "**Assistant**: Once upon a time — *(interrupted)*",
        "**You**, 20:45:04: wait",
        "**Assistant**: *(interrupted before a word was heard)*",
        "**You**, 20:45:04: Never mind. *(command: never mind)*",
        "**You**, 20:45:04 *(typed)*: hello",
        "**Assistant**: Hello.",
    ]


def test_a_line_of_json_has_all_of_a_turn(tmp_path: Path) -> None:
    """With the moment of its first voiced sample, by the calendar and in the sound."""
    folder = new_folder(tmp_path, NOW)
    kept = keeper(folder)
    kept.frame(frame(0))
    pauses = [ReplyPause(4.0, (3.9, 4.1), 4.5)]
    kept.changed(record("what", "That", "cut", transcript_s=2.5, sounded=[(3.0, 5.0)], pauses=pauses, cut_by=(4.9, 5)))
    turn = json.loads((folder / TURNS).read_text(encoding="utf-8"))
    assert turn["at"] == "2026-11-21T20:45:04.000+01:00"
    assert (turn["audio"], turn["audio_s"]) == ("talk.wav", 1.0)
    assert turn["after_ms"] == {"transcript": 500, "first_sound": 1000}
    assert (turn["state"], turn["reply"], turn["reply_heard"]) == ("cut", "That More.", "That")
    assert turn["pauses"] == [{"start_s": 4.0, "cause": [3.9, 4.1], "end_s": 4.5}]
    assert turn["cut_by"] == [4.9, 5]


def test_what_was_heard_is_taken_up_again(tmp_path: Path) -> None:
    """Not what was written; no echo, no command; and "never mind" takes back what it took back then."""
    folder = new_folder(tmp_path, NOW)
    kept = keeper(folder)
    kept.changed(record("tell me a story", "Once upon", "cut"))
    kept.changed(record("once upon", "", "rejected", reason="echo"))
    kept.changed(record("who was Nero", "", "cut"))
    kept.changed(record("louder", "", command="louder"))
    kept.changed(record("and what of it", "A lot.", "done"))
    kept.changed(record("never mind", "", command="never_mind", forgot=True))
    kept.changed(record("never mind", "", command="never_mind"))
    assert [(message.role, message.text) for message in resume(folder)] == [
        ("user", "tell me a story"),
        ("assistant", "Once upon"),
        ("user", "who was Nero"),
    ]


def test_the_rest_of_a_reply_goes_on_its_message(tmp_path: Path) -> None:
    """As in the history of the talk itself."""
    folder = new_folder(tmp_path, NOW)
    kept = keeper(folder)
    kept.changed(record("tell me a story", "Once upon", "cut"))
    kept.changed(record("go on", "", command="go_on", went_on=" a time."))
    assert [message.text for message in resume(folder)] == ["tell me a story", "Once upon a time."]


def test_the_latest_talk_is_found(tmp_path: Path) -> None:
    """By a folder of talks, a talk's folder, or its lines; two talks of one second have two folders."""
    first, second = new_folder(tmp_path, NOW), new_folder(tmp_path, NOW)
    assert second.name == f"{first.name}_2"
    for folder, changed_s in ((first, 2000), (second, 1000)):
        keeper(folder)
        os.utime(folder / TURNS, (changed_s, changed_s))
    assert find(tmp_path) == find(first) == find(first / TURNS) == first
    assert find(second) == second
    with pytest.raises(KeepingError, match=r"no kept talk in .*nowhere"):
        find(tmp_path / "nowhere")


def test_a_line_cut_short_by_a_crash_is_passed_over(tmp_path: Path) -> None:
    """And what is written next does not hang on to it."""
    folder = new_folder(tmp_path, NOW)
    keeper(folder).changed(record("hello", "Hello."))
    with (folder / TURNS).open("a") as turns:
        turns.write('{"at": "2026-11-')
    assert len(resume(folder)) == 2
    keeper(folder).changed(record("again", "Yes."))
    assert len(resume(folder)) == 4


@pytest.mark.parametrize("damage", ["no json", "[]", "3", '{"state": "done"}', '{"transcript": 5}', "\xff", ""])
def test_a_damaged_line_is_named(tmp_path: Path, damage: str) -> None:
    """One sentence with its number."""
    folder = new_folder(tmp_path, NOW)
    keeper(folder).changed(record("hello", "Hello."))
    with (folder / TURNS).open("a", encoding="latin-1") as turns:
        turns.write(damage + "\n")
    with pytest.raises(KeepingError, match=r"talk\.jsonl, line 2, is damaged"):
        resume(folder)
