"""Where spoken words are cut into fragments: how good each place is, and which one is taken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

from assistant.config import Speech
from assistant.messages import SpokenWord

_EARLIEST = 0.5
"""Of `first_fragment_s`: before this a clause is too short to be worth a cut."""
_LATEST = 1.5
"""Of `first_fragment_s`: a sentence that ends by then is not cut."""
_FULLEST = 0.4
"""Of `max_fragment_s`: where a sentence must be cut, at least this much goes before the cut."""


class Cut(IntEnum):
    """How good a place is to cut, best last."""

    INSIDE = 0
    WORD = 1
    PREPOSITION = 2
    CONJUNCTION = 3
    CLAUSE = 4
    SENTENCE = 5


_PREPOSITIONS = (
    "in on at to of for with from by into over under about than through without within between near after before "
    "around during as per like"
).split()
_CONJUNCTIONS = "and but or so because which who when while where if that then although until unless".split()
_BEFORE = dict.fromkeys(_PREPOSITIONS, Cut.PREPOSITION) | dict.fromkeys(_CONJUNCTIONS, Cut.CONJUNCTION)
_LEANING = frozenset(_BEFORE) | frozenset("a an the my your his her its our their this these".split())


def cut_between(word: str, next_word: str) -> Cut:
    """How good the place between two English words is, where no punctuation stands."""
    return Cut.INSIDE if word.lower() in _LEANING else _BEFORE.get(next_word.lower(), Cut.WORD)


@dataclass(frozen=True, slots=True)
class Atom:
    """Spoken words that share a written span, and what may be cut after them."""

    words: tuple[SpokenWord, ...]
    end: int
    """Index in the written reply where a fragment that ends here ends."""
    cut: Cut
    seconds: float


class CutChooser:
    """Atoms in, runs of atoms out, each to be spoken in one step.

    Until `first_fragment_s` of speech is out, runs end early: at a clause of half that length, at a
    conjunction after the whole. After that they are sentences. A run that would last too long ends at
    the best place in it, as late as may be. Only an atom that lasts longer alone exceeds the limit.
    """

    def __init__(self, speech: Speech) -> None:
        self._first_s, self._longest_s = speech.first_fragment_s, speech.max_fragment_s
        self._atoms: list[Atom] = []
        self._seconds = 0.0
        self._out_s = 0.0

    @property
    def _early(self) -> bool:
        return self._out_s < self._first_s

    def add(self, atom: Atom, before: Cut) -> list[list[Atom]]:
        """Take the next atom.

        Args:
            atom: The atom.
            before: How good the place before it is, where the atom before said no more than Cut.WORD.

        Returns:
            The runs that end with it or before it.
        """
        runs: list[list[Atom]] = []
        if self._atoms and self._atoms[-1].cut is Cut.WORD:
            self._atoms[-1] = replace(self._atoms[-1], cut=before)
            if self._early and before is Cut.CONJUNCTION and self._seconds >= self._first_s:
                runs.append(self._take(len(self._atoms)))
        while self._atoms and self._seconds + atom.seconds > self._limit_s():
            runs.append(self._take(self._best_place()))
        self._atoms.append(atom)
        self._seconds += atom.seconds
        clause = self._early and atom.cut is Cut.CLAUSE and self._seconds >= _EARLIEST * self._first_s
        if clause or atom.cut is Cut.SENTENCE:
            runs += self.flush()
        return runs

    def flush(self, ends: bool = False) -> list[list[Atom]]:
        """The run begun so far, if any; `ends`: a sentence turned out to end there."""
        if ends and self._atoms:
            self._atoms[-1] = replace(self._atoms[-1], cut=Cut.SENTENCE)
        return [self._take(len(self._atoms))] if self._atoms else []

    def forget(self) -> None:
        """Drop the run begun so far."""
        self._atoms, self._seconds = [], 0.0

    def _limit_s(self) -> float:
        return min(self._longest_s, _LATEST * self._first_s) if self._early else self._longest_s

    def _best_place(self) -> int:
        least_s = _EARLIEST * self._first_s if self._early else _FULLEST * self._longest_s
        places, seconds = [], 0.0
        for count, atom in enumerate(self._atoms, start=1):
            seconds += atom.seconds
            places.append((atom.cut > Cut.INSIDE, seconds >= least_s, atom.cut, count))
        return max(places)[-1]

    def _take(self, count: int) -> list[Atom]:
        run, self._atoms = self._atoms[:count], self._atoms[count:]
        self._out_s += sum(atom.seconds for atom in run)
        self._seconds = sum(atom.seconds for atom in self._atoms)
        return run
