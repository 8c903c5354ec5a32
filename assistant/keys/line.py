"""A line being typed."""

from __future__ import annotations

from assistant.keys.parser import Key


class LineEditor:
    """Text and a cursor; keys that mean nothing to it change nothing."""

    def __init__(self) -> None:
        self.text = ""
        self.cursor = 0
        """Index in `text` before which the next character goes."""

    def feed(self, key: Key) -> None:
        """Take a press or a repeat."""
        before, after = self.text[: self.cursor], self.text[self.cursor :]
        match key.name:
            case "backspace":
                before = before[:-1]
            case "delete" | "ctrl+d":
                after = after[1:]
            case "ctrl+u":
                before = ""
            case "ctrl+k":
                after = ""
            case "ctrl+w":
                words = before.rstrip()
                before = words[: words.rfind(" ") + 1]
            case "left" | "ctrl+b":
                before, after = before[:-1], before[-1:] + after
            case "right" | "ctrl+f":
                before, after = before + after[:1], after[1:]
            case "home" | "ctrl+a":
                before, after = "", before + after
            case "end" | "ctrl+e":
                before, after = before + after, ""
            case _:
                before += "".join(one if one.isprintable() else " " for one in key.text)
        self.text, self.cursor = before + after, len(before)
