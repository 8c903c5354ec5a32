"""Conversions of models that come from package indexes to folders the MLX libraries load.

Every conversion yields the same bytes on every machine, so that models.lock can hold the sha256 of its
result: tensors are written in a fixed order, sums are taken in a fixed order, nothing carries a date.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.errors import PullError

Tensors = dict[str, npt.NDArray[Any]]

_MODULES = {
    "whisper-from-ctranslate2": "assistant.models.convert.whisper",
    "llama-from-gguf": "assistant.models.convert.llama",
    "kokoro-from-onnx": "assistant.models.convert.kokoro",
    "smart-turn-from-onnx": "assistant.models.convert.smart_turn",
}
NAMES = tuple(_MODULES)


def convert(name: str, source: Path, target: Path) -> None:
    """Convert the unpacked packages under `source` into the empty folder `target`.

    Args:
        name: one of `NAMES`.
        source: folder with the contents of every package, each where its archive puts it.
        target: existing empty folder.

    Raises:
        PullError: a package the conversion needs is not installed, or the source is not what it must be.
    """
    try:
        importlib.import_module(_MODULES[name]).convert(source, target)
    except ModuleNotFoundError as error:
        raise PullError(
            f"{name} needs the Python package {error.name}; in the clone run: uv pip install '.[convert]'"
        ) from None
    except KeyError as error:
        raise PullError(f"What {name} converts lacks {error.args[0]}.") from None


def only(source: Path, pattern: str) -> Path:
    """The one file under `source` that matches the glob pattern.

    Raises:
        PullError: there is none, or more than one.
    """
    found = sorted(source.rglob(pattern))
    if len(found) != 1:
        raise PullError(f"The packages hold {len(found)} files {pattern} where one is expected; models.lock is wrong.")
    return found[0]


def write_tensors(path: Path, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write a safetensors file; its bytes depend on names and values only.

    Raises:
        OSError: the disk is full, or the file cannot be written for another reason.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    try:
        save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, path)
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        raise OSError(int(number.group(1)) if number else 0, str(error)) from None
    path.chmod(0o644)  # save_file leaves 0600, which locks other users out of a shared store


def write_json(path: Path, value: Any) -> None:
    """Write JSON, UTF-8, keys in the order given."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
