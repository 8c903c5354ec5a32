"""A terminal's bytes made keys: plain terminals, and the kitty keyboard protocol, which also tells of releases."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

Action: TypeAlias = Literal["press", "repeat", "release"]


@dataclass(frozen=True, slots=True)
class Key:
    """One thing done to a key. Without the kitty protocol there are only presses."""

    name: str
    """The character it types, or as "space", "enter", "escape", "left", "ctrl+c"; "paste" for pasted text."""
    text: str = ""
    """What it types; empty for a release."""
    action: Action = "press"


@dataclass(frozen=True, slots=True)
class KittySupported:
    """The terminal's answer to `CSI ? u`."""


_CSI = re.compile(rb"\x1b\[([\x30-\x3f]*)[\x20-\x2f]*([\x40-\x7e])", re.DOTALL)
_UNFINISHED = re.compile(rb"\x1b(\[[\x30-\x3f]*[\x20-\x2f]*|O)?", re.DOTALL)
_PASTE_ENDS = b"\x1b[201~"

_ACTIONS: dict[str, Action] = {"2": "repeat", "3": "release"}
_CONTROLS = {8: "backspace", 9: "tab", 10: "enter", 13: "enter", 27: "escape", 32: "space", 127: "backspace"}
_KEYPAD_ENTER = 57414
_LETTERS = {"A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end"}
_NUMBERS = {"1": "home", "3": "delete", "4": "end", "7": "home", "8": "end"}
_PRIVATE_USE = range(57344, 63744)
"""Where the kitty protocol numbers keys that type nothing."""


class KeyParser:
    """Takes bytes in whatever pieces they come.

    The grammar is that of https://sw.kovidgoyal.net/kitty/keyboard-protocol/ and of xterm's control sequences.
    """

    def __init__(self) -> None:
        self._bytes = b""
        self._pasting = False

    def feed(self, data: bytes) -> list[Key | KittySupported]:
        """What the bytes so far mean; the beginning of something longer is kept for the next call."""
        self._bytes += data
        found: list[Key | KittySupported] = []
        while self._bytes and (length := self._next(found)):
            self._bytes = self._bytes[length:]
        return found

    def flush(self) -> list[Key | KittySupported]:
        """Nothing came for a while: a lone escape byte was the key, not the beginning of a sequence."""
        if self._bytes != b"\x1b" or self._pasting:
            return []
        self._bytes = b""
        return [Key("escape")]

    def _next(self, found: list[Key | KittySupported]) -> int:
        """Append what the first bytes mean, and tell how many they are; 0 when more must come."""
        data = self._bytes
        if self._pasting:
            return self._paste(found)
        if data[0] != 0x1B:
            return _character(data, found)
        if match := _CSI.match(data):
            self._sequence(match[1].decode(), match[2].decode(), found)
            return match.end()
        if _UNFINISHED.fullmatch(data):
            return 0
        if data[1:2] == b"O":
            found += [Key(_LETTERS[chr(data[2])])] if chr(data[2]) in _LETTERS else []
            return 3
        if data[1:2] == b"\x1b":
            found.append(Key("escape"))
            return 1
        typed: list[Key | KittySupported] = []
        length = _character(data[1:], typed)  # Alt is sent as an escape before the key
        found += [Key(f"alt+{key.name}") for key in typed if isinstance(key, Key)]
        return length and 1 + length

    def _paste(self, found: list[Key | KittySupported]) -> int:
        end = self._bytes.find(_PASTE_ENDS)
        if end < 0:
            return 0
        self._pasting = False
        found.append(Key("paste", self._bytes[:end].decode(errors="ignore")))
        return end + len(_PASTE_ENDS)

    def _sequence(self, parameters: str, final: str, found: list[Key | KittySupported]) -> None:
        if final == "u" and parameters.startswith("?"):
            found.append(KittySupported())
            return
        first, modifiers, text = (*parameters.split(";"), "", "")[:3]
        code = first.partition(":")[0]
        if final == "~" and code == "200":
            self._pasting = True
        elif final == "u" and code.isdecimal():
            found.append(_kitty(int(code), modifiers, text))
        elif name := _LETTERS.get(final) or (_NUMBERS.get(code) if final == "~" else None):
            found.append(Key(_prefix(modifiers) + name, action=_action(modifiers)))


def _character(data: bytes, found: list[Key | KittySupported]) -> int:
    """A control byte or a UTF-8 character; bytes that are neither are skipped."""
    code = data[0]
    if code in _CONTROLS:
        found.append(Key(_CONTROLS[code], " " if code == 32 else ""))
        return 1
    if code < 32:
        found.append(Key(f"ctrl+{chr(code + 96)}"))
        return 1
    length = 1 if code < 0xC2 or code > 0xF4 else 2 if code < 0xE0 else 3 if code < 0xF0 else 4
    if len(data) < length:
        return 0
    try:
        character = data[:length].decode()
    except UnicodeDecodeError:
        return 1
    found.append(Key(character, character))
    return length


def _kitty(code: int, modifiers: str, text: str) -> Key:
    action, prefix = _action(modifiers), _prefix(modifiers)
    typed = "".join(chr(int(one)) for one in text.split(":") if one.isdecimal() and int(one) < 0x110000)
    typed = typed if typed.isprintable() else ""
    if code == _KEYPAD_ENTER:
        code = 13
    if code in _CONTROLS:
        name = _CONTROLS[code]
        typed = " " if code == 32 else ""
    elif code in _PRIVATE_USE or not 32 < code < 0x110000:
        name = typed or "other"
    else:
        name = chr(code)
        shifted = name.upper() if _held(modifiers) & 1 else name
        typed = typed or shifted
        name = name if prefix else typed
    return Key(prefix + name, "" if prefix or action == "release" else typed, action)


def _action(modifiers: str) -> Action:
    return _ACTIONS.get(modifiers.partition(":")[2], "press")


def _held(modifiers: str) -> int:
    """Bits: 1 shift, 2 alt, 4 control, 8 super; the locks, above, change nothing."""
    number = modifiers.partition(":")[0]
    return (int(number) - 1) & 15 if number.isdecimal() and int(number) > 0 else 0


def _prefix(modifiers: str) -> str:
    held = _held(modifiers)
    return ("ctrl+" if held & 4 else "") + ("alt+" if held & 2 else "") + ("super+" if held & 8 else "")
