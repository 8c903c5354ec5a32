"""What a transcript means to the talk as it stands: nothing, a command, a turn."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.commands import Command, find_command
from assistant.floor import Floor
from assistant.messages import Transcript
from assistant.obey import can_obey
from assistant.parts import Parts
from assistant.speech import ECHO_SLACK_S, refusal
from assistant.turn import Turn


@dataclass(frozen=True, slots=True)
class Judgement:
    """Of one transcript."""

    refused: str = ""
    """Why it is not a turn; empty if it is one."""
    command: Command | None = None
    """The command that it is and that can be obeyed now."""


def judge(turn: Turn, transcript: Transcript, parts: Parts, floor: Floor, asleep: bool) -> Judgement:
    """Judge what was spoken.

    Args:
        turn: Whose utterance it is, of it alone or joined to one before.
        transcript: What it says.
        parts: The configuration, and the words that were being played.
        floor: The reply that is being heard, or was silenced for this.
        asleep: Only a phrase that wakes is a turn.
    """
    assert turn.utterance is not None
    config, played = parts.config, ""
    if turn.utterance.in_echo_window:
        start_s, end_s = turn.record.speech_start_s - ECHO_SLACK_S, turn.record.speech_end_s
        played = parts.speaker.words_between(start_s, end_s)
    answered = floor.reply.record.transcript if floor.reply is not None and floor.joining else None
    reason = refusal(transcript, config, played, floor.reply is not None, answered)
    if not reason and asleep and find_command(transcript, config.commands) != "wake":
        reason = "asleep"
    if reason:
        return Judgement(reason)
    command = find_command(transcript, config.commands, turn.joined)
    return Judgement(command=command if command is not None and can_obey(command, floor, asleep) else None)
