"""Every part that the bundled dialogues are there to guard is switched off once, and a named dialogue notices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from assistant.audio.echo import EchoWindow
from assistant.audio.playback import Playback
from assistant.conversation import Conversation
from assistant.dialogue.load import load_dialogues
from assistant.dialogue.result import Performance
from assistant.dialogue.runner import Shelf, run_dialogues
from assistant.dialogue.step_store import StepStore
from assistant.floor import Floor
from assistant.messages import Samples, Transcript
from assistant.metrics import TurnState
from assistant.models import reader, speech, whisper
from assistant.models.whisper_guard import Decoded
from assistant.turn import Turn

pytestmark = pytest.mark.models

FOLDER = Path(__file__).parent / "dialogues"
Plant = Callable[[pytest.MonkeyPatch], object]


@dataclass(frozen=True)
class Fault:
    """A part that is switched off, and who notices.

    Args:
        script: Under tests/dialogues.
        symptom: What its failures must tell of, among other things.
        plant: Switches the part off, or
        settings: switch it off.
        in_steps: The part makes steps of models, so kept steps would hide the fault.
    """

    script: str
    symptom: str
    plant: Plant = lambda patch: None
    settings: Sequence[str] = ()
    in_steps: bool = False


def deaf_to_replies(patch: pytest.MonkeyPatch) -> None:
    """The window never opens."""
    patch.setattr(EchoWindow, "feed", lambda window, frame: None)


def remember_the_unheard(patch: pytest.MonkeyPatch) -> None:
    """All of a reply enters the history, however little of it was heard."""
    end = Floor._end

    def whole(floor: Floor, reply: Turn, heard: int, state: TurnState) -> None:
        end(floor, reply, len(reply.text), state)

    patch.setattr(Floor, "_end", whole)


def believe(decoded: Decoded, samples: Samples, threshold: float, language: str) -> Transcript:
    """Whatever Whisper wrote was said."""
    return Transcript(decoded.text, "", decoded.avg_logprob, decoded.no_speech_prob, language)


def everything_sounds(samples: Samples, rate_hz: int) -> tuple[int, int]:
    """Nothing at either end of a synthesised fragment is silence."""
    return 0, len(samples)


FAULTS = {
    "echo window": Fault("echo_levels/0_db_bare_kitchen", "self_heard", deaf_to_replies),
    "echo canceller": Fault("echo_levels/minus_12_db_interruption", "interrupted", settings=["echo.canceller=false"]),
    "pre-roll": Fault("push_to_talk/pressed_during_speech", "transcript", settings=["push_to_talk.pre_roll_ms=0"]),
    "endpoint adaptation, short": Fault(
        "endpoint/finished_sentence", "first_audio_ms", settings=["endpoint.adaptive=false"]
    ),
    "endpoint adaptation, long": Fault("endpoint/after_a_comma", "turns", settings=["endpoint.adaptive=false"]),
    "history cutting": Fault("interruption/what_was_heard", "reply.not_matches", remember_the_unheard),
    "sentence trimming": Fault(
        "endpoint/finished_sentence",
        "first_audio_ms",
        lambda patch: patch.setattr(speech, "_sounding", everything_sounds),
        in_steps=True,
    ),
    "silence rule": Fault(
        "silence/key_held_over_pink", "turns", lambda patch: patch.setattr(whisper, "judge", believe), in_steps=True
    ),
    "interruption": Fault(
        "interruption/early",
        "stopped_within_ms",
        lambda patch: patch.setattr(Conversation, "_hush", lambda conversation: None),
    ),
    "resume": Fault(
        "false_interruption/mm", "not idle", lambda patch: patch.setattr(Playback, "resume", lambda playback: None)
    ),
    "prompt cache": Fault(
        "interruption/what_was_heard",
        "reply.not_matches",
        lambda patch: patch.setattr(reader, "trim_prompt_cache", lambda cache, tokens: tokens),
        in_steps=True,
    ),
}


def play(script: str, store: StepStore | None, settings: Sequence[str] = ()) -> Performance:
    """Run one bundled dialogue."""
    (performance,) = run_dialogues(load_dialogues([FOLDER / f"{script}.yaml"], settings=settings), load=Shelf(store))
    return performance


def failures(performance: Performance) -> list[str]:
    """Of the whole and of its entries."""
    result = performance.result
    return [*result.failures, *(failure for entry in result.turns for failure in entry.failures)]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_named_dialogue_notices(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    """It passes as things are, and fails with the part switched off, for the reason that was meant."""
    assert failures(play(fault.script, StepStore())) == []
    fault.plant(monkeypatch)
    noticed = failures(play(fault.script, None if fault.in_steps else StepStore(), fault.settings))
    assert any(failure.startswith(fault.symptom) for failure in noticed), noticed


def test_a_reply_goes_on_at_the_sample_where_it_stopped() -> None:
    """With the pause taken out, a reply over which somebody says "mm" is the reply that nobody disturbs."""
    disturbed, quiet = (play(f"false_interruption/{name}", StepStore()) for name in ("mm", "cough"))
    (pause,) = disturbed.trace.turns[0].pauses
    assert pause.end_s is not None and pause.end_s - pause.start_s > 0.2
    assert [len(one.trace.replies[0]) for one in (disturbed, quiet)] == [2, 1]
    spans = disturbed.trace.replies[0]
    rate_hz = disturbed.trace.speaker_rate_hz

    def sound(performance: Performance, start_s: float, end_s: float) -> Samples:
        return performance.trace.loudspeaker[round(start_s * rate_hz) : round(end_s * rate_hz)]

    start_s = quiet.trace.replies[0][0][0]
    first_s, second_s = (end_s - begin_s for begin_s, end_s in spans)
    fade_s = disturbed.dialogue.config.playback.fade_ms / 1000
    rest = sound(disturbed, spans[1][0] + fade_s, spans[1][1])
    assert second_s > 1
    np.testing.assert_array_equal(sound(disturbed, *spans[0]), sound(quiet, start_s, start_s + first_s))
    np.testing.assert_array_equal(
        rest, sound(quiet, start_s + first_s + fade_s, start_s + first_s + second_s)[: len(rest)]
    )
