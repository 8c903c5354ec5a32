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

_MARGIN = 1.2
"""Steps that take this much longer than they used to are still in time."""
_SENTENCE_S, _LONG_SENTENCE_S = 4.5, 12.0
"""What a sentence not yet written will probably last, and what it may."""
_SHORTEST_S = 0.6
"""Nothing shorter is cut off a sentence; two or three words."""
_MOST_WAITING = 4
"""Fragments of a sentence that are there before its first is heard, at most; the turn's queue holds more."""
_TRY_S = 0.25
_NOTHING_S = 1e-6


class Pace:
    """Plans one reply; satisfies text.cuts.Plan. Pure but for what it is told, in order.

    Args:
        speech: Lengths and gaps.
        rates: How fast the models are.
        queued_s: Seconds of sound that are ready and not yet played.
    """

    def __init__(self, speech: Speech, rates: Rates, queued_s: Callable[[], float]) -> None:
        self._speech, self._rates, self._queued_s = speech, rates, queued_s
        self._waiting: deque[tuple[float, bool]] = deque()  # as long as the turn's queue of fragments
        self._written_s = 0.0
        self._tokens = 0
        self._complete = False

    # text.cuts.Plan, in seconds as estimated from the text; all else is in seconds of sound

    def aim(self, written_s: float, inside: bool) -> Aim:
        """See Plan."""
        spoken, slack_s = self._rates.spoken.value, self._slack_s(inside)
        self._written_s = written_s * spoken
        in_time_s = self._in_time_s(slack_s, self._written_s)
        if inside or (in_time_s >= self._steady_s and not self._missing_s(slack_s, self._written_s, _SENTENCE_S)):
            return whole(min(max(in_time_s, self._steady_s) / spoken, self._speech.max_fragment_s))
        return early(self._speech, self._enough_s() / spoken)

    def cut(self, seconds: float, ends_sentence: bool) -> None:
        """See Plan."""
        self._waiting.append((seconds, ends_sentence))
        if self._tokens:
            self._rates.tokens_per_s.learn(self._tokens, seconds * self._rates.spoken.value)
            self._tokens = 0

    # what the turn tells and asks

    def token(self) -> None:
        """One more was written."""
        self._tokens += 1

    def finish(self) -> None:
        """All is written."""
        self._complete = True

    def must_know_more(self, sound_s: float) -> bool:
        """Whether the next fragment must not be heard before more of its sentence is written.

        That is so where a long sentence would come too late, and the end of this one is not in sight.

        Args:
            sound_s: How much there is of its sound.
        """
        if self._complete or len(self._waiting) > _MOST_WAITING or any(ends for _, ends in self._waiting):
            return False
        return self._missing_s(self._queued_s() + sound_s, self._written_s, _LONG_SENTENCE_S - sound_s) > 0

    def delay_s(self, sound_s: float) -> float:
        """How long the next fragment's sound must wait so that the rest of its sentence comes in time.

        Args:
            sound_s: How much of it there is.
        """
        spoken, slack_s, missing_s = self._rates.spoken.value, self._queued_s() + sound_s, 0.0
        (seconds, ends), *others = self._waiting
        rest = [seconds - sound_s / spoken] if sound_s < seconds * spoken / 2 else []  # it comes in pieces
        while not ends and others:
            (seconds, ends), *others = others
            rest.append(seconds)
        for seconds in rest:  # which may sound for as long as was estimated: that is rather long
            missing_s += self._late_s(seconds, seconds, slack_s)
            slack_s = self._slack_after_s(seconds * spoken, seconds * spoken, slack_s)
        return missing_s if ends else missing_s + self._missing_s(slack_s, self._written_s, self._written_s)

    def spoken(self, sound_s: float) -> None:
        """All of the next fragment's sound was handed to the loudspeaker, so much of it."""
        seconds, _ = self._waiting.popleft()
        self._rates.spoken.learn(sound_s, seconds)

    def first_s(self) -> float:
        """How long it will take from now to the first sound, where nothing was spoken yet."""
        rates = self._rates
        if self._waiting:
            return rates.voice_s(self._waiting[0][0] * rates.spoken.value)
        first_s = max(self._speech.first_fragment_s * rates.spoken.value, self._enough_s())
        return self._cost_s(first_s, self._written_s)

    # arithmetic

    @property
    def _gap_s(self) -> float:
        return self._speech.clause_gap_ms / 1000

    def _cost_s(self, seconds: float, written_s: float) -> float:
        """To write what is not written of a fragment, and to speak it."""
        return self._rates.voice_s(seconds) + self._rates.text_s(max(seconds - written_s, 0.0))

    def _in_time_s(self, slack_s: float, written_s: float) -> float:
        """The longest fragment that comes before the sound runs out; negative if none does."""
        return self._rates.speech_in(slack_s / _MARGIN, written_s)

    def _slack_s(self, inside: bool) -> float:
        """How much sound will be left when all that was cut has been spoken, the gap after it included."""
        slack_s = self._queued_s()
        for seconds, _ in self._waiting:
            seconds *= self._rates.spoken.value
            slack_s = max(slack_s - self._rates.voice_s(seconds), 0.0) + seconds
        return slack_s + (self._gap_s if inside else self._speech.sentence_gap_ms / 1000) if slack_s else 0.0

    def _late_s(self, seconds: float, written_s: float, slack_s: float) -> float:
        """How much too late a fragment may come, where the sound before it lasts for so long."""
        late_s = self._cost_s(seconds, written_s) * _MARGIN - slack_s
        return late_s if late_s > _NOTHING_S else 0.0

    def _slack_after_s(self, seconds: float, written_s: float, slack_s: float) -> float:
        """How much sound there is when it has come, the shortest gap after it included."""
        return max(slack_s - self._cost_s(seconds, written_s), 0.0) + seconds + self._gap_s

    def _missing_s(self, slack_s: float, written_s: float, left_s: float) -> float:
        """How long the loudspeaker would wait within the rest of a sentence, cut as it is going to be cut."""
        missing_s = 0.0
        while left_s > _NOTHING_S:
            seconds = min(max(self._in_time_s(slack_s, written_s), self._steady_s), left_s, self._longest_s)
            missing_s += self._late_s(seconds, written_s, slack_s)
            slack_s = self._slack_after_s(seconds, written_s, slack_s)
            written_s = max(written_s - seconds, 0.0)
            left_s -= seconds
        return missing_s

    @property
    def _longest_s(self) -> float:
        return self._speech.max_fragment_s * self._rates.spoken.value

    @property
    def _steady_s(self) -> float:
        """The shortest fragment that lasts until another like it has come; where there is none, the longest."""
        fixed_s = self._cost_s(0.0, 0.0) * _MARGIN - self._gap_s
        gained = 1 - (self._cost_s(1.0, 0.0) - self._cost_s(0.0, 0.0)) * _MARGIN
        steady_s = fixed_s / gained if gained > 0 else self._longest_s
        return min(max(steady_s, _SHORTEST_S), self._longest_s)

    def _enough_s(self) -> float:
        """The shortest first fragment of a sentence after which nothing of the rest comes too late."""
        seconds = _TRY_S
        while seconds < _SENTENCE_S and self._missing_s(seconds + self._gap_s, 0.0, _SENTENCE_S - seconds):
            seconds += _TRY_S
        return seconds
