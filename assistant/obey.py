"""What voice commands do."""

from __future__ import annotations

from assistant.commands import FASTER, LOUDER, Command, tell_time
from assistant.floor import Floor
from assistant.parts import Parts
from assistant.turn import Turn

_GAIN = 0.2, 3.0
_SPEED = 0.5, 2.0
"""Kokoro's own limits."""


def can_obey(command: Command, floor: Floor, asleep: bool) -> bool:
    """Whether there is anything that the command could do now."""
    match command:
        case "wake":
            return asleep
        case "repeat":
            return bool(floor.last[0]) or floor.audible
        case "go_on":
            return floor.audible or bool(floor.rest.strip())
    return True


def obey(turn: Turn, parts: Parts, floor: Floor) -> None:
    """Carry out an accepted turn's command; what is to be said for it is said by the turn itself."""
    match turn.record.command:
        case "louder":
            parts.speaker.gain = min(parts.speaker.gain * LOUDER, _GAIN[1])
        case "quieter":
            parts.speaker.gain = max(parts.speaker.gain / LOUDER, _GAIN[0])
        case "faster":
            parts.synthesizer.speed = min(parts.synthesizer.speed * FASTER, _SPEED[1])
        case "slower":
            parts.synthesizer.speed = max(parts.synthesizer.speed / FASTER, _SPEED[0])
        case "repeat":
            turn.says = floor.last[0]
        case "go_on" if floor.reply is None:
            turn.says = floor.rest
        case "time":
            turn.says = tell_time(parts.clock.time_of_day(), turn.language)
    if turn.says is None:
        turn.leave("done")
        floor.relent()
    else:
        floor.take(turn)
