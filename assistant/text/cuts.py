"""Where spoken words are cut into fragments: how good each place is, and which one is taken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from math import inf
from typing import Protocol

from assistant.config import Speech
from assistant.messages import SpokenWord

_EARLIEST = 0.5
"""Of `first_fragment_s`: before this a clause is too short to be worth a cut."""
_LATEST = 1.5
"""Of `first_fragment_s`: a sentence that ends by then is not cut."""
_ROOM = 1.25
"""Above what is needed at least: in it lies the place to cut."""
_FULLEST = 0.4
"""Of the most that there may be: where a sentence must be cut, at least this much goes before the cut."""


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


@dataclass(frozen=True, slots=True)
class Aim:
    """How long a run should be, in seconds; the end of a sentence always ends it."""

    clause_s: float
    """A clause this long is a run."""
    conjunction_s: float
    """So is this much before a conjunction."""
    most_s: float
    """Longer than this it is cut at the best place in it."""
    least_s: float
    """That comes after this much, if any does."""


def early(speech: Speech, needed_s: float = 0.0) -> Aim:
    """A run that ends soon: at a clause of half of `first_fragment_s`, at a conjunction after the whole.

    Args:
        speech: Lengths.
        needed_s: It should not be shorter than this.
    """
    first_s = speech.first_fragment_s
    most_s = min(max(_LATEST * first_s, _ROOM * needed_s), speech.max_fragment_s)
    least_s = min(max(_EARLIEST * first_s, needed_s), most_s / _ROOM)
    return Aim(least_s, max(first_s, least_s), most_s, least_s)


def whole(most_s: float) -> Aim:
    """A whole sentence, if it is no longer than this."""
    return Aim(inf, inf, most_s, _FULLEST * most_s)


class Plan(Protocol):
    """Says how long runs should be."""

    def aim(self, written_s: float, inside: bool) -> Aim:
        """For the next run.

        Args:
            written_s: Seconds of it that are there.
            inside: It does not begin a sentence.
        """

    def cut(self, seconds: float, ends_sentence: bool) -> None:
        """A run was cut."""


class EarlyThenWhole:
    """Satisfies Plan, whatever time it takes to speak: `first_fragment_s` of speech in early runs, then sentences."""

    def __init__(self, speech: Speech) -> None:
        self._speech = speech
        self._out_s = 0.0

    def aim(self, written_s: float, inside: bool) -> Aim:
        """See Plan."""
        first = self._out_s < self._speech.first_fragment_s
        return early(self._speech) if first else whole(self._speech.max_fragment_s)

    def cut(self, seconds: float, ends_sentence: bool) -> None:
        """See Plan."""
        self._out_s += seconds


class CutChooser:
    """Atoms in, runs of atoms out, each to be spoken in one step.

    A run that would last too long ends at the best place in it, as late as may be. Only an atom that lasts
    longer alone exceeds the limit.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._atoms: list[Atom] = []
        self._seconds = 0.0
        self._inside = False

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
            if before is Cut.CONJUNCTION and self._seconds >= self._aim().conjunction_s:
                runs.append(self._take(len(self._atoms)))
        while self._atoms and self._seconds + atom.seconds > (aim := self._aim()).most_s:
            runs.append(self._take(self._best_place(aim.least_s)))
        self._atoms.append(atom)
        self._seconds += atom.seconds
        clause = atom.cut is Cut.CLAUSE and self._seconds >= self._aim().clause_s
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

    def _aim(self) -> Aim:
        return self._plan.aim(self._seconds, self._inside)

    def _best_place(self, least_s: float) -> int:
        places, seconds = [], 0.0
        for count, atom in enumerate(self._atoms, start=1):
            seconds += atom.seconds
            places.append((atom.cut > Cut.INSIDE, seconds >= least_s, atom.cut, count))
        return max(places)[-1]

    def _take(self, count: int) -> list[Atom]:
        run, self._atoms = self._atoms[:count], self._atoms[count:]
        self._seconds = sum(atom.seconds for atom in self._atoms)
        self._inside = run[-1].cut is not Cut.SENTENCE
        self._plan.cut(sum(atom.seconds for atom in run), not self._inside)
        return run
