"""A YAML file as plain values, with the line of every key, so that a mistake can be pointed at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from assistant.errors import ScriptError

KeyPath: TypeAlias = tuple[str | int, ...]
"""Where a value stands, as ("turns", 0, "expect", "turns")."""

_KEY_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge")


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML mapping and the line of each of its keys and list items."""

    path: Path
    values: dict[str, Any]
    lines: dict[KeyPath, int]

    def line(self, key: KeyPath) -> int:
        """Line of a key, or of what stands nearest around it."""
        while key not in self.lines:
            key = key[:-1]
        return self.lines[key]

    def fault(self, key: KeyPath, text: str) -> ScriptError:
        """The error that names file, line and key.

        Args:
            key: Where the mistake is; empty for the whole file.
            text: What is wrong and the cure, without a full stop.
        """
        return _fault(self.path, self.line(key), key, text)


def read_document(path: Path) -> Document:
    """Read a YAML file whose top level is a mapping.

    Raises:
        ScriptError: It cannot be read, is not YAML, is empty, is nested too deeply, or has a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        if root is None:
            raise ScriptError(f"{path} is empty; a script needs at least `turns:` with one entry.")
        if not isinstance(root, yaml.MappingNode):
            raise _fault(path, 1, (), "a script is a mapping of keys, with `turns:` among them")
        lines = _Lines(path)
        lines.walk(root, (), ())
        return Document(path, loader.construct_document(root), lines.found)
    except RecursionError:
        raise ScriptError(f"The script {path} is nested too deeply; close its brackets.") from None
    except OSError as error:
        raise ScriptError(f"The script {path} cannot be read: {error.strerror}; check the path.") from None
    except UnicodeDecodeError:
        raise ScriptError(f"The script {path} is not UTF-8 text; save it as UTF-8.") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = (error.problem or error.context or "it cannot be parsed").splitlines()[0]
        cure = "mind indentation, and put texts with `: ` or `#` in quotes"
        raise _fault(path, mark.line + 1 if mark else 1, (), f"not valid YAML, {problem}; {cure}") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date such as 2023-99-01
        raise _fault(path, 1, (), f"not valid YAML, {str(error).splitlines()[0]}; put such texts in quotes") from None


class _Lines:
    def __init__(self, path: Path) -> None:
        self.found: dict[KeyPath, int] = {}
        self._path = path

    def walk(self, node: yaml.Node, key: KeyPath, around: tuple[yaml.Node, ...]) -> None:
        self.found.setdefault(key, node.start_mark.line + 1)
        if node in around:
            raise _fault(self._path, self.found[key], key, "an alias may not stand inside what it names; write it out")
        around = (*around, node)
        if isinstance(node, yaml.MappingNode):
            for name, value in node.value:
                self._enter(name, value, key, around)
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                self.walk(value, (*key, index), around)

    def _enter(self, name: yaml.Node, value: yaml.Node, key: KeyPath, around: tuple[yaml.Node, ...]) -> None:
        line = name.start_mark.line + 1
        if not isinstance(name, yaml.ScalarNode) or name.tag not in _KEY_TAGS:
            raise _fault(self._path, line, key, "YAML does not read this key as text; put it in quotes")
        here = (*key, name.value)
        if here in self.found:
            first = self.found[here]
            raise _fault(self._path, line, here, f"the key stands twice (first on line {first}); keep one")
        self.found[here] = line
        self.walk(value, here, around)


def dotted(key: KeyPath) -> str:
    """Like turns[0].expect.turns."""
    parts = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key)
    return parts.removeprefix(".")


def _fault(path: Path, line: int, key: KeyPath, text: str) -> ScriptError:
    stop = "" if text.endswith((".", "?")) else "."
    return ScriptError(": ".join(part for part in (f"{path}, line {line}", dotted(key), text) if part) + stop)
