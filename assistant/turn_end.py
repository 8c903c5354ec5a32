"""Whether a pause is the end of the turn: what the words and the sound say together."""

from __future__ import annotations

from assistant.config import Endpoint
from assistant.text.completeness import Completeness


def weigh(words: Completeness, end_probability: float, settings: Endpoint) -> Completeness:
    """Words that cannot be the last outweigh any sound; otherwise a sound that is certain outweighs the words.

    Nobody ends with "and the", however final it sounds. But Whisper writes a full stop after whatever it hears, so that
    a sentence is finished on paper tells less than the fall of the voice.

    Args:
        words: What the words alone say.
        end_probability: Of the turn model.
        settings: From where on a sound is certain.
    """
    if words == "unfinished" or end_probability < settings.sounds_unfinished:
        return "unfinished"
    return "finished" if end_probability >= settings.sounds_finished else words
