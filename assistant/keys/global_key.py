"""A key that is heard whatever window has the focus, through pynput. The only module that imports it."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from assistant.errors import KeyboardError

NO_PERMISSION = (
    "macOS does not tell this terminal of keys typed in other windows: allow your terminal app in System Settings > "
    "Privacy & Security > Accessibility and > Input Monitoring, then start it again."
)


@contextmanager
def global_key(
    name: str, press: Callable[[], None], release: Callable[[], None], warn: Callable[[str], None]
) -> Iterator[None]:
    """Tell of a key's way down and up, in the running loop, while the context lasts.

    Args:
        name: A character, or a name as "f8", "alt_r", "ctrl_r" (pynput.keyboard.Key).
        press: Called when the key goes down; repeats of a held key are left out.
        release: Called when it comes up.
        warn: Told in one sentence if the system keeps the keys from this program.

    Raises:
        KeyboardError: pynput is not installed or cannot work here, or there is no such key.
    """
    keyboard = _pynput()
    wanted = _find(keyboard, name)
    loop = asyncio.get_running_loop()
    down = False

    def on_press(key: Any) -> None:  # on the listener's thread
        nonlocal down
        if _same(key, wanted) and not down:
            down = True
            loop.call_soon_threadsafe(press)

    def on_release(key: Any) -> None:
        nonlocal down
        if _same(key, wanted) and down:
            down = False
            loop.call_soon_threadsafe(release)

    logging.getLogger("pynput").setLevel(logging.ERROR)  # what it would warn of is told by `warn`
    listener = keyboard.Listener(on_press=on_press, on_release=on_release)
    listener.start()
    try:
        listener.wait()
        if not getattr(listener, "IS_TRUSTED", True):  # an attribute on macOS only, set once it runs
            warn(NO_PERMISSION)
        yield
    finally:
        listener.stop()


def _pynput() -> Any:
    if importlib.util.find_spec("pynput") is None:
        raise KeyboardError("A global key needs pynput: uv pip install 'assistant[global-key]'.")
    try:
        from pynput import keyboard
    except ImportError as error:  # on Linux without an X display
        reason = str(error).partition("\n")[0] or "the system tells nobody of its keys"
        raise KeyboardError(f"There can be no global key here ({reason}); leave --global-key out.") from None
    return keyboard


def _same(key: Any, wanted: Any) -> bool:
    """Whether it is the wanted key, with or without shift."""
    return key == wanted or (getattr(key, "char", None) or "").lower() == (getattr(wanted, "char", None) or " ").lower()


def _find(keyboard: Any, name: str) -> Any:
    if len(name) == 1:
        return keyboard.KeyCode.from_char(name)
    try:
        return keyboard.Key[name]
    except KeyError:
        names = ", ".join(sorted(key.name for key in keyboard.Key))
        raise KeyboardError(f"There is no key {name!r}; take a single character or one of {names}.") from None
