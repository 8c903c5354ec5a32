"""Web and mail addresses, file names and paths as they are said."""

from __future__ import annotations

import re

from assistant.messages import SpokenWord
from assistant.text.numbers import number_words, said, spelled
from assistant.text.rules import Context, Rule, rule

_DOMAINS = "com|org|net|edu|gov|mil|int|io|dev|ai|app|co|info|biz|xyz|blog|shop|tv|uk|de|fr|es|jp|cn|ca|au|ch|nl|eu"
_FILES = (
    "py|js|ts|rs|go|c|h|cpp|java|rb|sh|md|txt|pdf|doc|docx|xls|xlsx|ppt|csv|tsv|json|yaml|yml|toml|xml|html|css|ini|log"
    "|png|jpg|jpeg|gif|svg|webp|mp3|mp4|wav|flac|ogg|mov|zip|gz|tar|exe|dmg|lock|sql|env"
)
_SAID = {".": "dot", "/": "slash", "-": "dash", "_": "underscore", "@": "at", "+": "plus", "~": "tilde"}
_READ = frozenset("json toml yaml jpeg java gif log lock env zip tar com org net edu gov".split())
_LONGEST = 60
"""Characters of an address beyond which only its host is said."""


def _spelled(part: str, after: str) -> bool:
    """Whether letters of an address are named one by one: "pdf", "bbc", ".uk"; not "co", "gov", "blog"."""
    if part.lower() in _READ or len(part) > 4:
        return False
    return len(part) == 1 or not re.search("[aeiouyAEIOUY]", part) or (len(part) == 2 and after == "." and part != "co")


def _address(match: re.Match[str], context: Context) -> list[SpokenWord]:
    """Part by part, each with its own span; scheme, "www." and query are passed over in silence."""
    text, start = match[0], match.start()
    scheme = re.match(r"(?:\w+://)?(?:www\.)?", text)
    skip = scheme.end() if scheme else 0
    stop = re.search(r"[?#]", text[skip:]) or re.search("/", text[skip:] if len(text) > _LONGEST else "")
    body = text[skip : skip + stop.start()] if stop else text[skip:]
    words: list[SpokenWord] = []
    for part in re.finditer(r"[^\W\d_]+|\d+|[./_@+~-]", body.rstrip("/")):
        at = start + skip + part.start()
        if part[0] in _SAID:
            words += said(_SAID[part[0]], at, at + 1)
        elif part[0][0].isdigit():
            words += number_words(part[0], at)
        elif _spelled(part[0], body[: part.start()][-1:]):
            words += spelled(part[0], at)
        else:
            words += [SpokenWord(part[0], at, at + len(part[0]))]
    if words:  # what is passed over belongs to the words beside it
        words[0] = SpokenWord(words[0].text, start, words[0].end)
        words[-1] = SpokenWord(words[-1].text, words[-1].start, match.end())
    return words


_ENDS = r"[^\s<>\"'`)\]}.,;:!?…）】」]"
ADDRESSES: list[Rule] = [
    rule(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", _address),
    rule(rf"(?:(?:https?|ftp|file)://|www\.)(?:[^\s<>\"`）】」]*{_ENDS})", _address),
    rule(rf"(?:[A-Za-z0-9-]+\.)+(?:{_DOMAINS})(?![\w-])(?:/(?:[^\s<>\"`）】」]*{_ENDS})?)?", _address),
    rule(rf"\w[\w-]*(?:\.[\w-]+)*\.(?:{_FILES})(?![\w-])", _address),
    rule(r"(?<!\w)(?:~|\.{1,2})?(?:/[\w.-]*\w){2,}/?", _address),
]
