"""The live view, as a user sees it."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from showing import answered, spoken

from assistant.metrics import DeskStatus, TalkState
from assistant.screen.display import Now
from assistant.screen.view import LiveView

DESK = DeskStatus("MacBook Pro Microphone", "MacBook Pro Speakers")


class Screen:
    """A terminal that remembers what was written, and what it showed last."""

    def __init__(self, width: int = 100) -> None:
        self.out = io.StringIO()
        self.console = Console(file=self.out, force_terminal=True, color_system=None, width=width, height=30)
        self.view = LiveView(self.console)
        self.view.desk(DESK)

    def fresh(self) -> str:
        """What was written since the last look."""
        written = self.out.getvalue()
        self.out.seek(0)
        self.out.truncate()
        return written

    def show(self, state: TalkState = "listening", level_db: float = -60.0, **facts: object) -> str:
        """What is drawn at a tick."""
        self.fresh()
        self.view.now(Now(state, level_db, **facts))  # type: ignore[arg-type]
        return self.fresh()


@pytest.mark.parametrize("state", ["listening", "hearing", "thinking", "speaking", "paused", "asleep", "muted"])
def test_every_state_has_its_word(state: TalkState) -> None:
    """Beside the devices' names."""
    shown = Screen().show(state)
    assert state in shown
    assert "MacBook Pro Microphone" in shown
    assert "MacBook Pro Speakers" in shown


def test_a_problem_stands_in_the_place_of_the_state() -> None:
    """And is told in full."""
    screen = Screen()
    screen.view.desk(DeskStatus(problem="The microphone has gone; plug it in again."))
    shown = screen.show("listening", -20.0)
    assert "no device" in shown and "listening" not in shown
    assert "The microphone has gone; plug it in again." in shown
    assert "█" not in shown


def test_a_warning_and_lost_sound_are_shown() -> None:
    """The talk goes on."""
    screen = Screen()
    screen.view.desk(DeskStatus("Buds", "Buds", False, 3, warning="The headset is in its telephone profile."))
    shown = screen.show()
    assert "listening" in shown
    assert "3 xruns" in shown and "headphones Buds" in shown
    assert "telephone profile" in shown


def test_what_is_waited_for_is_shown_at_once() -> None:
    """Loading takes seconds, and there are no ticks yet."""
    screen = Screen()
    screen.view.progress("loading kokoro-82m")
    assert "loading kokoro-82m" in screen.fresh()
    screen.view.progress("")
    assert "kokoro" not in screen.fresh()


def test_the_meter_follows_the_voice_and_falls_slowly() -> None:
    """A meter that fell at once would flicker."""
    screen = Screen()
    loud, after, silent = (screen.show("hearing", level).count("█") for level in (-15.0, -60.0, -60.0))
    assert loud == 15
    assert loud > after > silent > 0


def test_nothing_is_drawn_twice() -> None:
    """A meter that moved less than a cell is the same picture."""
    screen = Screen()
    assert screen.show("listening", -30.0)
    assert screen.show("listening", -30.4) == ""
    assert screen.show("listening", -25.0)


def test_a_turn_grows_and_then_scrolls_by() -> None:
    """First the words heard, then the reply as it is written; at the end both stay, with the latency."""
    screen = Screen()
    record = spoken()
    screen.view.turn(record)
    assert "what time is it" in screen.show("thinking")
    record.state, record.reply = "open", "It is"
    assert "It is" in screen.show("speaking")
    record.reply = "It is nine."
    shown = screen.show("speaking", first_sound_s=3.24)
    assert "It is nine." in shown and "1.24 s" in shown
    over = answered()
    record.state, record.sounded, record.reply_heard = "done", over.sounded, "It is nine."
    screen.fresh()
    screen.view.turn(record)
    assert "It is nine." in screen.fresh()
    assert "what time is it" not in screen.show()


def test_an_interrupted_reply_is_shown_as_far_as_it_was_heard() -> None:
    """And says so."""
    screen = Screen()
    screen.show()
    screen.view.turn(answered("cut"))
    shown = screen.fresh()
    assert "It is nine. ⏹ interrupted" in shown
    assert "Anything else?" not in shown
    assert "1.24 s: end of turn 0.80" in shown


def test_a_command_obeyed_without_a_word_is_one_line() -> None:
    """Nothing was said to it."""
    screen = Screen()
    screen.show()
    screen.view.turn(spoken("louder", state="done", command="louder"))
    shown = screen.fresh()
    assert "louder" in shown and "assistant" not in shown


@pytest.mark.parametrize("state", ["rejected", "discarded"])
def test_what_was_no_turn_vanishes(state: str) -> None:
    """A cough leaves nothing in the transcript."""
    screen = Screen()
    record = spoken("[coughs]")
    screen.view.turn(record)
    assert "[coughs]" in screen.show("hearing")
    record.state = state  # type: ignore[assignment]
    screen.view.turn(record)
    assert "[coughs]" not in screen.show()


def test_markup_in_speech_is_only_text() -> None:
    """Nobody can paint the terminal by talking."""
    screen = Screen()
    screen.show()
    screen.view.turn(answered(transcript="[red]stop[/red]"))
    assert "[red]stop[/red]" in screen.fresh()


def test_a_long_reply_does_not_outgrow_the_window() -> None:
    """Its end is what is being said."""
    screen = Screen(width=60)
    record = spoken(state="open", reply="word " * 2000 + "end")
    screen.view.turn(record)
    shown = screen.show("speaking")
    assert shown.count("\n") < 20
    assert "end" in shown and "speaking" in shown


def test_a_line_being_typed_is_shown_with_the_keys_that_end_it() -> None:
    """Below everything."""
    shown = Screen().show(line="how are y", cursor=9, keys="enter send   esc close")
    assert "> how are y" in shown
    assert "enter send" in shown


def test_closing_leaves_only_the_talk() -> None:
    """Twice is once."""
    screen = Screen()
    screen.show()
    screen.view.close()
    screen.view.close()
    assert "\x1b[?25h" in screen.fresh()  # the cursor is back


def test_closed_before_anything_was_shown_it_writes_nothing() -> None:
    """An error while loading is told alone."""
    screen = Screen()
    screen.view.close()
    assert screen.fresh() == ""
