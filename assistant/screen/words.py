"""How a talk's facts are put for a person to read."""

from __future__ import annotations

from assistant.metrics import DeskStatus
from assistant.screen.latency import Latency


def describe_latency(taken: Latency) -> str:
    """Like "1.24 s: end of turn 0.80, transcription 0.12, first token 0.10, ..."; parts of no length are left out."""
    shown = ", ".join(f"{name} {ms / 1000:.2f}" for name, ms in taken.parts_ms.items() if ms >= 5)
    return f"{taken.voice_to_voice_ms / 1000:.2f} s" + (f": {shown}" if shown else "")


def describe_desk(status: DeskStatus) -> str:
    """The devices by name, and what was lost."""
    kind = "loudspeaker" if status.loudspeakers else "headphones"
    devices = f"microphone {status.microphone or 'none'}, {kind} {status.loudspeaker or 'none'}"
    return devices + (f", {status.xruns} xruns" if status.xruns else "")
