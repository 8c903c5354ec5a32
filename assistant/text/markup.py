"""Takes out of a streamed reply what must not be spoken: Markdown, code, HTML, emoji, thinking.

Works on the reply as it arrives and decides as early as it can: a construct is held back only
while what has come could still be the beginning of one, and never over more than LIMIT characters,
so that the result does not depend on how the reply was cut into pieces.
"""

from __future__ import annotations

import html
import re
import string
import unicodedata
from typing import NamedTuple

from assistant.text import patterns
from assistant.text.characters import is_dropped

LIMIT = 400
"""Characters a construct may span before it is taken literally."""

BREAK = "\n"
FORGET = "\0"


class Char(NamedTuple):
    """A character that may be spoken and its span in the written reply.

    Whitespace is always " ". BREAK (empty span) ends a sentence: a list item, a heading, a
    paragraph. FORGET (empty span): all before it was thinking, drop what is not yet spoken.
    """

    text: str
    start: int
    end: int


_BLOCK_TAGS = frozenset("br p div li ul ol tr td th table hr h1 h2 h3 h4 h5 h6 blockquote details summary".split())
_THINKING_TAGS = frozenset("think thinking thought reasoning".split())
_UNSPOKEN_TAGS = _THINKING_TAGS | {"script", "style", "pre", "svg", "tool_call"}


class MarkupFilter:
    """Written reply in, characters that may be spoken out.

    Args:
        thinking: The reply begins inside a thinking block that the prompt's template opened.
    """

    def __init__(self, thinking: bool = False) -> None:
        self._rest = ""
        self._base = 0
        self._out: list[Char] = []
        self._previous = ""
        self._line_start = True
        self._line = ""  # "item" or "block": its end ends a sentence
        self._fence = ""
        self._until = re.compile("</think>", re.IGNORECASE) if thinking else None

    def feed(self, text: str) -> list[Char]:
        """Take the next piece of the reply, cut anywhere."""
        self._rest += text
        return self._run(final=False)

    def finish(self) -> list[Char]:
        """The reply is complete: what was held back is decided."""
        return self._run(final=True)

    def _run(self, final: bool) -> list[Char]:
        text, at = self._rest, 0
        while at < len(text):
            end = min(len(text), at + LIMIT)
            used = self._step(text, at, end, waits=not final and end < at + LIMIT)
            if not used:
                break
            at += used
            self._previous = text[at - 1]
        self._rest, self._base = text[at:], self._base + at
        out, self._out = self._out, []
        return out

    def _step(self, text: str, at: int, end: int, waits: bool) -> int:
        """Consume characters from `at` and return how many; 0: more must come before it is decided."""
        if self._until:
            return self._unspoken(self._until, text, at, waits)
        if self._fence:
            return self._fenced(text, at, end, waits)
        if self._line_start:
            used = self._marker(text, at, end, waits)
            if used is not None:
                return used
        handler = _INLINE.get(text[at])
        return handler(self, text, at, end, waits) if handler else self._emit(text[at], at)

    def _emit(self, char: str, at: int, width: int = 1) -> int:
        start = self._base + at
        if char.isspace() or (unicodedata.category(char) == "So" and is_dropped(char)):
            self._out.append(Char(" ", start, start + width))  # an emoji still parts two words
        elif not is_dropped(char):
            self._out.append(Char(char, start, start + width))
        return width

    def _break(self, at: int, kind: str = BREAK) -> None:
        self._out.append(Char(kind, self._base + at, self._base + at))

    # lines

    def _marker(self, text: str, at: int, end: int, waits: bool) -> int | None:
        if waits and patterns.MAYBE_MARKER.fullmatch(text, at, end):
            return 0
        if match := patterns.BLANK.match(text, at, end):
            used = self._spaces(at, match.end())
            self._break(at + used)
            return used
        goes_on = self._line == "item" and text[at] in " \t"
        if self._line and not goes_on:
            self._break(at)
        if match := patterns.QUOTE.match(text, at, end):
            return match.end() - at
        self._line_start, self._line = False, "item" if goes_on else ""
        if match := patterns.FENCE.match(text, at, end):
            self._fence, self._line_start = match[1], True
            self._break(at)
        elif match := patterns.RULE.match(text, at, end):
            self._line_start = True
            self._break(at)
        elif match := patterns.HEADING.match(text, at, end) or patterns.ROW.match(text, at, end):
            self._line = "block"
            self._break(at)
        elif match := patterns.NUMBERED.match(text, at, end):
            self._line = "item"
            self._break(at)
            for index in range(match.start(1), match.end(1)):
                self._emit(text[index], index)
            self._emit(",", match.end(1))  # heard as a pause; the written full stop would end a sentence
            self._spaces(match.end(1) + 1, match.end())
        elif match := patterns.BULLET.match(text, at, end):
            self._line = "item"
            self._break(at)
        return match.end() - at if match else None

    def _spaces(self, start: int, end: int) -> int:
        for index in range(start, end):
            self._emit(" ", index)
        return end - start

    def _newline(self, text: str, at: int, end: int, waits: bool) -> int:
        self._line_start = True
        return self._emit(" ", at)

    def _fenced(self, text: str, at: int, end: int, waits: bool) -> int:
        if self._line_start:
            if waits and patterns.MAYBE_FENCE_END.fullmatch(text, at, end):
                return 0
            match = patterns.FENCE_END.match(text, at, end)
            if match and match[1].startswith(self._fence):
                self._fence = ""
                return match.end() - at
        newline = text.find("\n", at)
        self._line_start = newline >= 0
        return (newline + 1 if newline >= 0 else len(text)) - at

    # inside a line

    def _unspoken(self, until: re.Pattern[str], text: str, at: int, waits: bool) -> int:
        match = until.search(text, at)
        if match:
            self._until = None
            return match.end() - at
        keep = len(until.pattern) - 1 if waits or len(text) - at > LIMIT else 0
        return max(0, len(text) - at - keep)

    def _code(self, text: str, at: int, end: int, waits: bool) -> int:
        match = patterns.CODE.match(text, at, end)
        if waits and (match.end() == end if match else "\n" not in text[at:end]):
            return 0
        if not match:
            return len(text[at:end]) - len(text[at:end].lstrip("`"))
        if patterns.WORD_LIKE.fullmatch(match[2]):
            for index in range(match.start(2), match.end(2)):
                self._emit(text[index], index)
        return match.end() - at

    def _tag(self, text: str, at: int, end: int, waits: bool) -> int:
        if waits and patterns.MAYBE_TAG.fullmatch(text, at, end):
            return 0
        if text.startswith("<!--", at):
            self._until = re.compile("-->")
            return 4
        if patterns.AUTOLINK.match(text, at, end):
            return 1
        match = patterns.TAG.match(text, at, end)
        if not match:
            return self._emit("<", at)
        name, closes = (match[1] or "").lower(), text[at + 1] == "/"
        if closes and name in _THINKING_TAGS:
            self._break(at, FORGET)  # the template opened the block, or it was never opened
        elif name in _BLOCK_TAGS or name in _UNSPOKEN_TAGS:
            self._break(at)
        if not closes and name in _UNSPOKEN_TAGS:
            self._until = re.compile(f"</{name}>", re.IGNORECASE)
        return match.end() - at

    def _entity(self, text: str, at: int, end: int, waits: bool) -> int:
        if waits and patterns.MAYBE_ENTITY.fullmatch(text, at, end):
            return 0
        match = patterns.ENTITY.match(text, at, end)
        char = html.unescape(match[0]) if match else ""
        return self._emit(char, at, len(match[0])) if match and len(char) == 1 else self._emit("&", at)

    def _image(self, text: str, at: int, end: int, waits: bool) -> int:
        if waits and patterns.MAYBE_IMAGE.fullmatch(text, at, end):
            return 0
        match = patterns.IMAGE.match(text, at, end)
        return match.end() - at if match else self._emit("!", at)

    def _bracket(self, text: str, at: int, end: int, waits: bool) -> int:
        if waits and patterns.MAYBE_NOTE.fullmatch(text, at, end):
            return 0
        match = patterns.NOTE.match(text, at, end)
        return match.end() - at if match else 1

    def _target(self, text: str, at: int, end: int, waits: bool) -> int:
        match = patterns.TARGET.match(text, at, end)
        if waits and not match and patterns.MAYBE_TARGET.fullmatch(text, at, end):
            return 0
        return match.end() - at if match else 1

    def _emphasis(self, text: str, at: int, end: int, waits: bool) -> int:
        mark = text[at]
        after = at + len(text[at:end]) - len(text[at:end].lstrip(mark))
        if waits and after == end:
            return 0
        before, follows = self._previous or " ", text[after : after + 1] or " "
        if after == at + 1:
            spaced = before.isspace() and follows.isspace()
            digits = before.isdecimal() and follows.isdecimal()
            if mark == "~" or (mark == "*" and (spaced or digits)):
                return self._emit(mark, at)
        if mark == "_" and before.isalnum() and follows.isalnum():
            return self._emit(mark, at, after - at)
        return after - at

    def _escape(self, text: str, at: int, end: int, waits: bool) -> int:
        if at + 1 == end:
            return 0 if waits else 1
        if text[at + 1] not in string.punctuation:
            return 1
        return 2 if text[at + 1] in "*~`" else 1 + self._emit(text[at + 1], at + 1)


_INLINE = {
    "\n": MarkupFilter._newline,
    "`": MarkupFilter._code,
    "<": MarkupFilter._tag,
    "&": MarkupFilter._entity,
    "!": MarkupFilter._image,
    "[": MarkupFilter._bracket,
    "]": MarkupFilter._target,
    "*": MarkupFilter._emphasis,
    "_": MarkupFilter._emphasis,
    "~": MarkupFilter._emphasis,
    "\\": MarkupFilter._escape,
}
