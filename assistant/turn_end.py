"""Whether a pause is the end of the turn: what the words and the sound say together."""

from __future__ import annotations

from typing import Literal, TypeAlias

from assistant.config import Endpoint
from assistant.text.completeness import Completeness

Ending: TypeAlias = Completeness | Literal["final"]
"""What is known of a pause. "final": its words may be the last, and they sound as if they were."""


def hear(words: Completeness | None, finality: float, settings: Endpoint) -> Ending:
    """A sound that is final stands for words as long as there are none, and makes a finished sentence the end.

    Args:
        words: What the words alone say; None as long as they are not known.
        finality: The probability that this is all, by the melody of its end (audio.prosody).
        settings: From where on a sound is final.
    """
    sounds_final = finality >= settings.final_probability
    if words is None:
        return "final" if sounds_final else "unknown"
    return "final" if sounds_final and words == "finished" else words


def weigh(ending: Ending, end_probability: float, settings: Endpoint) -> Ending:
    """Words that cannot be the last outweigh any sound; with a sound that goes on no others tell anything.

    Nobody ends with "and the", however final it sounds. But Whisper writes a full stop after whatever it hears, so that
    a sentence which is finished on paper, and sounds as if it went on, tells nothing. It does not tell the contrary: of
    whole sentences that were read to a microphone some sound broken off, and would be kept waiting for 1.6 s.

    Args:
        ending: What words, as far as they are known, and melody say.
        end_probability: Of the turn model.
        settings: From where on a sound is certain.
    """
    if ending == "unfinished":
        return ending
    if end_probability < settings.sounds_unfinished:
        return "unknown"
    return "final" if end_probability >= settings.sounds_finished else ending
