"""Cuts the characters that may be spoken into written words, as they stream in."""

from __future__ import annotations

from dataclasses import dataclass, field

from assistant.text.characters import is_symbol, is_unspaced, is_word, splits_between
from assistant.text.markup import BREAK, FORGET, Char

_LONGEST = 200
"""Characters after which a word is cut, so that a reply without spaces still flows."""


@dataclass(slots=True)
class Token:
    """A written word with the punctuation around it.

    Dashes and other marks that stand alone belong to the word before them. `end` reaches over the
    space that follows, so that tokens lie edge to edge in the written reply.
    """

    chars: list[Char] = field(default_factory=list)
    end: int = 0
    spaced: bool = False
    """Whether a space follows."""
    joined: bool = False
    """Whether the next word follows without a space, as Chinese, Japanese and Thai are written."""
    following: str = ""
    """First characters of what comes next, opening quotes included; "" at a break."""

    @property
    def text(self) -> str:
        """The characters, single spaces included."""
        return "".join(char.text for char in self.chars)

    @classmethod
    def joined_from(cls, tokens: list[Token]) -> Token:
        """One token of several that follow each other, with single spaces between them."""
        last = tokens[-1]
        chars = list(last.chars)
        for token in reversed(tokens[:-1]):
            chars = [*token.chars, Char(" ", token.end, token.end), *chars]
        return cls(chars, last.end, last.spaced, last.joined, last.following)


class Tokenizer:
    """Characters in, tokens out: a token is complete when the next one begins or at a break."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._token = Token()
        self._has_word = False
        self._lead: list[Char] = []  # marks after a space: they open the next word or stand alone

    def push(self, char: Char) -> Token | None:
        """Take one character; returns the token that it completes, if any."""
        token = self._token
        if char.text == FORGET:
            self._begin()
        elif char.text == BREAK:
            return self.finish()
        elif char.text == " ":
            self._keep_lead()
            token.spaced, token.end = True, char.end
        elif is_word(char.text) or is_symbol(char.text):
            return self._word_char(char)
        elif token.spaced:
            self._lead.append(char)
        else:
            token.chars.append(char)
            token.end = char.end
        return None

    def finish(self) -> Token | None:
        """The sentence ends here whatever follows: the token begun so far, if it holds a word."""
        self._keep_lead()
        token = self._token if self._has_word else None
        self._begin()
        return token

    def _word_char(self, char: Char) -> Token | None:
        token, lead = self._token, self._lead
        complete = self._has_word and (token.spaced or self._must_split(char.text))
        if complete:
            token.following = "".join(mark.text for mark in lead) + char.text
            token.joined = not token.spaced and (is_unspaced(token.chars[-1].text) or is_unspaced(char.text))
            self._begin()
        elif token.spaced and token.chars:
            token.chars.append(Char(" ", token.end, token.end))
        self._token.chars += [*lead, char]
        self._token.end, self._token.spaced, self._has_word, self._lead = char.end, False, True, []
        return token if complete else None

    def _keep_lead(self) -> None:
        if self._lead:
            self._token.chars += [Char(" ", self._token.end, self._token.end), *self._lead]
            self._token.end, self._token.spaced, self._lead = self._lead[-1].end, False, []

    def _must_split(self, char: str) -> bool:
        return splits_between(self._token.chars[-1].text, char) or len(self._token.chars) >= _LONGEST
