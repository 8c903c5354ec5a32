"""Cuts a reply, as it is written, into fragments short enough to be spoken in one step."""

from __future__ import annotations

from dataclasses import replace

from assistant.config import Speech
from assistant.messages import Fragment, SpokenWord
from assistant.text.characters import is_unspaced
from assistant.text.cuts import Atom, Cut, CutChooser, EarlyThenWhole, Plan, cut_between
from assistant.text.duration import spoken_seconds
from assistant.text.markup import BREAK, FORGET, Char, MarkupFilter
from assistant.text.sentences import ends_sentence, reads_on, reads_together
from assistant.text.spoken import is_english, spoken_words
from assistant.text.tokens import Token, Tokenizer

_MOST_TOGETHER = 6
"""Written words read together; a telephone number with its country code has five parts."""


class FragmentCutter:
    """Written reply in, fragments out; for the same plan what comes out does not depend on how the reply was cut up.

    The first fragment ends early, at a clause near `speech.first_fragment_s`; the others are whole
    sentences, or clauses where a sentence would last longer than `speech.max_fragment_s`; or all are as
    long as a plan says. Their written spans lie edge to edge from the reply's first character; only what
    is not spoken and comes after the last fragment, when that was already out (code at the end), belongs
    to none. A reply with nothing to say gives no fragment.

    Args:
        speech: Lengths and speed.
        language: Language code of the reply; "auto" is taken for English.
        thinking: The reply begins inside a thinking block that the prompt's template opened.
        plan: How long fragments should be.
    """

    def __init__(self, speech: Speech, language: str = "en", thinking: bool = False, plan: Plan | None = None) -> None:
        self._speed = speech.speed
        self._language = "en" if language == "auto" else language
        self._markup = MarkupFilter(thinking)
        self._tokens = Tokenizer()
        self._together: list[Token] = []
        self._cuts = CutChooser(plan or EarlyThenWhole(speech))
        self._last_written = self._last_spoken = ""
        self._start = self._length = 0

    def feed(self, text: str) -> list[Fragment]:
        """Take the next piece of the reply; returns the fragments that it completes."""
        self._length += len(text)
        return self._take(self._markup.feed(text))

    def finish(self) -> list[Fragment]:
        """The reply is complete: returns the fragments still held back, the last up to its end."""
        fragments = self._take(self._markup.finish())
        token = self._tokens.finish()
        fragments += self._token(token, breaks=True) if token else self._read(breaks=True)
        fragments += self._fragments(self._cuts.flush())
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
                self._together = []
                self._cuts.forget()
        return fragments

    def _token(self, token: Token, breaks: bool) -> list[Fragment]:
        """Collect written words that must be read together; read them when no more can belong."""
        fragments: list[Fragment] = []
        text = " ".join(part.text for part in self._together)
        if not (text and len(self._together) < _MOST_TOGETHER and reads_together(text, token.text)):
            fragments += self._read()
            text = ""
        self._together.append(token)
        if breaks or not reads_on(f"{text} {token.text}".lstrip()):
            fragments += self._read(breaks)
        return fragments

    def _read(self, breaks: bool = False) -> list[Fragment]:
        """Put the collected words into spoken form, and cut."""
        if not self._together:
            return []
        token, self._together = Token.joined_from(self._together), []
        words = spoken_words(token.text, self._language, self._last_written, token.following)
        ends = breaks or ends_sentence(token.text, token.following, self._last_written)
        self._last_written = "" if ends else token.text.split()[-1].strip(".,;:!?\"'()")
        fragments: list[Fragment] = []
        for atom in self._atoms(token, words, ends):
            before = cut_between(self._last_spoken, atom.words[0].text) if is_english(self._language) else Cut.WORD
            fragments += self._fragments(self._cuts.add(atom, before))
            self._last_spoken = atom.words[-1].text
        return fragments if words or not ends else self._fragments(self._cuts.flush(ends=True))

    def _atoms(self, token: Token, words: list[SpokenWord], ends: bool) -> list[Atom]:
        """Words whose spans overlap belong together; spans become those in the reply."""
        if not words:
            return []
        words[-1] = _closed(words[-1]) if ends else replace(words[-1], joined=token.joined)
        runs: list[list[SpokenWord]] = []
        for word in words:
            if runs and word.start < runs[-1][-1].end:
                runs[-1].append(word)
            else:
                runs.append([word])
        borders = [token.chars[run[0].start].start for run in runs[1:]] + [token.end]
        atoms = []
        for run, end in zip(runs, borders, strict=True):
            spans = [(token.chars[word.start].start, token.chars[word.end - 1].end) for word in run]
            spoken = tuple(replace(word, start=a, end=b) for word, (a, b) in zip(run, spans, strict=True))
            cut = Cut.CLAUSE if run[-1].after else Cut.INSIDE
            atoms.append(Atom(spoken, end, cut, spoken_seconds(spoken, self._language, self._speed)))
        if ends:
            atoms[-1] = replace(atoms[-1], cut=Cut.SENTENCE)
        elif atoms[-1].cut is Cut.INSIDE:
            thai = token.spaced and is_unspaced(words[-1].text[-1])  # a space there parts clauses
            atoms[-1] = replace(atoms[-1], cut=Cut.CONJUNCTION if thai else Cut.WORD)
        return atoms

    def _fragments(self, runs: list[list[Atom]]) -> list[Fragment]:
        fragments = []
        for run in runs:
            words = tuple(word for atom in run for word in atom.words)
            ends = run[-1].cut is Cut.SENTENCE
            fragments.append(Fragment(words, self._start, run[-1].end, ends, self._language))
            self._start = run[-1].end
        return fragments


def _closed(word: SpokenWord) -> SpokenWord:
    """The word with the tone of a sentence's end, whatever was or was not written after it."""
    return replace(word, after=word.after if word.after in (".", "!", "?", "…") else ".", joined=False)


def fragments_of(text: str, speech: Speech, language: str = "en") -> list[Fragment]:
    """A text that is there as a whole, in fragments; see FragmentCutter."""
    cutter = FragmentCutter(speech, language)
    return [*cutter.feed(text), *cutter.finish()]
