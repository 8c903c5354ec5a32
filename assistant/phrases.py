"""The sound of short phrases, kept through a talk: what was said before is not made again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence

from assistant.messages import Fragment, SpeechAudio, Step, Steps, WordTime
from assistant.ports import Synthesizer

_LONGEST_S = 3.0
"""Longer ones are not said twice."""


class Phrases:
    """Fragments lately spoken, by what was said and how fast; the longest unused go first.

    One is kept for one talk and one voice: a dialogue must not be sooner for what was said in another.

    Args:
        most_s: Seconds of sound kept; 0 keeps none.
    """

    def __init__(self, most_s: float = 0.0) -> None:
        self._most_s = most_s
        self._kept: OrderedDict[Hashable, tuple[float, tuple[SpeechAudio, ...]]] = OrderedDict()
        self._kept_s = 0.0

    def synthesize(self, voice: Synthesizer, fragment: Fragment) -> Steps[SpeechAudio]:
        """As the voice itself would; what is kept comes in a step without work, which costs nothing."""
        words = tuple((word.text, word.after, word.joined) for word in fragment.words)
        key = words, fragment.language, voice.speed
        if key in self._kept:
            self._kept.move_to_end(key)
            yield Step(values=_said_of(fragment, self._kept[key][1]))
            return
        pieces: list[SpeechAudio] = []
        for step in voice.synthesize(fragment):
            pieces += step.values
            yield step
        self._keep(key, sum(len(piece.samples) for piece in pieces) / voice.rate_hz, tuple(pieces))

    def _keep(self, key: Hashable, seconds: float, pieces: tuple[SpeechAudio, ...]) -> None:
        if key in self._kept or not 0 < seconds <= min(_LONGEST_S, self._most_s):
            return
        self._kept[key] = seconds, pieces
        self._kept_s += seconds
        while self._kept_s > self._most_s:
            _, (dropped_s, _) = self._kept.popitem(last=False)
            self._kept_s -= dropped_s


def _said_of(fragment: Fragment, pieces: Sequence[SpeechAudio]) -> tuple[SpeechAudio, ...]:
    """The same sound for the same words, which stand elsewhere in another reply."""
    made, first = [], 0
    for piece in pieces:
        last = first + len(piece.words)
        part = fragment.part(first, last)
        spans = zip(piece.words, part.words, strict=True)
        times = tuple(WordTime(time.start, time.end, word.end) for time, word in spans)
        made.append(SpeechAudio(piece.samples, times, part))
        first = last
    return tuple(made)
