"""A key heard whatever window has the focus. A hand-written pynput stands in for the real one."""

from __future__ import annotations

import enum
import importlib.machinery
import sys
import threading
import types
from collections.abc import Callable
from dataclasses import dataclass

import anyio
import anyio.lowlevel
import pytest

from assistant.errors import KeyboardError
from assistant.keys.global_key import NO_PERMISSION, global_key


@dataclass(frozen=True)
class KeyCode:
    """As pynput.keyboard.KeyCode."""

    char: str

    @classmethod
    def from_char(cls, char: str) -> KeyCode:
        return cls(char)


class Key(enum.Enum):
    """As pynput.keyboard.Key."""

    f8 = "f8"
    alt_l = "alt_l"
    alt_r = "alt_r"


class Listener:
    """As pynput.keyboard.Listener: tells from a thread of its own."""

    running: Listener
    IS_TRUSTED = True

    def __init__(self, on_press: Callable[[object], None], on_release: Callable[[object], None]) -> None:
        self.on_press, self.on_release = on_press, on_release
        self.stopped = False
        type(self).running = self

    def start(self) -> None:
        pass

    def wait(self) -> None:
        pass

    def stop(self) -> None:
        self.stopped = True

    def type(self, *keys: tuple[str, object]) -> None:
        """Press ("+") and release ("-") keys."""

        def tell() -> None:
            for sign, key in keys:
                (self.on_press if sign == "+" else self.on_release)(key)

        thread = threading.Thread(target=tell)
        thread.start()
        thread.join()


@pytest.fixture(autouse=True)
def pynput(monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed, and trusted."""
    package, keyboard = types.ModuleType("pynput"), types.ModuleType("pynput.keyboard")
    keyboard.KeyCode, keyboard.Key, keyboard.Listener = KeyCode, Key, Listener  # type: ignore[attr-defined]
    package.keyboard = keyboard  # type: ignore[attr-defined]
    package.__spec__ = importlib.machinery.ModuleSpec("pynput", None)
    monkeypatch.setitem(sys.modules, "pynput", package)
    monkeypatch.setitem(sys.modules, "pynput.keyboard", keyboard)


def told(name: str, *keys: tuple[str, object]) -> list[str]:
    """What is told of a key while keys are pressed."""
    news: list[str] = []

    async def listen() -> None:
        with global_key(name, lambda: news.append("press"), lambda: news.append("release"), news.append):
            Listener.running.type(*keys)
            await anyio.lowlevel.checkpoint()
        assert Listener.running.stopped

    anyio.run(listen)
    return news


def test_the_key_is_told_once_each_way() -> None:
    """A held key repeats, and other keys are none of its business."""
    keys = [("+", Key.alt_l), ("+", Key.alt_r), ("+", Key.alt_r), ("-", Key.alt_l), ("-", Key.alt_r), ("-", Key.alt_r)]
    assert told("alt_r", *keys) == ["press", "release"]


def test_a_character_counts_with_and_without_shift() -> None:
    """It may be held while shift comes up."""
    assert told("t", ("+", KeyCode("T")), ("-", KeyCode("t"))) == ["press", "release"]


def test_without_permission_it_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where to allow it, once."""
    monkeypatch.setattr(Listener, "IS_TRUSTED", False)
    assert told("f8") == [NO_PERMISSION]
    assert "Input Monitoring" in NO_PERMISSION


def test_an_unknown_key_is_named_with_the_known_ones() -> None:
    """One sentence."""
    with pytest.raises(KeyboardError, match=r"no key 'f99'; take a single character or one of alt_l, alt_r, f8\."):
        told("f99")


def test_without_the_extra_the_cure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is LGPL, and not installed unasked."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(KeyboardError, match=r"uv pip install 'assistant\[global-key\]'"):
        told("f8")


def test_where_the_system_has_no_keys_to_tell_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Linux without a display: pynput fails when it is imported."""
    monkeypatch.delattr(sys.modules["pynput"], "keyboard")
    monkeypatch.delitem(sys.modules, "pynput.keyboard")
    with pytest.raises(KeyboardError, match="There can be no global key here"):
        told("f8")
