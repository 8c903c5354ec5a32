"""Speech that is going on, and what its transcript means: pure rules for the conversation."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from assistant.config import Config
from assistant.messages import MIC_RATE_HZ, Transcript, Utterance
from assistant.text.overlap import is_backchannel, normalise, repeats

ECHO_SLACK_S = 0.6
"""Words heard by the microphone may have left the loudspeaker this long before."""

_SETTLE_S = 20.0
"""An utterance longer than this at a pause is transcribed only from there on; Whisper's window is 30 s."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The part of a long utterance that was transcribed at an earlier pause and is not done again."""

    samples: int = 0
    text: str = ""


@dataclass(slots=True)
class OpenSpeech:
    """From the start of speech to the end of the utterance."""

    start_s: float
    by_key: bool = False
    echo_after_ms: float = 0.0
    """See `SpeechStarted`."""
    hushed: bool = False
    """It silenced a reply."""
    before: Utterance | None = None
    """An utterance that this one goes on: its reply had not been heard yet."""
    settled: Settled = field(default_factory=Settled)
    paused: bool = False
    """It has paused so long that what was said may be judged."""
    unjudged: Transcript | None = None
    """Of the held turn, until the pause is so long."""


def refusal(transcript: Transcript, config: Config, played: str, during_reply: bool, answered: str | None) -> str:
    """Why a transcript is not a turn; empty if it is one.

    Args:
        transcript: Of an utterance, or of two that were joined.
        config: The bar for an echo and the list of backchannels.
        played: The words that sounded meanwhile, where the utterance began in the echo window.
        during_reply: Whether a reply is being heard, or was hushed for this.
        answered: The transcript that a reply not yet heard answers, where the utterance joins that one's.
    """
    if transcript.refused or not transcript.text.strip():
        return transcript.refused or "silence"
    if played and repeats(transcript.text, played, config.echo.overlap):
        return "echo"
    if answered is not None:
        return "nothing new" if normalise(transcript.text) == normalise(answered) else ""
    if during_reply and is_backchannel(transcript.text, config.interruption.backchannels.get(transcript.language, ())):
        return "backchannel"
    return ""


def join(before: Utterance, after: Utterance) -> Utterance:
    """One utterance of two, the silence between them kept."""
    gap = after.start - (before.start + len(before.samples))
    middle = np.zeros(max(gap, 0), np.float32)
    samples = np.concatenate([before.samples, middle, after.samples[max(-gap, 0) :]])
    voiced_ms = before.voiced_ms + after.voiced_ms
    return Utterance(before.start, samples, before.speech_start, after.speech_end, voiced_ms, before.in_echo_window)


def settle(settled: Settled, utterance: Utterance, text: str) -> Settled:
    """Keep the transcript of a long utterance up to this pause."""
    samples = utterance.speech_end - utterance.start
    return settled if samples - settled.samples < _SETTLE_S * MIC_RATE_HZ else Settled(samples, text)
