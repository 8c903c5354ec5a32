"""Cuts a reply, as it is written, into fragments short enough to be spoken in one step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

from assistant.config import Speech
from assistant.messages import Fragment, SpokenWord
from assistant.text.characters import is_unspaced
from assistant.text.duration import spoken_seconds
from assistant.text.markup import BREAK, FORGET, Char, MarkupFilter
from assistant.text.sentences import ends_sentence, reads_on, reads_together
from assistant.text.spoken import is_english, spoken_words
from assistant.text.tokens import Token, Tokenizer

_LEAST_S = 0.6  # shorter sentences ("Yes.") are spoken with what follows: alone a voice clips them
_EARLIEST = 0.5  # of the first fragment's length: from here on a clause may end it
_LATEST = 1.5  # of the first fragment's length: a sentence that ends by then is not cut
_FULLEST = 0.4  # of the longest fragment: a cut leaves at least this much before it
_MOST_TOKENS = 6


class Cut(IntEnum):
    """How good a place is to cut, better last."""

    INSIDE = 0
    WORD = 1
    PREPOSITION = 2
    CONJUNCTION = 3
    CLAUSE = 4
    SENTENCE = 5


_PREPOSITIONS = "in on at to of for with from by into over under about than through without".split()
_CONJUNCTIONS = "and but or so because which who when while where if that then although until unless".split()
_BEFORE = dict.fromkeys(_PREPOSITIONS, Cut.PREPOSITION) | dict.fromkeys(_CONJUNCTIONS, Cut.CONJUNCTION)
_LEANING = frozenset(_BEFORE) | frozenset("a an the my your his her its our their this these".split())
"""Words that belong to the next one: no cut after them."""


@dataclass(frozen=True, slots=True)
class _Atom:
    """Spoken words that share a written span, and what may be cut after them."""

    words: tuple[SpokenWord, ...]
    end: int
    cut: Cut
    seconds: float


class FragmentCutter:
    """Written reply in, fragments out; what comes out does not depend on how the reply was cut up.

    The first fragment ends early, at a clause near `speech.first_fragment_s`; the others are whole
    sentences, or clauses where a sentence would last longer than `speech.max_fragment_s`. Their
    written spans lie edge to edge from the reply's first character; only what is not spoken after
    the last fragment, when that was already out (code at the end), belongs to none. A reply with
    nothing to say gives no fragment.

    Args:
        speech: Lengths and speed.
        language: Language code of the reply.
        thinking: The reply begins inside a thinking block that the prompt's template opened.
    """

    def __init__(self, speech: Speech, language: str = "en", thinking: bool = False) -> None:
        self._speech = speech
        self._language = language
        self._markup = MarkupFilter(thinking)
        self._tokens = Tokenizer()
        self._group: Token | None = None
        self._grouped = 0
        self._before = ""
        self._atoms: list[_Atom] = []
        self._seconds = 0.0
        self._start = 0
        self._length = 0
        self._first = True

    def feed(self, text: str) -> list[Fragment]:
        """Take the next piece of the reply; returns the fragments that it completes."""
        self._length += len(text)
        return self._take(self._markup.feed(text))

    def finish(self) -> list[Fragment]:
        """The reply is complete: returns the fragments still held back, the last up to its end."""
        fragments = self._take(self._markup.finish())
        token = self._tokens.finish()
        fragments += self._token(token, breaks=True) if token else self._read(breaks=True)
        if self._atoms:
            fragments.append(self._emit(len(self._atoms)))
        if fragments:
            fragments[-1] = replace(fragments[-1], end=self._length)
        return fragments

    def _take(self, chars: list[Char]) -> list[Fragment]:
        fragments: list[Fragment] = []
        for char in chars:
            token = self._tokens.push(char)
            if token:
                fragments += self._token(token, breaks=char.text == BREAK)
            elif char.text == FORGET:
                self._group, self._atoms, self._seconds = None, [], 0.0
        return fragments

    def _token(self, token: Token, breaks: bool) -> list[Fragment]:
        """Collect written words that must be read together; read them when they are complete."""
        fragments: list[Fragment] = []
        if self._group and self._grouped < _MOST_TOKENS and reads_together(self._group.text, token.text):
            self._group.join(token)
            self._grouped += 1
        else:
            fragments += self._read()
            self._group, self._grouped = token, 1
        if breaks or not reads_on(self._group.text):
            fragments += self._read(breaks)
        return fragments

    def _read(self, breaks: bool = False) -> list[Fragment]:
        """Put the collected words into spoken form and decide what may be cut after them."""
        group, self._group = self._group, None
        if not group:
            return []
        text, before = group.text, self._before
        words = spoken_words(text, self._language, before, group.following)
        ends = breaks or ends_sentence(text, group.following, before)
        self._before = text.split()[-1].strip(".,;:!?\"'()")
        fragments: list[Fragment] = []
        for atom in self._split(group, words, ends):
            fragments += self._add(atom)
        if ends and not words and self._atoms:
            fragments += self._close()
        return fragments

    def _split(self, group: Token, words: list[SpokenWord], ends: bool) -> list[_Atom]:
        """Atoms of a group, their spans in the written reply."""
        runs: list[list[SpokenWord]] = []
        for word in words:
            if runs and word.start < runs[-1][-1].end:
                runs[-1].append(word)
            else:
                runs.append([word])
        atoms: list[_Atom] = []
        for index, run in enumerate(runs):
            last = index == len(runs) - 1
            if last:
                run[-1] = self._last_word(run[-1], group, ends)
            spoken = tuple(
                replace(word, start=group.chars[word.start].start, end=group.chars[word.end - 1].end) for word in run
            )
            end = group.end if last else group.chars[runs[index + 1][0].start].start
            cut = _cut_after(spoken[-1], group, ends) if last else Cut.CLAUSE if spoken[-1].after else Cut.INSIDE
            atoms.append(_Atom(spoken, end, cut, spoken_seconds(spoken, self._language, self._speech.speed)))
        return atoms

    def _last_word(self, word: SpokenWord, group: Token, ends: bool) -> SpokenWord:
        if ends:
            return replace(word, after=word.after if word.after in (".", "!", "?", "…") else ".", joined=False)
        return replace(word, joined=group.joined)

    def _add(self, atom: _Atom) -> list[Fragment]:
        """Take the next atom; returns the fragments that are complete with it or before it."""
        fragments: list[Fragment] = []
        if self._atoms and self._atoms[-1].cut is Cut.WORD and is_english(self._language):
            leans = self._atoms[-1].words[-1].text.lower() in _LEANING
            cut = Cut.INSIDE if leans else _BEFORE.get(atom.words[0].text.lower(), Cut.WORD)
            self._atoms[-1] = replace(self._atoms[-1], cut=cut)
            if self._first and cut is Cut.CONJUNCTION and self._seconds >= self._speech.first_fragment_s:
                fragments.append(self._emit(len(self._atoms)))
        while self._atoms and self._seconds + atom.seconds > self._longest():
            fragments.append(self._emit(self._best_cut()))
        self._atoms.append(atom)
        self._seconds += atom.seconds
        early = self._first and atom.cut is Cut.CLAUSE and self._seconds >= _EARLIEST * self._speech.first_fragment_s
        if early or (atom.cut is Cut.SENTENCE and self._seconds >= _LEAST_S):
            fragments.append(self._emit(len(self._atoms)))
        return fragments

    def _close(self) -> list[Fragment]:
        """A sentence ends after words already taken."""
        last = self._atoms.pop()
        self._seconds -= last.seconds
        word = replace(last.words[-1], after=last.words[-1].after or ".")
        return self._add(replace(last, words=(*last.words[:-1], word), cut=Cut.SENTENCE))

    def _longest(self) -> float:
        longest = self._speech.max_fragment_s
        return min(longest, _LATEST * self._speech.first_fragment_s) if self._first else longest

    def _best_cut(self) -> int:
        """How many atoms to speak when the next does not fit any more: up to the best place, as late as may be."""
        least = _EARLIEST * self._speech.first_fragment_s if self._first else _FULLEST * self._speech.max_fragment_s
        best, seconds = (Cut.INSIDE, 0), 0.0
        for count, atom in enumerate(self._atoms, start=1):
            seconds += atom.seconds
            if seconds >= least or count == len(self._atoms):
                best = max(best, (atom.cut, count))
        return best[1]

    def _emit(self, count: int) -> Fragment:
        atoms, self._atoms = self._atoms[:count], self._atoms[count:]
        self._seconds = sum(atom.seconds for atom in self._atoms)
        start, self._start, self._first = self._start, atoms[-1].end, False
        words = tuple(word for atom in atoms for word in atom.words)
        return Fragment(words, start, self._start, atoms[-1].cut is Cut.SENTENCE, self._language)


def _cut_after(word: SpokenWord, group: Token, ends: bool) -> Cut:
    if ends:
        return Cut.SENTENCE
    if word.after:
        return Cut.CLAUSE
    in_thai = group.spaced and is_unspaced(word.text[-1])  # there a space parts clauses
    return Cut.CONJUNCTION if in_thai else Cut.WORD
