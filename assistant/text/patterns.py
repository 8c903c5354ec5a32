"""Markdown and HTML as regular expressions: what a construct is, and what may yet become one.

A MAYBE pattern matches every beginning of its construct: while it matches all that has come, the
decision waits.
"""

from __future__ import annotations

import re

MAYBE_MARKER = re.compile(
    r"[ \t]*(?:[-*_=+|:•‣◦▪– \t]*|\#{1,6}[ \t]*|>[ \t]?|`{3,}[^`\n]*|`{1,2}|~{3,}[^~\n]*|~{1,2}|\d{1,3}[.)]?[ \t]*"
    r"|[-*+•‣◦▪–][ \t]+\[[ xX]?\]?[ \t]*|\r)"
)
BLANK = re.compile(r"[ \t\r]*\n")
FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})[^`\n]*(?:\n|\Z)")
MAYBE_FENCE_END = re.compile(r"[ \t]*[`~]*[ \t\r]*")
FENCE_END = re.compile(r"[ \t]*(`{3,}|~{3,})[ \t\r]*(?:\n|\Z)")
RULE = re.compile(r"[ \t]*(?:([-*_=])(?:[ \t]*\1)+|[ \t:-]*\|[ \t|:-]*)[ \t\r]*(?:\n|\Z)")
HEADING = re.compile(r"[ \t]*\#{1,6}[ \t]+")
QUOTE = re.compile(r"[ \t]*>[ \t]?")
BULLET = re.compile(r"[ \t]*[-*+•‣◦▪–][ \t]+(?:\[[ xX]\][ \t]+)?")
NUMBERED = re.compile(r"[ \t]*(\d{1,3})[.)][ \t]+")
ROW = re.compile(r"[ \t]*\|")

CODE = re.compile(r"(`+)([^`\n](?:[^\n]*?[^`\n])??)\1(?!`)")
WORD_LIKE = re.compile(r"[-./~@#]*\w[\w .,'+#@/-]{0,60}")
TAG = re.compile(r"</?([a-zA-Z][\w-]*)[^<>\n]*>|<\|[^|<>\n]+\|>")
MAYBE_TAG = re.compile(r"<(?:[/!|a-zA-Z][^<>\n]*)?")
AUTOLINK = re.compile(r"<(?=(?:https?://|[\w.+-]+@)[^<>\s]+>)")
ENTITY = re.compile(r"&(?:#\d{1,6}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,10});")
MAYBE_ENTITY = re.compile(r"&#?\w{0,10}")
IMAGE = re.compile(r"!\[[^\]\n]*\]\([^)\n]*\)")
MAYBE_IMAGE = re.compile(r"!(?:\[[^\]\n]*(?:\](?:\([^)\n]*)?)?)?")
NOTE = re.compile(r"\[(?:\d{1,3}|\^[^\]\n]{1,30})\](?!\()")
MAYBE_NOTE = re.compile(r"\[(?:\d{0,3}|\^[^\]\n]{0,30})\]?")
TARGET = re.compile(r"\](?:\(\s*[^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+[\"'][^\n]*?[\"'])?\s*\)|\[[^\]\n]*\])")
MAYBE_TARGET = re.compile(r"\](?:\([^\n]*|\[[^\]\n]*)?")
