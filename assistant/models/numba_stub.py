"""A stand-in for numba, which mlx-whisper imports for two word-timing functions and never needs."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


def stand_in_for_numba() -> None:
    """Make `import mlx_whisper` work without numba; does nothing where numba is installed."""
    if "numba" in sys.modules or importlib.util.find_spec("numba"):
        return
    stub = ModuleType("numba")
    stub.__spec__ = ModuleSpec("numba", None)  # others ask find_spec for numba, which raises without one

    def jit(*_args: Any, **_options: Any) -> Callable[[Any], Any]:
        return lambda function: function

    stub.jit = jit  # type: ignore[attr-defined]
    sys.modules["numba"] = stub
