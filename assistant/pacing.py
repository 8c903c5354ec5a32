"""How a reply is cut and when it starts, so that the loudspeaker never waits inside a sentence.

What is spoken late is heard as a stumble inside a sentence, as a breath between two. So a fragment is only as long
as what is still to be played gives time to write and speak it; where the models are slower than speech that time
shrinks from fragment to fragment, and the first must be long enough for the rest of its sentence.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from assistant.config import Speech
from assistant.metrics import Rates
from assistant.text.cuts import Aim, early, whole

_MARGIN = 1.15
"""Steps that take this much longer than they used to are still in time."""
_SENTENCE_S = 5.0
"""What a sentence not yet written is taken to last."""
_SHORTEST_S = 0.6
"""Nothing shorter is cut off a sentence; two or three words."""
_TRY_S = 0.25


class Pace:
    """Plans one reply; satisfies text.cuts.Plan. Pure but for what it is told, in order.

    Args:
        speech: Lengths and gaps.
        rates: How fast the models are.
        queued_s: Seconds of sound that are ready and not yet played.
        written: The text is there already: no model writes it.
    """

    def __init__(self, speech: Speech, rates: Rates, queued_s: Callable[[], float], written: bool = False) -> None:
        self._speech, self._rates, self._queued_s = speech, rates, queued_s
        self._text = 0.0 if written else 1.0
        self._waiting: deque[tuple[float, bool]] = deque()  # as long as the turn's queue of fragments
        self._written_s = 0.0
        self._tokens = 0

    # text.cuts.Plan

    def aim(self, written_s: float, inside: bool) -> Aim:
        """See Plan."""
        self._written_s = written_s
        speech, slack_s = self._speech, self._slack_s()
        in_time_s = min(self._in_time_s(slack_s, written_s), speech.max_fragment_s)
        if inside:
            return whole(max(in_time_s, _SHORTEST_S))
        if in_time_s >= _SHORTEST_S and not self._shortfall_s(slack_s, written_s, _SENTENCE_S):
            return whole(in_time_s)
        return early(speech, self._enough_s())

    def cut(self, seconds: float, ends_sentence: bool) -> None:
        """See Plan."""
        self._waiting.append((seconds, ends_sentence))
        if self._tokens:
            self._rates.tokens_per_s.learn(self._tokens, seconds)
            self._tokens = 0

    # what the turn tells and asks

    def token(self) -> None:
        """One more was written."""
        self._tokens += 1

    def delay_s(self, sound_s: float) -> float:
        """How long the next fragment's sound must wait so that the rest of its sentence comes in time.

        Args:
            sound_s: How much of it there is.
        """
        (seconds, ends), *others = self._waiting
        left_s = max(seconds - sound_s, 0.0) if sound_s < seconds / 2 else 0.0
        for more_s, ends_later in others if not ends else ():
            left_s += more_s
            ends = ends_later
            if ends:
                break
        written_s = left_s
        if not ends:
            written_s += self._written_s
            left_s = max(written_s, _SENTENCE_S - sound_s)
        return self._shortfall_s(self._queued_s() + sound_s, written_s, left_s)

    def spoken(self) -> None:
        """All of the next fragment's sound was handed to the loudspeaker."""
        self._waiting.popleft()

    def first_s(self) -> float:
        """How long it will take from now to the first sound, where nothing was spoken yet."""
        if self._waiting:
            return self._rates.voice_s(self._waiting[0][0])
        first_s = max(self._speech.first_fragment_s, self._enough_s())
        return self._cost_s(first_s, self._written_s)

    # arithmetic

    @property
    def _gap_s(self) -> float:
        return self._speech.clause_gap_ms / 1000

    def _cost_s(self, seconds: float, written_s: float) -> float:
        """To write what is not written of a fragment, and to speak it."""
        return self._rates.voice_s(seconds) + self._text * self._rates.text * max(seconds - written_s, 0.0)

    def _in_time_s(self, slack_s: float, written_s: float) -> float:
        """The longest fragment that comes before the sound runs out; negative if none does."""
        time_s, rates = slack_s / _MARGIN, self._rates
        text = self._text * rates.text
        spoken_s = rates.speech_in(time_s)
        if spoken_s <= written_s:
            return spoken_s
        return (rates.voice * spoken_s + text * written_s) / (rates.voice + text)

    def _slack_s(self) -> float:
        """How much sound will be left when all that was cut has been spoken, the shortest gap after it included."""
        slack_s = self._queued_s()
        for seconds, _ in self._waiting:
            slack_s = max(slack_s - self._rates.voice_s(seconds), 0.0) + seconds
        return slack_s + self._gap_s if slack_s else 0.0

    def _shortfall_s(self, slack_s: float, written_s: float, left_s: float) -> float:
        """How long the loudspeaker would wait within the rest of a sentence, cut as it is going to be cut."""
        missing_s = 0.0
        while left_s > 0:
            seconds = max(self._in_time_s(slack_s, written_s), _SHORTEST_S)
            seconds = min(seconds, left_s, self._speech.max_fragment_s)
            cost_s = self._cost_s(seconds, written_s)
            missing_s += max(cost_s * _MARGIN - slack_s, 0.0)
            slack_s = max(slack_s - cost_s, 0.0) + seconds + self._gap_s
            written_s = max(written_s - seconds, 0.0)
            left_s -= seconds
        return missing_s

    def _enough_s(self) -> float:
        """The shortest first fragment of a sentence after which nothing of the rest comes too late."""
        seconds, longest_s = _TRY_S, self._speech.max_fragment_s
        while seconds < longest_s and self._shortfall_s(seconds + self._gap_s, 0.0, _SENTENCE_S - seconds):
            seconds += _TRY_S
        return min(seconds, longest_s)
